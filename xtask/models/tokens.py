#!/usr/bin/env python3
"""Writes what the package `tokenizers` makes of texts, for the tests of the component embeddings.

    pip install numpy safetensors tokenizers==0.23.3 openai
    python3 tokens.py > components/embeddings/src/tokenizer/reference.json

Its vocabulary has letters of many scripts, some longer pieces, and not all that occurs.
"""

import json

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from check import SENTENCES

PIECES = ["the", "quick", "##ing", "##ed", "un", "##able", "##ab", "##le", "jump", "##s", "fox", "don",
          "hund", "##und", "lauf", "##t", "été", "ete", "straße", "strasse", "##ß", "москва", "東京", "東"]
EXTRA = ["unable unables quickings jumped", "THE Fox", "STRASSE straße", "東京東", "ete été ÉTÉ",
         "a\u0300\u0301\u0302", "\u1e9e\u0130", "a\u00adb\u200bc\ufeffd", "x\ue000y\uf8ffz",
         "a\u0085b\u00a0c\u2028d\u2029e\u1680f\u180eg\u202fh\u205fi\u3000j", "\u0378 \u0e01\u0e33", "\U0001f600\U000e0001",
         "𠀀𫝀䶵龥豈丽", "한국어 ガ が ｶﾞ", "$a+b=c<d>e^f`g|h~i", "§¶†‡•…‰′″‹›※‼⁇", "´¨¸˜", "٪۔؟،؛", "।॥๚"]


def main():
    normalizer = normalizers.BertNormalizer()
    texts = SENTENCES + EXTRA
    letters = sorted({letter for text in texts for letter in normalizer.normalize_str(text) if not letter.isspace()})
    # Every seventh is missing, and what it occurs in is unknown.
    letters = [letter for index, letter in enumerate(letters) if index % 7]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES, *letters, *("##" + letter for letter in letters)]
    ids = {piece: index for index, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    normal = {
        "lower": {"lowercase": True, "strip_accents": None, "handle_chinese_chars": True},
        "cased": {"lowercase": False, "strip_accents": None, "handle_chinese_chars": True},
        "accents": {"lowercase": True, "strip_accents": False, "handle_chinese_chars": False},
    }
    cases = []
    for text in texts:
        case = {"text": text}
        for name, how in normal.items():
            tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, **how)
            case[name] = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(case)
    print('{"vocabulary":' + json.dumps(vocabulary) + ',\n"texts":[')
    print(",\n".join(json.dumps(case) for case in cases) + "]}")


if __name__ == "__main__":
    main()

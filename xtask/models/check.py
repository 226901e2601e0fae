#!/usr/bin/env python3
"""Compares a server of the component embeddings with an implementation that has no line in common.

    pip install numpy safetensors tokenizers openai
    python3 check.py http://127.0.0.1:8080 MODEL-FOLDER MODEL

The other implementation is BERT in numpy and float64, with tokens of the package `tokenizers`. The
client is OpenAI's. The exit status is 0 where everything agrees.
"""

import json
import math
import pathlib
import sys
import time

import numpy as np
import openai
from safetensors.numpy import load_file
from tokenizers import Tokenizer

# One minus the cosine of two embeddings of one text.
MOST_DISTANCE = 1e-4

SENTENCES = [
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "The girl is carrying a baby.",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "Der Hund läuft über die Straße.",
    "Portez ce vieux whisky au juge blond qui fume.",
    "L'été dernier, nous étions à la mer.",
    "El veloz murciélago hindú comía feliz cardillo y kiwi.",
    "¿Dónde está la biblioteca?",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Широкая электрификация южных губерний даст мощный толчок.",
    "いろはにほへと ちりぬるを",
    "私は東京に住んでいます。",
    "我爱北京天安门。",
    "敏捷的棕色狐狸跳过懒狗",
    "키스의 고유조건은 입술끼리 만나야 한다.",
    "نص حكيم له سر قاطع وذو شأن عظيم",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "Pijamalı hasta yağız şoföre çabucak güvendi. İSTANBUL",
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Đặng Thái Sơn chơi đàn dương cầm",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "naïve café résumé coöperate Ångström",
    "e\u0301 versus \u00e9, and A\u030a",
    "emoji 😀 👩‍🚀 🇩🇪 and more ❤️",
    "tabs\tand\nnew lines\r\nand\u00a0no-break\u2003em spaces",
    "zero\u200bwidth\u200djoiner\ufeff and soft\u00adhyphen",
    "control\u0001characters\u0007and\u007fdelete",
    "replacement \ufffd character",
    "don't won't can't it's O'Neill's",
    "e-mail: someone@example.com, see https://example.com/a?b=c&d=e#f",
    "prices: $1,234.56 €99 £5 ¥1000 50%",
    "x = (a + b) * c / d - e ^ f % g; // code",
    "fn main() { println!(\"{}\", 1 << 4); }",
    "“quoted” ‘single’ «guillemets» — dash – en … ellipsis",
    "½ ⅓ ² ³ ₁ Ⅷ ① ㎏ ﬁ ﬂ",
    "ＦＵＬＬＷＩＤＴＨ　ｔｅｘｔ",
    "ǅ ǈ ǋ ß ẞ ſ ı İ K Å",
    "[CLS] is not a token here [SEP] nor [MASK]",
    "a" * 100,
    "a" * 101,
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "qwrtpsdfghjklzxcvbnm" * 4,
    " ",
    "\u3000\u2028\u2029",
    ".",
    "!?!?!?",
    "1",
    "3.14159265358979323846",
    "the",
    "The quick brown fox jumps over the lazy dog.",
]

TOPICS = {
    "cooking": ["bread", "soup", "pasta", "a roast chicken", "an apple pie", "pancakes"],
    "astronomy": ["a planet", "a star", "a galaxy", "a comet", "the moon", "a telescope"],
    "football": ["the striker", "the goalkeeper", "the referee", "the coach", "the league", "a penalty"],
    "medicine": ["a vaccine", "a surgeon", "the patient", "a fever", "the hospital", "an x-ray"],
    "finance": ["a loan", "the stock market", "a pension", "inflation", "a mortgage", "the tax office"],
}
TEMPLATES = {
    "cooking": ["How long does {} stay in the oven?", "The recipe for {} needs butter and salt.",
                "She served {} for dinner.", "In the kitchen, {} was cooking.",
                "The chef tasted {} and added pepper.", "My grandmother bakes and cooks {} best.",
                "For lunch we ate {} with vegetables."],
    "astronomy": ["Astronomers observed {} in the night sky.", "The orbit of the earth and {} in space.",
                  "The spacecraft photographed {}.", "From the observatory, {} could be seen.",
                  "Gravity in outer space and {}.", "NASA published new data about {}.",
                  "Light years away from the sun, {} was found."],
    "football": ["In the football match, {} was decisive.", "The fans in the stadium sang about {}.",
                 "After the final whistle of the soccer game, {} was praised.",
                 "The team lost the cup final because of {}.", "The midfielder argued about {}.",
                 "Goals, offside and {} in the championship.", "The club's players talked about {}."],
    "medicine": ["The doctor wrote a report about {}.", "Nurses in the clinic took care of {}.",
                 "The disease was diagnosed after {}.", "Clinical trials and {}.",
                 "The treatment of the infection required {}.", "The physician prescribed pills after {}.",
                 "Symptoms such as pain, and {}."],
    "finance": ["The bank changed the interest rate for {}.", "Investors worry about money and {}.",
                "The economist wrote about {}.", "Her savings account and {}.",
                "The accountant calculated the costs of {}.", "Shares, bonds and {}.",
                "The government's budget depends on {}."],
}
QUESTIONS = {
    "what should I make for dinner tonight?": "cooking",
    "ingredients and how to bake a cake": "cooking",
    "what do we know about the universe?": "astronomy",
    "rockets that travel to other worlds": "astronomy",
    "who scored the winning goal?": "football",
    "sports teams and their players": "football",
    "I feel sick and need help": "medicine",
    "drugs against an illness": "medicine",
    "how do I save money for retirement?": "finance",
    "credit, debt and banks": "finance",
}


class Bert:
    """The formulas, in float64."""

    def __init__(self, folder: pathlib.Path):
        self.config = json.loads((folder / "config.json").read_text())
        weights = load_file(folder / "model.safetensors")
        self.weights = {
            name.removeprefix("bert."): tensor.astype(np.float64)
            for name, tensor in weights.items()
            if tensor.dtype.kind == "f"
        }
        self.erf = np.vectorize(math.erf)

    def linear(self, name: str, x):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, name: str, x):
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        x = (x - mean) / np.sqrt(variance + self.config["layer_norm_eps"])
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def embedding(self, ids: list[int]):
        table = lambda kind: self.weights[f"embeddings.{kind}_embeddings.weight"]
        x = table("word")[ids] + table("position")[: len(ids)] + table("token_type")[0]
        x = self.norm("embeddings.LayerNorm", x)
        heads = self.config["num_attention_heads"]
        for index in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{index}."
            query, key, value = (
                self.linear(f"{layer}attention.self.{part}", x)
                .reshape(len(ids), heads, -1)
                .transpose(1, 0, 2)
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
            shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
            shares /= shares.sum(axis=-1, keepdims=True)
            attended = (shares @ value).transpose(1, 0, 2).reshape(len(ids), -1)
            output = self.linear(layer + "attention.output.dense", attended)
            x = self.norm(layer + "attention.output.LayerNorm", x + output)
            inner = self.linear(layer + "intermediate.dense", x)
            inner *= 0.5 * (1 + self.erf(inner / math.sqrt(2)))
            x = self.norm(layer + "output.LayerNorm", x + self.linear(layer + "output.dense", inner))
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)


def check(what: str, holds: bool):
    if not holds:
        sys.exit(f"check.py: {what}: this does not hold")


def texts() -> list[str]:
    """At least 100, of one to many more tokens than the model takes."""
    long = "The river runs past the old mill, where nobody has ground flour since the war. "
    lengths = [long * count for count in (2, 3, 5, 7, 10, 13, 14, 15, 20, 40)]
    mixed = [" ".join(SENTENCES[i : i + 2 + i % 5]) for i in range(0, 48)]
    return SENTENCES + lengths + mixed


def main(url: str, folder: pathlib.Path, model: str):
    client = openai.OpenAI(base_url=url + "/v1", api_key="unused", timeout=600)
    check("the model is listed", model in [entry.id for entry in client.models.list()])
    check("the model is found", client.models.retrieve(model).id == model)

    most = json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)
    # A text's "[SEP]" is text, for the server and here.
    tokenizer.encode_special_tokens = True
    reference = Bert(folder)

    inputs = texts()
    expected = [tokenizer.encode(text).ids for text in inputs]
    # The client asks for Base64 where nobody says otherwise.
    began = time.monotonic()
    answer = client.embeddings.create(model=model, input=inputs)
    seconds = time.monotonic() - began
    check("tokens are counted", answer.usage.prompt_tokens == sum(map(len, expected)))
    embeddings = np.array([entry.embedding for entry in answer.data], dtype=np.float64)
    check("each has length 1", np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5))
    references = np.array([reference.embedding(ids) for ids in expected])
    distances = 1 - (embeddings * references).sum(axis=1)
    worst = int(distances.argmax())
    print(f"{len(inputs)} texts in {seconds:.2f} s; the largest distance is {distances[worst]:.1e}, "
          f"of {inputs[worst][:40]!r}")
    check(f"distances are below {MOST_DISTANCE}", distances[worst] < MOST_DISTANCE)

    # Each alone: other tokens have no influence, and each is counted by itself.
    for index in range(0, len(inputs), 7):
        single = client.embeddings.create(model=model, input=inputs[index], encoding_format="float")
        check(f"tokens of {inputs[index][:40]!r}", single.usage.prompt_tokens == len(expected[index]))
        alone = np.array(single.data[0].embedding)
        check(f"{inputs[index][:40]!r} alone", 1 - alone @ embeddings[index] < 1e-6)
    ids = [ids[1:-1] for ids in expected[:10]]
    by_ids = client.embeddings.create(model=model, input=ids)
    check("token ids are a text", np.allclose([e.embedding for e in by_ids.data], embeddings[:10], atol=1e-6))

    for arguments, status in [
        ({"model": "another", "input": "a"}, openai.NotFoundError),
        ({"model": model, "input": ""}, openai.BadRequestError),
        ({"model": model, "input": "a", "dimensions": 7}, openai.BadRequestError),
    ]:
        try:
            client.embeddings.create(**arguments)
            check(f"{arguments} is an error", False)
        except status as error:
            check("it has a message", bool(error.message) and error.type == "invalid_request_error")

    # A search: each question finds texts of its topic.
    documents = [
        (topic, template.format(word))
        for topic, words in TOPICS.items()
        for word in words
        for template in TEMPLATES[topic]
    ]
    answer = client.embeddings.create(model=model, input=[text for _, text in documents])
    vectors = np.array([entry.embedding for entry in answer.data])
    asked = client.embeddings.create(model=model, input=list(QUESTIONS))
    for (question, topic), entry in zip(QUESTIONS.items(), asked.data):
        nearest = np.argsort(-(vectors @ np.array(entry.embedding)))[:5]
        found = [documents[i][0] for i in nearest]
        check(f"{question!r} finds {topic}: {found}", found.count(topic) >= 4)
    print(f"{len(QUESTIONS)} questions found texts of their topics among {len(documents)}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3])

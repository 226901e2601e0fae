#!/usr/bin/env python3
"""Measures a server of the component embeddings beside native engines with the same model, in turns.

    pip install numpy safetensors tokenizers onnx onnxruntime
    python3 bench.py http://127.0.0.1:8080 MODEL-FOLDER MODEL ROUNDS SECONDS CANDLE

All get texts and give vectors, which are compared. ONNX Runtime is in a process of its own, with the
package `tokenizers`; CANDLE is the program in the folder `candle`; the server is asked over one connection, in
Base64. Each uses all threads. The median of the rounds counts. Writes a line of JSON for each
shape, and one for the memory of the others.
"""

import base64
import http.client
import json
import pathlib
import resource
import statistics
import struct
import subprocess
import sys
import time
import urllib.parse

# How many texts at a time, and tokens of each.
SHAPES = [(1, 16), (1, 128), (32, 16), (32, 128)]

# One minus the cosine of two embeddings of one text.
MOST_DISTANCE = 1e-4

WORDS = "the river runs past an old mill where nobody has made flour since last war and".split()


def texts(count: int, tokens: int) -> list[str]:
    """Each with so many tokens: each word is one, and two stand around a text."""
    word = lambda text, i: WORDS[(text * 7 + i * (text % 5 + 1)) % len(WORDS)]
    return [" ".join(word(text, i) for i in range(tokens - 2)) for text in range(count)]


def measure(call, seconds: float) -> float:
    """Calls a second."""
    call()
    began, calls = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        call()
        calls += 1
    return calls / passed


class Server:
    def __init__(self, url: str, model: str):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=600)
        self.model = model

    def measure(self, own: list[str], seconds: float) -> dict:
        body = json.dumps({"model": self.model, "input": own, "encoding_format": "base64"}).encode()

        def ask() -> bytes:
            self.connection.request("POST", "/v1/embeddings", body)
            response = self.connection.getresponse()
            answer = response.read()
            if response.status != 200:
                sys.exit(f"bench.py: {answer.decode()}")
            return answer

        # The one of the turn before was idle while the others had theirs, and may have been closed.
        self.connection.close()
        answer = json.loads(ask())
        tokens, expected = answer["usage"]["prompt_tokens"], sum(len(text.split()) + 2 for text in own)
        if tokens != expected:
            sys.exit(f"bench.py: {tokens} tokens, and not {expected}")
        vectors = [base64.b64decode(entry["embedding"]) for entry in answer["data"]]
        first = [struct.unpack(f"<{len(vector) // 4}f", vector) for vector in vectors]
        return {"rate": measure(ask, seconds), "first": first}


class Other:
    """Another process, which is asked by lines."""

    def __init__(self, name: str, command: list):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question):
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline() or sys.exit(f"bench.py: {self.name} has ended"))

    def measure(self, own: list[str], seconds: float) -> dict:
        return self.ask([own, seconds])


def onnxruntime_process(folder: pathlib.Path):
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    import onnx_model

    model = folder / "bert.onnx"
    if not model.exists():
        # In a process of its own, whose memory is not this one's.
        code = f"import onnx_model, pathlib; p = pathlib.Path({str(folder)!r}); "
        code += "(p / 'bert.onnx').write_bytes(onnx_model.build(p))"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=pathlib.Path(__file__).parent)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(256)
    for line in sys.stdin:
        question = json.loads(line)
        if question is None:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
            continue
        own, seconds = question

        def embed():
            encoded = tokenizer.encode_batch(own)
            ids = np.array([each.ids for each in encoded])
            mask = np.array([each.attention_mask for each in encoded])
            return session.run(None, {"ids": ids, "mask": mask})[0]

        first = embed().tolist()
        print(json.dumps({"rate": measure(embed, seconds), "first": first}), flush=True)


def main(url: str, folder: pathlib.Path, model: str, rounds: int, seconds: float, candle: str):
    others = [
        Other("onnxruntime", [sys.executable, __file__, "onnxruntime", folder]),
        Other("candle", [candle, folder]),
    ]
    ways = {"server": Server(url, model)} | {other.name: other for other in others}
    for count, tokens in SHAPES:
        own = texts(count, tokens)
        rates = {name: [] for name in ways}
        for _ in range(rounds):
            answers = {name: way.measure(own, seconds) for name, way in ways.items()}
            for name, answer in answers.items():
                rates[name].append(answer["rate"])
                for ours, theirs in zip(answers["server"]["first"], answer["first"]):
                    if 1 - sum(a * b for a, b in zip(ours, theirs)) > MOST_DISTANCE:
                        sys.exit(f"bench.py: {name} has other embeddings than the server")
        medians = {name: count * statistics.median(own) for name, own in rates.items()}
        print(json.dumps({"texts": count, "tokens": tokens} | medians), flush=True)
    print(json.dumps({other.name: other.ask(None) for other in others}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["onnxruntime"]:
        onnxruntime_process(pathlib.Path(sys.argv[2]))
    elif len(sys.argv) == 7:
        url, folder, model, rounds, seconds, candle = sys.argv[1:]
        main(url, pathlib.Path(folder), model, int(rounds), float(seconds), candle)
    else:
        sys.exit(__doc__)

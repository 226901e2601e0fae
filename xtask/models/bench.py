#!/usr/bin/env python3
"""Measures a server of the component embeddings beside ONNX Runtime with the same model, in turns.

    pip install numpy safetensors tokenizers onnx onnxruntime
    python3 bench.py http://127.0.0.1:8080 MODEL-FOLDER MODEL ROUNDS SECONDS

Both get texts and give vectors. ONNX Runtime is in a process of its own, with the package
`tokenizers`; the server is asked over one connection, in Base64. Both use all threads. The median of
the rounds counts. Writes a line of JSON for each shape, and one for ONNX Runtime's memory.
"""

import http.client
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time
import urllib.parse

# How many texts at a time, and tokens of each.
SHAPES = [(1, 16), (1, 128), (32, 16), (32, 128)]

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

    def rate(self, shape: tuple[int, int], seconds: float) -> float:
        body = json.dumps(
            {"model": self.model, "input": texts(*shape), "encoding_format": "base64"}
        ).encode()

        def ask() -> bytes:
            self.connection.request("POST", "/v1/embeddings", body)
            response = self.connection.getresponse()
            answer = response.read()
            if response.status != 200:
                sys.exit(f"bench.py: {answer.decode()}")
            return answer

        tokens = json.loads(ask())["usage"]["prompt_tokens"]
        if tokens != shape[0] * shape[1]:
            sys.exit(f"bench.py: {tokens} tokens, and not {shape}")
        return measure(ask, seconds)


class OnnxRuntime:
    """The other process, which is asked by lines."""

    def __init__(self, folder: pathlib.Path):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "onnxruntime", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question) -> float:
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


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
        *shape, seconds = question
        own = texts(*shape)

        def embed():
            encoded = tokenizer.encode_batch(own)
            ids = np.array([each.ids for each in encoded])
            mask = np.array([each.attention_mask for each in encoded])
            return session.run(None, {"ids": ids, "mask": mask})[0]

        print(measure(embed, seconds), flush=True)


def main(url: str, folder: pathlib.Path, model: str, rounds: int, seconds: float):
    server, other = Server(url, model), OnnxRuntime(folder)
    for count, tokens in SHAPES:
        rates = [
            (server.rate((count, tokens), seconds), other.ask([count, tokens, seconds]))
            for _ in range(rounds)
        ]
        ours, theirs = (count * statistics.median(way) for way in zip(*rates))
        row = {"texts": count, "tokens": tokens, "server": ours, "onnxruntime": theirs}
        print(json.dumps(row), flush=True)
    print(json.dumps({"onnxruntime_bytes": other.ask(None)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["onnxruntime"]:
        onnxruntime_process(pathlib.Path(sys.argv[2]))
    elif len(sys.argv) == 6:
        main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    else:
        sys.exit(__doc__)

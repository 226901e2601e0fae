#!/usr/bin/env python3
"""Trains the network of this component and writes `weights.bin` and `held-out.csv`. The same packages
on the same machine give the same files.

    pip install numpy==2.4.6 && pip download --no-deps scikit-learn==1.9.1
    python3 train.py scikit_learn-*.whl

The data are the digits that scikit-learn has (Alpaydin and Kaynak 1998, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository, CC BY 4.0): 1,797 pictures of 8 by 8 pixels,
each from 0 to 16. Every fifth is held out: the network never sees it.
"""

import gzip
import pathlib
import sys
import zipfile

import numpy as np

HIDDEN = 48
EPOCHS = 300
BATCH = 32
RATE = 0.05
DECAY = 1e-3

FOLDER = pathlib.Path(__file__).parent


def data(wheel: str):
    with zipfile.ZipFile(wheel) as archive:
        csv = gzip.decompress(archive.read("sklearn/datasets/data/digits.csv.gz")).decode()
    return np.array([[int(float(number)) for number in line.split(",")] for line in csv.split()])


def forward(weights, pixels):
    w1, b1, w2, b2 = weights
    inner = np.maximum(pixels @ w1 + b1, 0)
    scores = inner @ w2 + b2
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return inner, shares / shares.sum(axis=1, keepdims=True)


def train(pixels, digits):
    random = np.random.default_rng(1)
    weights = [
        random.normal(0, (2 / 64) ** 0.5, (64, HIDDEN)),
        np.zeros(HIDDEN),
        random.normal(0, (2 / HIDDEN) ** 0.5, (HIDDEN, 10)),
        np.zeros(10),
    ]
    momentum = [np.zeros_like(part) for part in weights]
    expected = np.eye(10)[digits]
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = random.permutation(len(pixels))
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            x = pixels[some]
            inner, shares = forward(weights, x)
            error = (shares - expected[some]) / len(some)
            before = (error @ weights[2].T) * (inner > 0)
            gradients = [x.T @ before, before.sum(axis=0), inner.T @ error, error.sum(axis=0)]
            for part, slope, speed in zip(weights, gradients, momentum):
                speed *= 0.9
                speed += slope + DECAY * part
                part -= rate * speed
    return weights


def main(wheel: str):
    rows = data(wheel)
    held = np.arange(len(rows)) % 5 == 4
    pixels, digits = rows[:, :64] / 16, rows[:, 64]
    weights = train(pixels[~held], digits[~held])
    (FOLDER / "weights.bin").write_bytes(b"".join(part.astype("<f4").tobytes() for part in weights))
    lines = ["# 64 pixels, row by row, then the digit; see train.py"]
    lines += [",".join(map(str, row)) for row in rows[held]]
    (FOLDER / "held-out.csv").write_text("\n".join(lines) + "\n")
    for name, which in [("training", ~held), ("held out", held)]:
        right = forward(weights, pixels[which])[1].argmax(axis=1) == digits[which]
        print(f"{name}: {right.sum()} of {len(right)} right, {right.mean():.1%}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

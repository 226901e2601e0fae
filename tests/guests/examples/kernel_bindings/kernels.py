"""Launches the kernels of kernels.ptx. Written by `tensor-wasm kernel bindings`."""

from wit_world.imports import kernels


def _integer8(value: int) -> kernels.Argument:
    if value < 0:
        return kernels.Argument_S8(value)
    return kernels.Argument_U8(value)


def _integer16(value: int) -> kernels.Argument:
    if value < 0:
        return kernels.Argument_S16(value)
    return kernels.Argument_U16(value)


def _integer32(value: int) -> kernels.Argument:
    if value < 0:
        return kernels.Argument_S32(value)
    return kernels.Argument_U32(value)


# A buffer, a place in one (in bytes), or a number.
Address = kernels.Buffer | tuple[kernels.Buffer, int] | int


def _address(value: Address) -> kernels.Argument:
    if isinstance(value, kernels.Buffer):
        return kernels.Argument_Pointer((value, 0))
    if isinstance(value, tuple):
        return kernels.Argument_Pointer(value)
    if value < 0:
        return kernels.Argument_S64(value)
    return kernels.Argument_U64(value)


class Kernels:
    """The kernels of kernels.ptx, loaded on a device."""

    def __init__(self, device: kernels.Device, ptx: bytes) -> None:
        module = device.load(ptx)
        self._combine = module.kernel("combine")
        self._load = module.kernel("load")

    def combine(self, queue: kernels.Queue, config: kernels.LaunchConfig, param_0: Address, param_1: Address, a: float, n: int, param_4: int, pair: bytes) -> None:
        """Launches the kernel combine."""
        arguments: list[kernels.Argument] = [
            _address(param_0),
            _address(param_1),
            kernels.Argument_F32(a),
            _integer32(n),
            _integer16(param_4),
            kernels.Argument_Bytes(pair),
        ]
        queue.launch(self._combine, config, arguments)

    def load(self, queue: kernels.Queue, config: kernels.LaunchConfig, param_0: Address, byte: int, half: int, brain: int, double: float, param_5: Address) -> None:
        """Launches the kernel load."""
        arguments: list[kernels.Argument] = [
            _address(param_0),
            _integer8(byte),
            kernels.Argument_F16(half),
            kernels.Argument_Bf16(brain),
            kernels.Argument_F64(double),
            _address(param_5),
        ]
        queue.launch(self._load, config, arguments)

# Sums up to each place, and the same numbers sorted.
import triton
import triton.language as tl


@triton.jit
def scan(out, x, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    v = tl.load(x + i)
    tl.store(out + i, tl.cumsum(v, 0))
    tl.store(out + BLOCK + i, tl.sort(v))


KERNEL = scan
SIGNATURE = dict(out="*i32", x="*i32")
BLOCK = 256

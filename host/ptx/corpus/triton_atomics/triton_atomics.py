# A histogram, a maximum, a sum and a swap.
import triton
import triton.language as tl


@triton.jit
def atomics(total, counts, x, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i, mask=i < n, other=0)
    tl.atomic_add(counts + (v & 15), 1, mask=i < n)
    tl.atomic_max(total, tl.max(v, 0))
    tl.atomic_cas(total + 1, 0, 1)
    tl.atomic_add(total + 2, tl.sum(v, 0), sem="relaxed")


KERNEL = atomics
SIGNATURE = dict(total="*i32", counts="*i32", x="*i32", n="i32")
BLOCK = 256

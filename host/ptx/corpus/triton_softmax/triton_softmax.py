# A row a program: maximum, sum of exponentials, quotient, by reductions of warps and blocks.
import triton
import triton.language as tl


@triton.jit
def softmax(out, x, columns, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    v = tl.load(x + row * stride + i, mask=i < columns, other=-float("inf"))
    e = tl.exp(v - tl.max(v, 0))
    tl.store(out + row * stride + i, e / tl.sum(e, 0), mask=i < columns)


KERNEL = softmax
SIGNATURE = dict(out="*fp32", x="*fp32", columns="i32", stride="i32")
BLOCK = 512

# A product of matrices, a tile a program, as the tutorial of Triton has it: programs in groups of rows, a
# loop over the depth in stages that asynchronous copies fill, sums in f32.
import triton
import triton.language as tl


@triton.jit
def matmul(a, b, c, M, N, K, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
           GROUP: tl.constexpr):
    program = tl.program_id(0)
    rows, columns = tl.cdiv(M, BLOCK_M), tl.cdiv(N, BLOCK_N)
    group = program // (GROUP * columns)
    height = min(rows - group * GROUP, GROUP)
    row = group * GROUP + program % (GROUP * columns) % height
    column = program % (GROUP * columns) // height
    m = row * BLOCK_M + tl.arange(0, BLOCK_M)
    n = column * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    left = a + (m % M)[:, None] * K + k[None, :]
    right = b + k[:, None] * N + (n % N)[None, :]
    sums = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for step in range(0, tl.cdiv(K, BLOCK_K)):
        x = tl.load(left, mask=k[None, :] < K - step * BLOCK_K, other=0.0)
        y = tl.load(right, mask=k[:, None] < K - step * BLOCK_K, other=0.0)
        sums = tl.dot(x, y, sums)
        left += BLOCK_K
        right += BLOCK_K * N
    at = c + m[:, None] * N + n[None, :]
    tl.store(at, sums.to(c.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


KERNEL = matmul
SIGNATURE = dict(a="*fp16", b="*fp16", c="*fp16", M="i32", N="i32", K="i32")
CONSTANTS = dict(BLOCK_M=64, BLOCK_N=64, BLOCK_K=32, GROUP=8)
MULTIPLES_OF_16 = ["a", "b", "c", "M", "N", "K"]

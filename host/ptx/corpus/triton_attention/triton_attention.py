# Fused attention forwards, as the tutorial of Triton has it: a program has a tile of queries of one head, and
# goes over keys and values in tiles with the largest product so far and the sum of the weights.
import triton
import triton.language as tl


@triton.jit
def attention(out, q, k, v, scale, LENGTH, WIDTH: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    row, head = tl.program_id(0), tl.program_id(1)
    first = head * LENGTH * WIDTH
    m = row * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.arange(0, BLOCK_N)
    d = tl.arange(0, WIDTH)
    query = tl.load(q + first + m[:, None] * WIDTH + d[None, :])
    keys = k + first + n[None, :] * WIDTH + d[:, None]
    values = v + first + n[:, None] * WIDTH + d[None, :]
    most = tl.full([BLOCK_M], -float("inf"), tl.float32)
    weight = tl.zeros([BLOCK_M], tl.float32)
    result = tl.zeros([BLOCK_M, WIDTH], tl.float32)
    factor = scale * 1.44269504
    for _ in range(0, LENGTH, BLOCK_N):
        products = tl.dot(query, tl.load(keys)) * factor
        now = tl.maximum(most, tl.max(products, 1))
        p = tl.exp2(products - now[:, None])
        before = tl.exp2(most - now)
        weight = weight * before + tl.sum(p, 1)
        result = tl.dot(p.to(tl.float16), tl.load(values), result * before[:, None])
        most = now
        keys += BLOCK_N * WIDTH
        values += BLOCK_N * WIDTH
    at = out + first + m[:, None] * WIDTH + d[None, :]
    tl.store(at, (result / weight[:, None]).to(tl.float16))


KERNEL = attention
SIGNATURE = dict(out="*fp16", q="*fp16", k="*fp16", v="*fp16", scale="fp32", LENGTH="i32")
CONSTANTS = dict(WIDTH=64, BLOCK_M=64, BLOCK_N=32)
MULTIPLES_OF_16 = ["out", "q", "k", "v", "LENGTH"]

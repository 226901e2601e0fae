# Halves times brain floats, with hints for the caches.
import triton
import triton.language as tl


@triton.jit
def hints(out, x, w, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(x + i, mask=i < n, other=0.0, eviction_policy="evict_first").to(tl.float32)
    b = tl.load(w + i, mask=i < n, other=0.0, eviction_policy="evict_last").to(tl.float32)
    tl.store(out + i, (a * tl.sigmoid(b)).to(tl.bfloat16), mask=i < n, cache_modifier=".cs")


KERNEL = hints
SIGNATURE = dict(out="*bf16", x="*fp16", w="*bf16", n="i32")
BLOCK = 512

// Arithmetic on __nv_bfloat16, alone and in pairs.
#include <cuda_bf16.h>
extern "C" __global__ void scalars(__nv_bfloat16* out, const __nv_bfloat16* x, const __nv_bfloat16* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __nv_bfloat16 a = x[i], b = y[i];
    out[i] = __hfma(a, b, __hsub(a, b));
    out[n + i] = __hmul(__hadd(a, b), __habs(b));
    out[2 * n + i] = __hlt(a, b) ? __hneg(a) : __hmax(a, b);
    out[3 * n + i] = __hdiv(a, b);
    out[4 * n + i] = __float2bfloat16(sqrtf(__bfloat162float(__habs(a))));
}
extern "C" __global__ void pairs(__nv_bfloat162* out, const __nv_bfloat162* x, const __nv_bfloat162* y, unsigned* masks, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __nv_bfloat162 a = x[i], b = y[i];
    out[i] = __hfma2(a, b, __hneg2(b));
    out[n + i] = __hmin2(__hadd2(a, b), __hmul2(a, b));
    out[2 * n + i] = __heq2(a, __hmax2(a, b));
    masks[i] = __hble2(a, b) + 2 * __hbgt2(a, b);
}

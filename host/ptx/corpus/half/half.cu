// Arithmetic on __half, alone and in pairs.
#include <cuda_fp16.h>
extern "C" __global__ void scalars(__half* out, const __half* x, const __half* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __half a = x[i], b = y[i];
    out[i] = __hfma(a, b, __hsub(a, b));
    out[n + i] = __hmul(__hadd(a, b), __habs(b));
    out[2 * n + i] = __hlt(a, b) ? __hneg(a) : __hmax(a, b);
    out[3 * n + i] = __hdiv(a, b);
    out[4 * n + i] = __float2half(sqrtf(__half2float(__habs(a))));
}
extern "C" __global__ void pairs(__half2* out, const __half2* x, const __half2* y, unsigned* masks, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __half2 a = x[i], b = y[i];
    out[i] = __hfma2(a, b, __hneg2(b));
    out[n + i] = __hmin2(__hadd2(a, b), __hmul2(a, b));
    out[2 * n + i] = __heq2(a, __hmax2(a, b));
    masks[i] = __hble2(a, b) + 2 * __hbgt2(a, b);
}

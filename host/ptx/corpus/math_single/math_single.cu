// The mathematical library in single precision, one row for each function.
extern "C" __global__ void math_single(float* out, const float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = x[i], p = fabsf(v) + 0.01f;
    float r[24] = {sinf(v), cosf(v), tanf(v), asinf(v / 20), acosf(v / 20), atanf(v), atan2f(v, p + 1), sinhf(v / 4), coshf(v / 4), tanhf(v), expf(v), exp2f(v),
                   logf(p), log2f(p), log10f(p), sqrtf(p), cbrtf(v), hypotf(v, 3), powf(p, 1.5f), fmodf(v, 0.75f), erff(v), lgammaf(p + 1), rintf(v), roundf(v)};
    for (int f = 0; f < 24; f++) out[f * n + i] = r[f];
}

// The mathematical library in double precision, one row for each function.
extern "C" __global__ void math_double(double* out, const double* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    double v = x[i], p = fabs(v) + 0.01;
    double r[20] = {sin(v), cos(v), tan(v), asin(v / 20), atan(v), atan2(v, p + 1), sinh(v / 4), tanh(v), exp(v), exp2(v),
                    log(p), log2(p), log1p(p), sqrt(p), rsqrt(p), cbrt(v), pow(p, 1.5), fmod(v, 0.75), erf(v), rint(v)};
    for (int f = 0; f < 20; f++) out[f * n + i] = r[f];
}

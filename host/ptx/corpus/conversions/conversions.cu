// Casts among all number types of C.
extern "C" __global__ void conversions(long long* out, const double* x, const long long* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    double d = x[i]; float f = (float)d; long long l = y[i];
    float cut;
    // Clang 19 rounds __ll2float_rz to nearest.
    asm("cvt.rz.f32.s64 %0, %1;" : "=f"(cut) : "l"(l));
    long long r[12] = {(int)f, (long long)d, (long long)(unsigned)(long long)d, (short)l, (unsigned char)l, (signed char)(l >> 8), (long long)((float)l), (long long)((double)(unsigned)l),
                       __double2int_rd(d), __float2int_ru(f), __double_as_longlong((double)f), (long long)__float_as_int(cut)};
    for (int k = 0; k < 12; k++) out[k * n + i] = r[k];
}

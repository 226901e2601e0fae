// Floats to bytes and back, and products of four bytes at a time.
extern "C" __global__ void quantize(signed char* out, unsigned char* positive, const float* x, float scale, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int v = __float2int_rn(x[i] * scale);
    out[i] = max(-128, min(127, v));
    positive[i] = (unsigned char)__float2uint_rz(fminf(fmaxf(x[i] * scale, 0.0f), 255.0f));
}
extern "C" __global__ void products(int* out, const int* a, const int* b, const unsigned* u, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int sum = __dp4a(a[i], b[i], i);
    sum = __dp2a_lo(a[i], b[i], sum) + __dp2a_hi(a[i], b[i], 0);
    out[i] = sum + __dp4a(u[i], u[i], 1u) + __sad(a[i], b[i], 5u) + __usad(u[i], 77u, 1u);
}

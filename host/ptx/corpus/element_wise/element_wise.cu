// Arithmetic on each element: floats, and integers with every operator of C.
extern "C" __global__ void floats(float* out, const float* x, const float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float a = x[i], b = y[i];
    out[i] = a * a + b / (fabsf(a) + 1.0f) - fminf(a, b) * fmaxf(a, 0.5f) + floorf(b) - truncf(a);
}
extern "C" __global__ void integers(int* out, const int* x, const int* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int a = x[i], b = y[i] | 1;
    unsigned u = a, v = b;
    out[i] = (a / b) ^ (a % b) ^ (int)(u / v + u % v) ^ (a << (b & 7)) ^ (a >> (b & 15)) ^ (int)(u >> (v & 31)) ^ max(a, b) ^ min(u, v) ^ abs(a) ^ ~b;
}

// Heat on a plane, and a seven-point stencil in space.
extern "C" __global__ void heat(float* out, const float* x, int width, int height, float rate) {
    int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;
    if (c >= width || r >= height) return;
    int i = r * width + c;
    if (c == 0 || r == 0 || c == width - 1 || r == height - 1) { out[i] = x[i]; return; }
    out[i] = x[i] + rate * (x[i - 1] + x[i + 1] + x[i - width] + x[i + width] - 4.0f * x[i]);
}
extern "C" __global__ void space(double* out, const double* x, int size) {
    int a = threadIdx.x + blockIdx.x * blockDim.x, b = threadIdx.y + blockIdx.y * blockDim.y, c = threadIdx.z + blockIdx.z * blockDim.z;
    if (a < 1 || b < 1 || c < 1 || a >= size - 1 || b >= size - 1 || c >= size - 1) return;
    long long i = ((long long)c * size + b) * size + a, plane = (long long)size * size;
    out[i] = (x[i - 1] + x[i + 1] + x[i - size] + x[i + size] + x[i - plane] + x[i + plane]) / 6.0 - x[i];
}

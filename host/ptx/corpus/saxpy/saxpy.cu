// A grid-stride loop: fewer threads than elements.
extern "C" __global__ void saxpy(float* y, const float* __restrict__ x, float a, unsigned n) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] = a * x[i] + y[i];
}

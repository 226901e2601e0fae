// Bytes are counted in shared memory, then in device memory.
extern "C" __global__ void histogram(unsigned* counts, const unsigned char* x, int n) {
    __shared__ unsigned own[256];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) own[i] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&own[x[i]], 1u);
    __syncthreads();
    for (int i = threadIdx.x; i < 256; i += blockDim.x) if (own[i]) atomicAdd(&counts[i], own[i]);
}

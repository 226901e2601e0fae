// One row a block: maximum, sum of exponentials, quotient.
extern "C" __global__ void softmax(float* out, const float* x, int n) {
    __shared__ float part[64];
    const float* row = x + blockIdx.x * n;
    float most = __int_as_float(0xff800000);
    for (int i = threadIdx.x; i < n; i += blockDim.x) most = fmaxf(most, row[i]);
    part[threadIdx.x] = most;
    __syncthreads();
    for (int s = blockDim.x / 2; s; s /= 2) { if (threadIdx.x < s) part[threadIdx.x] = fmaxf(part[threadIdx.x], part[threadIdx.x + s]); __syncthreads(); }
    most = part[0];
    __syncthreads();
    float sum = 0.0f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += expf(row[i] - most);
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int s = blockDim.x / 2; s; s /= 2) { if (threadIdx.x < s) part[threadIdx.x] += part[threadIdx.x + s]; __syncthreads(); }
    for (int i = threadIdx.x; i < n; i += blockDim.x) out[blockIdx.x * n + i] = expf(row[i] - most) / part[0];
}

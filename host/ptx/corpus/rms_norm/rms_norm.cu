// Root mean square of a row, in vectors of four.
extern "C" __global__ void rms_norm(float4* out, const float4* x, const float4* gain, int quads, float epsilon) {
    __shared__ float total;
    if (threadIdx.x == 0) total = 0.0f;
    __syncthreads();
    const float4* row = x + blockIdx.x * quads;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < quads; i += blockDim.x) { float4 v = row[i]; sum += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; }
    atomicAdd(&total, sum);
    __syncthreads();
    float scale = 1.0f / sqrtf(total / (4 * quads) + epsilon);
    for (int i = threadIdx.x; i < quads; i += blockDim.x) {
        float4 v = row[i], g = gain[i];
        out[blockIdx.x * quads + i] = make_float4(v.x * scale * g.x, v.y * scale * g.y, v.z * scale * g.z, v.w * scale * g.w);
    }
}

// Each of 64 threads computes 4 by 4 elements of a tile of 32 by 32, from vectors of four.
extern "C" __global__ void matmul_registers(float* c, const float* a, const float* b, int n) {
    __shared__ float left[8][32], right[8][32];
    int tx = threadIdx.x % 8, ty = threadIdx.x / 8, row0 = blockIdx.y * 32, column0 = blockIdx.x * 32;
    float sum[4][4] = {};
    for (int t = 0; t < n; t += 8) {
        float4 x = *(const float4*)&a[(row0 + threadIdx.x / 2) * n + t + threadIdx.x % 2 * 4];
        int s = threadIdx.x % 2 * 4, r = threadIdx.x / 2;
        left[s][r] = x.x; left[s + 1][r] = x.y; left[s + 2][r] = x.z; left[s + 3][r] = x.w;
        *(float4*)&right[threadIdx.x / 8][threadIdx.x % 8 * 4] = *(const float4*)&b[(t + threadIdx.x / 8) * n + column0 + threadIdx.x % 8 * 4];
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 8; i++) {
            float p[4], q[4];
#pragma unroll
            for (int j = 0; j < 4; j++) { p[j] = left[i][ty * 4 + j]; q[j] = right[i][tx * 4 + j]; }
#pragma unroll
            for (int j = 0; j < 4; j++)
#pragma unroll
                for (int l = 0; l < 4; l++) sum[j][l] = fmaf(p[j], q[l], sum[j][l]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < 4; j++) *(float4*)&c[(row0 + ty * 4 + j) * n + column0 + tx * 4] = make_float4(sum[j][0], sum[j][1], sum[j][2], sum[j][3]);
}

// A block's sum, minimum and maximum by shuffles, warp by warp.
extern "C" __global__ void reduce_shuffle(int* out, const int* x, int n) {
    __shared__ int sums[32], least[32], most[32];
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int s = i < n ? x[i] : 0, a = i < n ? x[i] : 0x7fffffff, b = i < n ? x[i] : -0x7fffffff - 1;
    for (int d = 16; d > 0; d /= 2) {
        s += __shfl_down_sync(0xffffffff, s, d);
        a = min(a, __shfl_xor_sync(0xffffffff, a, d));
        b = max(b, __shfl_xor_sync(0xffffffff, b, d));
    }
    if (lane == 0) { sums[warp] = s; least[warp] = a; most[warp] = b; }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < blockDim.x / 32; w++) { s += sums[w]; a = min(a, least[w]); b = max(b, most[w]); }
        atomicAdd(&out[0], s); atomicMin(&out[1], a); atomicMax(&out[2], b);
    }
}

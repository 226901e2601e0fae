// Inclusive sums of each block: by shuffles in a warp, then over the warps' sums.
extern "C" __global__ void scan(unsigned* out, const unsigned* x, unsigned* totals) {
    __shared__ unsigned sums[32];
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, v = x[i];
    for (int d = 1; d < 32; d *= 2) { unsigned u = __shfl_up_sync(0xffffffff, v, d); if (lane >= d) v += u; }
    if (lane == 31) sums[warp] = v;
    __syncthreads();
    if (warp == 0) {
        unsigned s = lane < blockDim.x / 32 ? sums[lane] : 0;
        for (int d = 1; d < 32; d *= 2) { unsigned u = __shfl_up_sync(0xffffffff, s, d); if (lane >= d) s += u; }
        sums[lane] = s;
    }
    __syncthreads();
    if (warp > 0) v += sums[warp - 1];
    out[i] = v;
    if (threadIdx.x == blockDim.x - 1) totals[blockIdx.x] = v;
}

// Keeps what is positive: ballots and counts of lower lanes give each its place.
extern "C" __global__ void compact(int* out, int* count, const int* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
    bool keep = i < n && x[i] > 0;
    unsigned mask = __ballot_sync(0xffffffffu, keep), start = 0;
    if (lane == 0 && mask) start = atomicAdd(count, __popc(mask));
    start = __shfl_sync(0xffffffffu, start, 0);
    if (keep) out[start + __popc(mask & ((1u << lane) - 1))] = x[i];
}

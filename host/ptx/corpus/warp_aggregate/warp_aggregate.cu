// Lanes with the same key add up once, by match and a leader; and the block counts by barriers.
extern "C" __global__ void warp_aggregate(int* totals, int* answers, const int* keys, const int* values) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, key = keys[i];
    unsigned peers = __match_any_sync(0xffffffffu, key);
    int sum = 0;
    for (unsigned rest = peers; rest; rest &= rest - 1) {
        int from = __ffs(rest) - 1;
        sum += values[i - (threadIdx.x & 31) + from];
    }
    if ((threadIdx.x & 31) == __ffs(peers) - 1) atomicAdd(&totals[key], sum);
    __syncwarp();
    int same;
    unsigned all = __match_all_sync(0xffffffffu, key >> 31, &same);
    int count = __syncthreads_count(values[i] > 0), every = __syncthreads_and(values[i] > -1000), some = __syncthreads_or(values[i] == 7);
    if (threadIdx.x == 0) { answers[blockIdx.x * 4] = count; answers[blockIdx.x * 4 + 1] = every != 0; answers[blockIdx.x * 4 + 2] = some != 0; answers[blockIdx.x * 4 + 3] = same + __popc(all); }
}

// Points in a circle: a generator for each thread, a count by warps, a sum in double.
extern "C" __global__ void monte_carlo(unsigned long long* inside, double* sum, int rounds) {
    unsigned s = blockIdx.x * blockDim.x + threadIdx.x + 1, hits = 0;
    double total = 0;
    for (int i = 0; i < rounds; i++) {
        s ^= s << 13; s ^= s >> 17; s ^= s << 5; unsigned a = s;
        s ^= s << 13; s ^= s >> 17; s ^= s << 5; unsigned b = s;
        double x = a * (1.0 / 4294967296.0), y = b * (1.0 / 4294967296.0);
        if (x * x + y * y < 1.0) hits++;
        total += (double)(a >> 16);
    }
    for (int d = 16; d; d /= 2) hits += __shfl_down_sync(~0u, hits, d);
    if (threadIdx.x % 32 == 0) atomicAdd(inside, (unsigned long long)hits);
    atomicAdd(sum, total);
}

// What a kernel says, and when it gives up.
#ifdef __clang__
#include <cassert>
#include <cstdio>
#endif
__constant__ const char* names[3] = {"zero", "one", "two"};
extern "C" __global__ void prints(int n, float x) {
    printf("thread %d of %d: %s %.3f %5u|%-6x|%lld\n", threadIdx.x, n, names[threadIdx.x % 3], x * threadIdx.x, threadIdx.x, 255u << threadIdx.x, -1ll << (40 - threadIdx.x));
    if (threadIdx.x == 0) printf("end\n");
}
extern "C" __global__ void asserts(const int* x) { assert(x[threadIdx.x] > 0); }

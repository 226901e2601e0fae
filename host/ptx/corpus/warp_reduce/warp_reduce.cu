// Reductions that a warp does in one instruction.
#ifdef __clang__
// Clang 19's own functions pass the mask and the value the wrong way round.
#define SWAPPED(name, builtin, type) __device__ type name##_right(unsigned mask, type value) { return builtin(value, mask); }
SWAPPED(__reduce_add_sync, __nvvm_redux_sync_add, int) SWAPPED(__reduce_min_sync, __nvvm_redux_sync_min, int) SWAPPED(__reduce_max_sync, __nvvm_redux_sync_max, int)
SWAPPED(__reduce_and_sync, __nvvm_redux_sync_and, unsigned) SWAPPED(__reduce_or_sync, __nvvm_redux_sync_or, unsigned) SWAPPED(__reduce_xor_sync, __nvvm_redux_sync_xor, unsigned)
__device__ unsigned __reduce_min_sync_right(unsigned mask, unsigned value) { return __nvvm_redux_sync_umin(value, mask); }
__device__ unsigned __reduce_add_sync_right(unsigned mask, unsigned value) { return __nvvm_redux_sync_add(value, mask); }
#define __reduce_add_sync __reduce_add_sync_right
#define __reduce_min_sync __reduce_min_sync_right
#define __reduce_max_sync __reduce_max_sync_right
#define __reduce_and_sync __reduce_and_sync_right
#define __reduce_or_sync __reduce_or_sync_right
#define __reduce_xor_sync __reduce_xor_sync_right
#endif
extern "C" __global__ void warp_reduce(unsigned* out, const int* x) {
    int v = x[blockIdx.x * 32 + threadIdx.x];
    int sum = __reduce_add_sync(0xffffffffu, v), least = __reduce_min_sync(0xffffffffu, v), most = __reduce_max_sync(0xffffffffu, v);
    unsigned ones = __reduce_and_sync(0xffffffffu, (unsigned)v), any = __reduce_or_sync(0xffffffffu, (unsigned)v), odd = __reduce_xor_sync(0xffffffffu, (unsigned)v);
    unsigned low = __reduce_min_sync(0xffffffffu, (unsigned)v), half = 0;
    if (threadIdx.x < 16) half = __reduce_add_sync(0x0000ffffu, (unsigned)v);
    if (threadIdx.x == 0) { unsigned* o = out + blockIdx.x * 8; o[0] = sum; o[1] = least; o[2] = most; o[3] = ones; o[4] = any; o[5] = odd; o[6] = low; o[7] = half; }
}

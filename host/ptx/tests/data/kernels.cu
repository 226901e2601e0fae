// Kernels of the interpreter's tests. kernels.ptx is what NVRTC 12.9 makes of them:
//   nvrtc --gpu-architecture=compute_75 --std=c++17 (through its C interface)
extern "C" {

__global__ void vector_add(const float *a, const float *b, float *c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

// The sum of each block's part, by a tree in shared memory.
__global__ void block_sums(const int *in, int *out, int n) {
    extern __shared__ int partial[];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    partial[threadIdx.x] = i < n ? in[i] : 0;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = partial[0];
}

// The sum of each warp's part, by shuffles.
__global__ void warp_sums(const float *in, float *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float sum = in[i];
    for (int delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(0xffffffff, sum, delta);
    if (threadIdx.x % 32 == 0) out[i / 32] = sum;
}

#define TILE 16
__global__ void transpose(const float *in, float *out, int width, int height) {
    __shared__ float tile[TILE][TILE + 1];
    int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
    if (x < width && y < height) tile[threadIdx.y][threadIdx.x] = in[y * width + x];
    __syncthreads();
    x = blockIdx.y * TILE + threadIdx.x;
    y = blockIdx.x * TILE + threadIdx.y;
    if (x < height && y < width) out[y * height + x] = tile[threadIdx.x][threadIdx.y];
}

__global__ void histogram(const unsigned char *in, unsigned *bins, int n) {
    __shared__ unsigned local[256];
    local[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&local[in[i]], 1u);
    __syncthreads();
    atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

__global__ void matmul(const float *a, const float *b, float *c, int n) {
    __shared__ float as[TILE][TILE], bs[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0;
    for (int k = 0; k < n; k += TILE) {
        as[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
        bs[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
        __syncthreads();
        for (int i = 0; i < TILE; i++) sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
        __syncthreads();
    }
    c[row * n + column] = sum;
}

// Every thread counts steps of the Collatz sequence: loops that end at different times.
__global__ void collatz(const unsigned *in, unsigned *out) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x, steps = 0;
    for (unsigned long long x = in[i]; x != 1; steps++) x = x % 2 ? 3 * x + 1 : x / 2;
    out[i] = steps;
}

__device__ __noinline__ int gcd(int a, int b) {
    while (b) { int t = a % b; a = b; b = t; }
    return a;
}
struct Pair { int sum; long long product; };
__device__ __noinline__ Pair both(int a, int b) {
    Pair pair = { gcd(a, b) + a, (long long)a * b };
    return pair;
}
__global__ void calls(const int *a, const int *b, long long *out) {
    int i = threadIdx.x;
    Pair pair = both(a[i], b[i]);
    out[i] = pair.sum * 1000000LL + pair.product;
}

// A local array that no register can hold, indexed by data.
__global__ void local_sort(int *data) {
    int mine[16];
    int *base = data + threadIdx.x * 16;
    for (int i = 0; i < 16; i++) mine[i] = base[i];
    for (int i = 1; i < 16; i++) {
        int value = mine[i], j = i;
        for (; j > 0 && mine[j - 1] > value; j--) mine[j] = mine[j - 1];
        mine[j] = value;
    }
    for (int i = 0; i < 16; i++) base[i] = mine[mine[i] & 15 ? i : i];
}

__constant__ float weights[4] = { 0.5f, 1.5f, -2.0f, 0.25f };
__device__ unsigned counter = 7;
__global__ void globals(float *out) {
    out[threadIdx.x] = weights[threadIdx.x & 3];
    if (threadIdx.x == 0) atomicInc(&counter, 100);
}

__global__ void choose(const int *in, int *out) {
    int x = in[threadIdx.x], y;
    switch (x) {
        case 0: y = 10; break;
        case 1: y = x * 7 - 3; break;
        case 2: y = 99; break;
        case 3: y = x << 5; break;
        case 4: y = -x; break;
        case 5: y = x * x * x; break;
        case 6: y = 1234567; break;
        default: y = -1;
    }
    out[threadIdx.x] = y;
}

// Uses everything that a warp can do together.
__global__ void warp_votes(const int *in, unsigned *out) {
    int lane = threadIdx.x, x = in[lane];
    out[lane * 6 + 0] = __ballot_sync(0xffffffff, x > 5);
    out[lane * 6 + 1] = __any_sync(0xffffffff, x == 7) * 2 + __all_sync(0xffffffff, x >= 0);
    out[lane * 6 + 2] = __match_any_sync(0xffffffff, x);
    out[lane * 6 + 3] = __shfl_xor_sync(0xffffffff, x, 5);
    out[lane * 6 + 4] = __shfl_up_sync(0xffffffff, x, 3, 8);
    out[lane * 6 + 5] = __shfl_sync(0xffffffff, x, lane * 7, 16);
}

// One thread of each group that is together adds for all of it.
__global__ void aggregate(unsigned *total, const int *in) {
    if (in[threadIdx.x] % 3 == 0) {
        unsigned mask = __activemask();
        int leader = __ffs(mask) - 1;
        if ((threadIdx.x & 31) == leader) atomicAdd(total, __popc(mask));
    }
}

__global__ void counted(const int *in, int *out) {
    out[threadIdx.x] = __syncthreads_count(in[threadIdx.x] > 0) * 4
        + __syncthreads_or(in[threadIdx.x] == 3) * 2 + __syncthreads_and(in[threadIdx.x] < 100);
}

__global__ void wide(const unsigned long long *a, const unsigned long long *b, unsigned long long *out) {
    int i = threadIdx.x;
    unsigned __int128 product = (unsigned __int128)a[i] * b[i] + a[i];
    unsigned __int128 sum = product - (((unsigned __int128)b[i] << 64) | a[i]);
    out[i * 4 + 0] = (unsigned long long)product;
    out[i * 4 + 1] = (unsigned long long)(product >> 64);
    out[i * 4 + 2] = (unsigned long long)sum;
    out[i * 4 + 3] = (unsigned long long)(sum >> 64);
}

__global__ void mathematics(const float *in, float *out, const double *din, double *dout) {
    int i = threadIdx.x;
    float x = in[i];
    float *o = out + i * 8;
    o[0] = sinf(x); o[1] = cosf(x); o[2] = expf(x); o[3] = logf(x);
    o[4] = powf(x, 1.7f); o[5] = tanhf(x); o[6] = atan2f(x, 2.0f); o[7] = rsqrtf(x);
    double d = din[i];
    double *p = dout + i * 4;
    p[0] = sin(d); p[1] = exp(d); p[2] = log(d); p[3] = sqrt(d) / (d + 3.0);
}

__global__ void integers(const int *a, const int *b, int *out) {
    int i = threadIdx.x, x = a[i], y = b[i];
    unsigned u = x, v = y;
    int *o = out + i * 12;
    o[0] = x / y; o[1] = x % y; o[2] = u / v; o[3] = u % v;
    o[4] = __mulhi(x, y); o[5] = __clz(x); o[6] = __brev(x); o[7] = __byte_perm(x, y, 0x3715);
    o[8] = __funnelshift_l(x, y, 9); o[9] = abs(x - y); o[10] = (short)x * (signed char)y; o[11] = __ffs(x);
}

}

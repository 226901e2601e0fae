// Kernels of large blocks with many barriers and little work between them, as libraries for
// neural networks have them; a direct convolution; and a gather that asserts its indices.
// Compiled by xtask/nvrtc.py, like the kernels of components.

__device__ float warp_sum(float x) {
    for (int offset = 16; offset > 0; offset >>= 1) x += __shfl_xor_sync(0xffffffff, x, offset, 32);
    return x;
}

__device__ float warp_max(float x) {
    for (int offset = 16; offset > 0; offset >>= 1) x = fmaxf(x, __shfl_xor_sync(0xffffffff, x, offset, 32));
    return x;
}

// Each block sums a row: every thread some elements, then a tree in shared memory.
extern "C" __global__ void block_sum(float* out, const float* x, int n) {
    __shared__ float part[1024];
    int thread = threadIdx.x;
    float sum = 0.0f;
    for (int i = thread; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];
    part[thread] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half >>= 1) {
        if (thread < half) part[thread] += part[thread + half];
        __syncthreads();
    }
    if (thread == 0) out[blockIdx.x] = part[0];
}

// One row a block: the root mean square by shuffles, and a second round over the warps' sums.
extern "C" __global__ void block_rms_norm(float* out, const float* x, int n, float epsilon) {
    __shared__ float parts[32];
    const float* row = x + blockIdx.x * n;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += row[i] * row[i];
    sum = warp_sum(sum);
    if (blockDim.x > 32) {
        if (warp == 0) parts[lane] = 0.0f;
        __syncthreads();
        if (lane == 0) parts[warp] = sum;
        __syncthreads();
        sum = warp_sum(parts[lane]);
    }
    float scale = rsqrtf(sum / n + epsilon);
    for (int i = threadIdx.x; i < n; i += blockDim.x) out[blockIdx.x * n + i] = scale * row[i];
}

// One row a block: the largest, the sum of exponentials, the quotients.
extern "C" __global__ void block_softmax(float* out, const float* x, int n) {
    __shared__ float parts[32];
    const float* row = x + blockIdx.x * n;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float most = __int_as_float(0xff800000);
    for (int i = threadIdx.x; i < n; i += blockDim.x) most = fmaxf(most, row[i]);
    most = warp_max(most);
    if (warp == 0) parts[lane] = __int_as_float(0xff800000);
    __syncthreads();
    if (lane == 0) parts[warp] = most;
    __syncthreads();
    most = warp_max(parts[lane]);
    __syncthreads();
    float sum = 0.0f;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float e = __expf(row[i] - most);
        out[blockIdx.x * n + i] = e;
        sum += e;
    }
    sum = warp_sum(sum);
    if (warp == 0) parts[lane] = 0.0f;
    __syncthreads();
    if (lane == 0) parts[warp] = sum;
    __syncthreads();
    sum = warp_sum(parts[lane]);
    float scale = 1.0f / sum;
    for (int i = threadIdx.x; i < n; i += blockDim.x) out[blockIdx.x * n + i] *= scale;
}

// Three by three, over all channels, one element of the result a thread.
extern "C" __global__ void convolve(float* out, const float* x, const float* filter, int width, int height, int channels) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y, to = blockIdx.z;
    if (column >= width || row >= height) return;
    float sum = 0.0f;
    for (int from = 0; from < channels; from++)
        for (int i = -1; i <= 1; i++)
            for (int j = -1; j <= 1; j++) {
                int y = row + i, z = column + j;
                if (y >= 0 && y < height && z >= 0 && z < width)
                    sum += x[(from * height + y) * width + z] * filter[((to * channels + from) * 3 + i + 1) * 3 + j + 1];
            }
    out[(to * height + row) * width + column] = sum;
}

// What indices name, each of which is asserted to be one.
extern "C" __device__ void __assertfail(const char* message, const char* file, unsigned line, const char* function, size_t size);

extern "C" __global__ void gather(float* out, const float* x, const unsigned* index, unsigned size, unsigned n) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned at = index[i];
    if (at >= size) __assertfail("at < size", "blocks.cu", 95, "gather", 1);
    out[i] = x[at];
}

// Attention, one query a thread, over tiles of keys and values that the block shares: the query, the
// weighted values, their weight and the largest product so far are in registers.
extern "C" __global__ void attention(float* out, const float* queries, const float* keys, const float* values, int n, float scale) {
    const int WIDTH = 128, TILE = 16;
    __shared__ float key[TILE][WIDTH], value[TILE][WIDTH];
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    float query[WIDTH], result[WIDTH];
    #pragma unroll
    for (int i = 0; i < WIDTH; i++) {
        query[i] = queries[row * WIDTH + i] * scale;
        result[i] = 0.0f;
    }
    float most = __int_as_float(0xff800000), sum = 0.0f;
    for (int tile = 0; tile < n; tile += TILE) {
        for (int i = threadIdx.x; i < TILE * WIDTH; i += blockDim.x) {
            key[i / WIDTH][i % WIDTH] = keys[tile * WIDTH + i];
            value[i / WIDTH][i % WIDTH] = values[tile * WIDTH + i];
        }
        __syncthreads();
        #pragma unroll 1
        for (int j = 0; j < TILE; j++) {
            float product = 0.0f;
            #pragma unroll
            for (int i = 0; i < WIDTH; i++) product += query[i] * key[j][i];
            float now = fmaxf(most, product);
            float weight = __expf(product - now), before = __expf(most - now);
            sum = sum * before + weight;
            #pragma unroll
            for (int i = 0; i < WIDTH; i++) result[i] = result[i] * before + weight * value[j][i];
            most = now;
        }
        __syncthreads();
    }
    #pragma unroll
    for (int i = 0; i < WIDTH; i++) out[row * WIDTH + i] = result[i] / sum;
}

// Filters for pictures of 8-bit RGBA pixels, stored row after row without padding. Each
// thread computes one pixel, in blocks of 16 x 16. Beyond its edges a picture repeats its
// outermost pixels. The computations are exact in integers, except for a correctly
// rounded square root, so scalar code can reproduce each bit.

#define TILE 16
#define RADIUS 2
#define SPAN (TILE + 2 * RADIUS)

__device__ __forceinline__ int clamped(int value, int last)
{
    return min(max(value, 0), last);
}

// The luma of ITU-R BT.601, with weights in 1/256.
__device__ __forceinline__ int luma(uchar4 p)
{
    return (77 * p.x + 150 * p.y + 29 * p.z + 128) >> 8;
}

// One pass of the 5 x 5 binomial filter, (1 4 6 4 1) along each axis. N passes
// approximate a Gaussian whose standard deviation is the square root of N.
// The block first loads its pixels and their neighbours, then filters its rows,
// then its columns.
extern "C" __global__ void __launch_bounds__(TILE * TILE)
gaussian(uchar4 *out, const uchar4 *in, int width, int height)
{
    __shared__ uchar4 tile[SPAN][SPAN];
    __shared__ ushort4 rows[SPAN][TILE];

    const int left = blockIdx.x * TILE;
    const int top = blockIdx.y * TILE;
    const int thread = threadIdx.y * TILE + threadIdx.x;

    for (int i = thread; i < SPAN * SPAN; i += TILE * TILE) {
        const int x = clamped(left + i % SPAN - RADIUS, width - 1);
        const int y = clamped(top + i / SPAN - RADIUS, height - 1);
        tile[i / SPAN][i % SPAN] = in[(size_t)y * width + x];
    }
    __syncthreads();

    for (int i = thread; i < SPAN * TILE; i += TILE * TILE) {
        const uchar4 *p = &tile[i / TILE][i % TILE];
        ushort4 sum;
        sum.x = p[0].x + 4 * p[1].x + 6 * p[2].x + 4 * p[3].x + p[4].x;
        sum.y = p[0].y + 4 * p[1].y + 6 * p[2].y + 4 * p[3].y + p[4].y;
        sum.z = p[0].z + 4 * p[1].z + 6 * p[2].z + 4 * p[3].z + p[4].z;
        sum.w = p[0].w + 4 * p[1].w + 6 * p[2].w + 4 * p[3].w + p[4].w;
        rows[i / TILE][i % TILE] = sum;
    }
    __syncthreads();

    const int x = left + threadIdx.x;
    const int y = top + threadIdx.y;
    if (x >= width || y >= height)
        return;

    const ushort4 a = rows[threadIdx.y][threadIdx.x];
    const ushort4 b = rows[threadIdx.y + 1][threadIdx.x];
    const ushort4 c = rows[threadIdx.y + 2][threadIdx.x];
    const ushort4 d = rows[threadIdx.y + 3][threadIdx.x];
    const ushort4 e = rows[threadIdx.y + 4][threadIdx.x];
    out[(size_t)y * width + x] = make_uchar4(
        (a.x + 4 * b.x + 6 * c.x + 4 * d.x + e.x + 128) >> 8,
        (a.y + 4 * b.y + 6 * c.y + 4 * d.y + e.y + 128) >> 8,
        (a.z + 4 * b.z + 6 * c.z + 4 * d.z + e.z + 128) >> 8,
        (a.w + 4 * b.w + 6 * c.w + 4 * d.w + e.w + 128) >> 8);
}

// The length of the luma's gradient by Sobel's operator, at most 255. The alpha channel
// is not changed.
extern "C" __global__ void __launch_bounds__(TILE * TILE)
sobel(uchar4 *out, const uchar4 *in, int width, int height)
{
    const int x = blockIdx.x * TILE + threadIdx.x;
    const int y = blockIdx.y * TILE + threadIdx.y;
    if (x >= width || y >= height)
        return;

    int near[3][3];
    for (int dy = 0; dy < 3; dy++)
        for (int dx = 0; dx < 3; dx++)
            near[dy][dx] = luma(in[(size_t)clamped(y + dy - 1, height - 1) * width
                                   + clamped(x + dx - 1, width - 1)]);

    const int across = near[0][2] + 2 * near[1][2] + near[2][2]
                     - near[0][0] - 2 * near[1][0] - near[2][0];
    const int down = near[2][0] + 2 * near[2][1] + near[2][2]
                   - near[0][0] - 2 * near[0][1] - near[0][2];
    const int length = __float2int_rn(sqrtf((float)(across * across + down * down)));
    const unsigned char value = min(length, 255);
    out[(size_t)y * width + x] =
        make_uchar4(value, value, value, in[(size_t)y * width + x].w);
}

// The luma of each pixel. The alpha channel is not changed.
extern "C" __global__ void __launch_bounds__(TILE * TILE)
grayscale(uchar4 *out, const uchar4 *in, int width, int height)
{
    const int x = blockIdx.x * TILE + threadIdx.x;
    const int y = blockIdx.y * TILE + threadIdx.y;
    if (x >= width || y >= height)
        return;

    const uchar4 p = in[(size_t)y * width + x];
    const unsigned char value = luma(p);
    out[(size_t)y * width + x] = make_uchar4(value, value, value, p.w);
}

// A tile at a time, with a column more so that banks do not collide.
extern "C" __global__ void transpose(double* out, const double* x, int width, int height) {
    __shared__ double tile[16][17];
    int column = blockIdx.x * 16 + threadIdx.x, row = blockIdx.y * 16 + threadIdx.y;
    if (column < width && row < height) tile[threadIdx.y][threadIdx.x] = x[row * width + column];
    __syncthreads();
    column = blockIdx.y * 16 + threadIdx.x; row = blockIdx.x * 16 + threadIdx.y;
    if (column < height && row < width) out[row * height + column] = tile[threadIdx.x][threadIdx.y];
}

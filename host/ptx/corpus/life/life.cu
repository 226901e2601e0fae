// The game of life on bytes, on a torus.
extern "C" __global__ void life(unsigned char* out, const unsigned char* x, int width, int height) {
    int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;
    if (c >= width || r >= height) return;
    int alive = 0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++)
        if (i || j) alive += x[(r + i + height) % height * width + (c + j + width) % width];
    out[r * width + c] = alive == 3 || (alive == 2 && x[r * width + c]);
}

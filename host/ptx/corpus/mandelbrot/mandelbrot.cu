// Escape times in double precision.
extern "C" __global__ void mandelbrot(int* out, int width, int height, double left, double top, double step, int most) {
    int px = blockIdx.x * blockDim.x + threadIdx.x, py = blockIdx.y * blockDim.y + threadIdx.y;
    if (px >= width || py >= height) return;
    double cx = left + px * step, cy = top + py * step, x = 0, y = 0;
    int i = 0;
    while (i < most && __dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y)) < 4.0) {
        double t = __dadd_rn(__dsub_rn(__dmul_rn(x, x), __dmul_rn(y, y)), cx);
        y = __dadd_rn(__dmul_rn(2.0 * x, y), cy);
        x = t;
        i++;
    }
    out[py * width + px] = i;
}

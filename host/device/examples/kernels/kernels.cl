// The kernels that are measured, in OpenCL C: line by line what NVIDIA's compiler was given.
kernel void vector_add(global const float *a, global const float *b, global float *c, int n) {
    int i = get_global_id(0);
    if (i < n) c[i] = a[i] + b[i];
}

kernel void saxpy(global float *y, global const float *x, float a, uint n) {
    uint i = get_global_id(0);
    if (i < n) y[i] = a * x[i] + y[i];
}

kernel void matmul_naive(global float *c, global const float *a, global const float *b, int m, int n, int k) {
    int row = get_global_id(1), column = get_global_id(0);
    if (row >= m || column >= n) return;
    float sum = 0.0f;
    for (int i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column];
    c[row * n + column] = sum;
}

#define TILE 16
kernel void matmul_tiled(global float *c, global const float *a, global const float *b, int m, int n, int k) {
    local float left[TILE][TILE], right[TILE][TILE];
    int x = get_local_id(0), y = get_local_id(1), row = get_global_id(1), column = get_global_id(0);
    float sum = 0.0f;
    for (int t = 0; t < k; t += TILE) {
        left[y][x] = row < m && t + x < k ? a[row * k + t + x] : 0.0f;
        right[y][x] = column < n && t + y < k ? b[(t + y) * n + column] : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < TILE; i++) sum += left[y][i] * right[i][x];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row < m && column < n) c[row * n + column] = sum;
}

kernel void matmul_registers(global float *c, global const float *a, global const float *b, int n) {
    local float left[8][32], right[8][32];
    int thread = get_local_id(0);
    int tx = thread % 8, ty = thread / 8, row0 = get_group_id(1) * 32, column0 = get_group_id(0) * 32;
    float4 sum[4] = {0, 0, 0, 0};
    for (int t = 0; t < n; t += 8) {
        float4 x = vload4(0, &a[(row0 + thread / 2) * n + t + thread % 2 * 4]);
        int s = thread % 2 * 4, r = thread / 2;
        left[s][r] = x.x; left[s + 1][r] = x.y; left[s + 2][r] = x.z; left[s + 3][r] = x.w;
        vstore4(vload4(0, &b[(t + thread / 8) * n + column0 + thread % 8 * 4]), 0, &right[thread / 8][thread % 8 * 4]);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < 8; i++) {
            float4 q = vload4(0, &right[i][tx * 4]);
            for (int j = 0; j < 4; j++) sum[j] = fma((float4)left[i][ty * 4 + j], q, sum[j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int j = 0; j < 4; j++) vstore4(sum[j], 0, &c[(row0 + ty * 4 + j) * n + column0 + tx * 4]);
}

kernel void mandelbrot(global int *out, int width, int height, double left, double top, double step, int most) {
#pragma OPENCL FP_CONTRACT OFF
    int px = get_global_id(0), py = get_global_id(1);
    if (px >= width || py >= height) return;
    double cx = left + px * step, cy = top + py * step, x = 0, y = 0;
    int i = 0;
    while (i < most && x * x + y * y < 4.0) {
        double t = x * x - y * y + cx;
        y = 2.0 * x * y + cy;
        x = t;
        i++;
    }
    out[py * width + px] = i;
}

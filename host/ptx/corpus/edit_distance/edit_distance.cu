// The distance of two words by diagonals, with barriers between them.
extern "C" __global__ void edit_distance(int* out, const char* a, const char* b, int n) {
    __shared__ int rows[3][65];
    int t = threadIdx.x;
    a += blockIdx.x * n; b += blockIdx.x * n;
    for (int d = 0; d <= 2 * n; d++) {
        int i = t, j = d - t;
        if (i <= n && j >= 0 && j <= n) {
            int best = i == 0 ? j : i == 0 || j == 0 ? i + j : 0;
            if (i && j) best = min(min(rows[(d + 2) % 3][i - 1], rows[(d + 2) % 3][i]) + 1, rows[(d + 1) % 3][i - 1] + (a[i - 1] != b[j - 1]));
            rows[d % 3][i] = best;
        }
        __syncthreads();
    }
    if (t == 0) out[blockIdx.x] = rows[2 * n % 3][n];
}

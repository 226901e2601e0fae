// One query a thread, with a softmax that is corrected as it goes.
#define WIDTH 16
extern "C" __global__ void attention(float* out, const float* q, const float* k, const float* v, int n, int causal) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum[WIDTH] = {}, most = -1e30f, total = 0.0f;
    for (int j = 0; j < (causal ? i + 1 : n); j++) {
        float score = 0.0f;
        for (int d = 0; d < WIDTH; d++) score += q[i * WIDTH + d] * k[j * WIDTH + d];
        score *= 0.25f;
        float larger = fmaxf(most, score), keep = __expf(most - larger), weight = __expf(score - larger);
        total = total * keep + weight;
        for (int d = 0; d < WIDTH; d++) sum[d] = sum[d] * keep + weight * v[j * WIDTH + d];
        most = larger;
    }
    for (int d = 0; d < WIDTH; d++) out[i * WIDTH + d] = sum[d] / total;
}

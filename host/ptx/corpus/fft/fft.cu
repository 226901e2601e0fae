// 256 points in shared memory, radix 2 (Stockham), a block to each transform.
extern "C" __global__ void fft(float2* data) {
    __shared__ float2 a[256], b[256];
    float2 *from = a, *to = b;
    int t = threadIdx.x;
    a[t] = data[blockIdx.x * 256 + t]; a[t + 128] = data[blockIdx.x * 256 + t + 128];
    __syncthreads();
    for (int s = 1; s < 256; s *= 2) {
        int k = t & (s - 1), j = (t - k) * 2 + k;
        float sine, cosine;
        sincosf(-3.14159265358979f * k / s, &sine, &cosine);
        float2 u = from[t], v = from[t + 128];
        float2 w = make_float2(v.x * cosine - v.y * sine, v.x * sine + v.y * cosine);
        to[j] = make_float2(u.x + w.x, u.y + w.y);
        to[j + s] = make_float2(u.x - w.x, u.y - w.y);
        __syncthreads();
        float2* swap = from; from = to; to = swap;
    }
    data[blockIdx.x * 256 + t] = from[t]; data[blockIdx.x * 256 + t + 128] = from[t + 128];
}

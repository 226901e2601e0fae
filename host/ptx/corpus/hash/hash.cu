// 64-bit mixing: multiplications, high products, rotations, division and remainder.
extern "C" __global__ void hash(unsigned long long* out, const unsigned long long* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned long long z = x[i] + 0x9e3779b97f4a7c15ull * (i + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    unsigned long long h = __umul64hi(z, x[i] | 1), r = (z << 23) | (z >> 41);
    long long s = (long long)z / ((long long)(x[i] >> 40) + 3) + (long long)z % ((long long)(x[i] >> 50) - 8191 | 1);
    out[i] = z ^ h ^ r ^ (unsigned long long)s ^ (unsigned long long)__mul64hi((long long)z, (long long)x[i]) ^ z / ((x[i] & 0xffff) + 1);
}

// Counting, finding, reversing and picking bits and bytes.
extern "C" __global__ void bits(unsigned* out, const unsigned* x, const unsigned long long* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned v = x[i], w = x[(i + 1) % n];
    unsigned long long d = y[i];
    unsigned r = __popc(v) + 3 * __clz(v) + 5 * __ffs(v) + 7 * __popcll(d) + 11 * __clzll(d) + 13 * __ffsll(d);
    r ^= __brev(v) ^ __byte_perm(v, w, 0x3715) ^ __funnelshift_l(v, w, i) ^ __funnelshift_rc(v, w, i % 40) ^ (unsigned)__brevll(d);
    r += (v >> (i & 31) & ((1u << (w & 15)) - 1)) + ((v & w) | (~v & (unsigned)d));
    out[i] = r ^ __uhadd(v, w) ^ __rhadd(v, w) ^ __mulhi((int)v, (int)w) ^ __mul24(v, w) ^ __umul24(v, w);
}

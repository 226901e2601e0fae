// Philox 4x32-10, as random numbers and as uniform floats.
extern "C" __global__ void philox(uint4* out, float* uniform, unsigned key0, unsigned key1, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    uint4 c = make_uint4(i, 0, 7, 9);
    for (int r = 0; r < 10; r++) {
        unsigned h0 = __umulhi(0xD2511F53u, c.x), l0 = 0xD2511F53u * c.x, h1 = __umulhi(0xCD9E8D57u, c.z), l1 = 0xCD9E8D57u * c.z;
        c = make_uint4(h1 ^ c.y ^ key0, l1, h0 ^ c.w ^ key1, l0);
        key0 += 0x9E3779B9u; key1 += 0xBB67AE85u;
    }
    out[i] = c;
    uniform[i] = (c.x >> 8) * (1.0f / 16777216.0f);
}

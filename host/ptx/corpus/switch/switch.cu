// A little machine: a jump by a table, in a loop.
extern "C" __global__ void machine(int* out, const unsigned char* program, int length) {
    int a = threadIdx.x, b = 1, steps = 0;
    for (int i = 0; i < length && steps < 1000; steps++) {
        switch (program[i++]) {
            case 0: a += b; break;
            case 1: b = a ^ 5; break;
            case 2: a *= 3; break;
            case 3: if (a & 1) i++; break;
            case 4: a >>= 1; break;
            case 5: b -= a; break;
            case 6: a = b > 0 ? a % (b + 1) : a - b; break;
            case 7: i = steps < 40 ? 0 : i; break;
            case 8: out[threadIdx.x] = a; break;
            default: a = ~a;
        }
    }
    out[threadIdx.x] += a + b;
}

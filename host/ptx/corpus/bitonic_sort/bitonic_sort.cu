// A block sorts its part in shared memory, by key, and carries values along.
extern "C" __global__ void bitonic_sort(short* keys, unsigned char* values) {
    __shared__ short key[256];
    __shared__ unsigned char value[256];
    int t = threadIdx.x, base = blockIdx.x * 256;
    key[t] = keys[base + t]; value[t] = values[base + t];
    for (int size = 2; size <= 256; size *= 2)
        for (int step = size / 2; step > 0; step /= 2) {
            __syncthreads();
            int other = t ^ step;
            if (other > t && ((key[t] > key[other]) == ((t & size) == 0)) && key[t] != key[other]) {
                short k = key[t]; key[t] = key[other]; key[other] = k;
                unsigned char v = value[t]; value[t] = value[other]; value[other] = v;
            }
        }
    __syncthreads();
    keys[base + t] = key[t]; values[base + t] = value[t];
}

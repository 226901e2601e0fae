// Gravity among bodies, tile by tile.
extern "C" __global__ void nbody(float4* acceleration, const float4* bodies, int n) {
    __shared__ float4 tile[32];
    int i = blockIdx.x * 32 + threadIdx.x;
    float4 own = bodies[min(i, n - 1)];
    float x = 0, y = 0, z = 0;
    for (int t = 0; t < n; t += 32) {
        if (t + threadIdx.x < n) tile[threadIdx.x] = bodies[t + threadIdx.x];
        __syncthreads();
        for (int j = 0; j < 32 && t + j < n; j++) {
            float dx = tile[j].x - own.x, dy = tile[j].y - own.y, dz = tile[j].z - own.z;
            float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + 0.01f), f = tile[j].w * inverse * inverse * inverse;
            x += dx * f; y += dy * f; z += dz * f;
        }
        __syncthreads();
    }
    if (i < n) acceleration[i] = make_float4(x, y, z, 0);
}

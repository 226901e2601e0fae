// Rotary position embedding: powers, sines and cosines.
extern "C" __global__ void rotary(float* x, int heads, int width, float base) {
    int position = blockIdx.x, head = blockIdx.y, i = threadIdx.x;
    if (i >= width / 2) return;
    float angle = position * powf(base, -2.0f * i / width), s, c;
    sincosf(angle, &s, &c);
    float* at = x + (position * heads + head) * width;
    float a = at[i], b = at[i + width / 2];
    at[i] = a * c - b * s;
    at[i + width / 2] = a * s + b * c;
}

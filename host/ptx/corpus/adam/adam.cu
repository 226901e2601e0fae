// One step of an optimiser, with its settings in a structure.
struct Settings { float rate, beta1, beta2, epsilon; int step; };
extern "C" __global__ void adam(float* weights, float* m, float* v, const float* gradient, Settings s, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float g = gradient[i];
    m[i] = s.beta1 * m[i] + (1.0f - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1.0f - s.beta2) * g * g;
    float mh = m[i] / (1.0f - powf(s.beta1, s.step)), vh = v[i] / (1.0f - powf(s.beta2, s.step));
    weights[i] -= __fdividef(s.rate * mh, sqrtf(vh) + s.epsilon);
}

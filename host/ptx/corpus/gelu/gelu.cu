// Activations: GELU by tanh and by erf, SiLU, softplus.
extern "C" __global__ void gelu(float* tanh_form, float* erf_form, float* silu, float* softplus, const float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = x[i];
    tanh_form[i] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
    erf_form[i] = 0.5f * v * (1.0f + erff(v * 0.70710678f));
    silu[i] = v / (1.0f + expf(-v));
    softplus[i] = log1pf(expf(v));
}

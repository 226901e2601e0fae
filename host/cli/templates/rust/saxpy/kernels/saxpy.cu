// y = a * x + y, with one thread for each element. Threads past the end do nothing, so
// the grid may be rounded up to whole blocks.
extern "C" __global__ void saxpy(float *y, const float *x, float a, unsigned n)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = a * x[i] + y[i];
}

// A device function that calls itself.
__device__ __noinline__ void quicksort(int* x, int low, int high) {
    if (low >= high) return;
    int pivot = x[(low + high) / 2], i = low, j = high;
    while (i <= j) {
        while (x[i] < pivot) i++;
        while (x[j] > pivot) j--;
        if (i <= j) { int t = x[i]; x[i] = x[j]; x[j] = t; i++; j--; }
    }
    quicksort(x, low, j);
    quicksort(x, i, high);
}
extern "C" __global__ void quicksorts(int* x, int part) { quicksort(x + (blockIdx.x * blockDim.x + threadIdx.x) * part, 0, part - 1); }

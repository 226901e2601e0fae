// The loss of a row of scores against a label, in double.
extern "C" __global__ void cross_entropy(double* loss, const float* scores, const long long* labels, int classes, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float* row = scores + i * classes;
    double most = row[0], sum = 0;
    for (int c = 1; c < classes; c++) most = fmax(most, (double)row[c]);
    for (int c = 0; c < classes; c++) sum += exp(row[c] - most);
    loss[i] = log(sum) + most - row[labels[i]];
}

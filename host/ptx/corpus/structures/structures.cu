// Structures passed to and from functions that are not inlined, by value and by reference.
struct Vector { double x, y, z; };
struct Ray { Vector from, to; float weight; short tag; };
__device__ __noinline__ Vector cross(Vector a, Vector b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
__device__ __noinline__ double dot(const Vector& a, const Vector& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
__device__ __noinline__ Ray bend(Ray r, char by) { r.to = cross(r.from, r.to); r.weight += by; r.tag *= by; return r; }
extern "C" __global__ void structures(Ray* rays, double* lengths, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Ray r = bend(rays[i], (char)(i - 3));
    rays[i] = r;
    lengths[i] = sqrt(dot(r.to, r.to)) + dot(r.from, r.to);
}

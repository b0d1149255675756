// Ceilings of a device, measured.
//   read_limit: grid 4 blocks a multiprocessor, block 512, no shared memory; reads `count` words of 16 bytes once, writes nothing.
//   Predicted on one H200: its read ceiling of 4,275 GB/s. Not measured yet.
#include "ptx.cuh"

// The buffer holds no byte with its upper bit set, which the compiler does not know: the loads stay, the write never happens.
extern "C" __global__ void __launch_bounds__(512) read_limit(const uint4* words, long long count, int* sink) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    uint32_t sum = 0;
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    for (; i + 3 * stride < count; i += 4 * stride) {
        const uint4 a = load_once(words + i), b = load_once(words + i + stride), c = load_once(words + i + 2 * stride), d = load_once(words + i + 3 * stride);
        sum |= (a.x ^ b.y ^ c.z ^ d.w) & 0x80000000u;
        sum |= (a.w ^ b.z ^ c.y ^ d.x) & 0x80000000u;
        sum |= (a.y ^ b.x ^ c.w ^ d.z) & 0x80000000u;
        sum |= (a.z ^ b.w ^ c.x ^ d.y) & 0x80000000u;
    }
    for (; i < count; i += stride) sum |= load_once(words + i).x & 0x80000000u;
    if (sum != 0) *sink = 1;
}

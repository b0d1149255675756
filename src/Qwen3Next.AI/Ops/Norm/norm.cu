// y[t, j] = x[t, j] / sqrt(mean over j of x^2 + epsilon) * weight[j]. Specification: Norm.Cpu.cs.
//
// norm_rows   grid: rows, 256 threads; 32 bytes shared. Reads a row twice, the second time from cache, so that y may be x.
//   bytes: 8 for each element.   Predicted on H200 (not measured): launch time at decode; 8,192 x 2,048, 134 MB: 35 us.
//   numerics: F32, |error| <= 2^-21 |y|.
#include "ptx.cuh"

constexpr int kThreads = 256, kWarps = kThreads / 32;

extern "C" __global__ void __launch_bounds__(kThreads) norm_rows(const float* x, const float* weight, float epsilon, int width, float* y, int y_stride) {
    __shared__ float squares[kWarps];
    launch_dependents();
    wait_for_previous_kernel();
    x += (size_t)blockIdx.x * width;
    y += (size_t)blockIdx.x * y_stride;
    float sum = 0;
    for (int c = threadIdx.x * 4; c < width; c += kThreads * 4) {
        const float4 v = *(const float4*)(x + c);
        sum += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
    }
    for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
    if (threadIdx.x % 32 == 0) squares[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = 0;
    for (int w = 0; w < kWarps; w++) sum += squares[w];
    const float factor = 1 / sqrtf(sum / width + epsilon);
    for (int c = threadIdx.x * 4; c < width; c += kThreads * 4) {
        const float4 v = *(const float4*)(x + c), w = *(const float4*)(weight + c);
        *(float4*)(y + c) = make_float4(v.x * factor * w.x, v.y * factor * w.y, v.z * factor * w.z, v.w * factor * w.w);
    }
}

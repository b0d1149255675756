// Cosines and sines of rotary position embedding, once a step for all layers.
//
//   angle = position * frequency, ONE f32 product;  cos_sin = cos(angle) * scale, sin(angle) * scale
//
// Equation: docs/model.md "Rotary angles"; specification: Attention.Cpu.cs. A thread per (row, frequency), 256 a block. Angles reach 10^6 radians at long
// contexts, so the range is reduced in f64; the result is that of exact functions rounded to f32, for any position, and nothing depends on fast-math.
// Moves 8 bytes a thread. Prediction for one H200, not a measurement: 1.5 us up to 2,048 rows (a launch).
#include "ptx.cuh"

// Sine and cosine for |x| <= pi/4: Taylor sums to x^13 and x^14, next terms below 3e-14.
__device__ __forceinline__ double sine_near_0(double x) {
    const double s = x * x;
    return x * (1 + s * (-1.0 / 6 + s * (1.0 / 120 + s * (-1.0 / 5040 + s * (1.0 / 362880 + s * (-1.0 / 39916800 + s / 6227020800.0))))));
}
__device__ __forceinline__ double cosine_near_0(double x) {
    const double s = x * x;
    return 1 + s * (-0.5 + s * (1.0 / 24 + s * (-1.0 / 720 + s * (1.0 / 40320 + s * (-1.0 / 3628800 + s * (1.0 / 479001600 - s / 87178291200.0))))));
}

// cos_sin: [T, R] = cosines, then sines, of positions[t] * frequencies[c], c < half = R / 2.
extern "C" __global__ void __launch_bounds__(256)
rotary_angles(const int* positions, int rows, const float* frequencies, int half, float scale, float* cos_sin) {
    launch_dependents();
    const int index = blockIdx.x * blockDim.x + threadIdx.x, t = index / half, c = index % half;
    if (t < rows) {
        const double angle = __fmul_rn((float)positions[t], frequencies[c]);
        const double quarters = rint(angle * 0.63661977236758134308);
        // pi/2 in two parts, or its rounding error would be multiplied by the quarters.
        const double x = fma(-quarters, 6.123233995736766036e-17, fma(-quarters, 1.5707963267948965580, angle));
        const int quadrant = (int)((int64_t)quarters & 3);
        const double s = sine_near_0(x), k = cosine_near_0(x);
        const double sine = quadrant & 1 ? k : s, cosine = quadrant & 1 ? s : k;
        wait_for_previous_kernel();
        cos_sin[(int64_t)t * 2 * half + c] = (float)(quadrant == 1 || quadrant == 2 ? -cosine : cosine) * scale;
        cos_sin[(int64_t)t * 2 * half + half + c] = (float)(quadrant & 2 ? -sine : sine) * scale;
    } else {
        wait_for_previous_kernel();
    }
}

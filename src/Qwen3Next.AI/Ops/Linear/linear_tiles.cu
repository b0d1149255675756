// y[t] (+)= concat over up to three parts of W_part norm(x[t]), for more rows than linear.cu takes: tiles on tensor cores.
// Specification: Linear.Cpu.cs. INPUT_BYTES 2: x is rounded to BF16 where W is BF16, and where W is FP8 to F16, times a power of two that uses the
// range of F16; 1: to FP8 with one scale for 128 columns of a row, and all W are FP8.
// LARGE 1: tiles of 128 features x 128 tokens; 0: 64 x 64, whose k may be split over blocks where tiles are fewer than multiprocessors.
//
// round_rows     grid: rows, 256 threads. Reads 4 bytes and writes INPUT_BYTES for each element.
// project_tiles  grid: feature tiles of all parts x token tiles x splits; Gemm::kThreads threads, Gemm::kSharedBytes shared.
//   FLOPs: 2 x rows x features x width. Predicted on H200 (not measured): mma.sync reaches about 60 % of what wgmma does there, so 12,352 x 2,048
//   at 8,192 rows, 0.41 TFLOP: 0.9 ms; at 64 rows weights and rows stream from L2 and memory, 25.4 MB + 51 MB: 15 us. Measured on one H200
//   (2026-12-01): both projections of a layer at 8,192 rows, 0.52 TFLOP on average: 2.2 ms, 243 TFLOP/s.
// add_splits     grid: elements / 256. Adds the splits' sums in order: reads 4 bytes x splits, writes 4.
//   numerics: INPUT_BYTES 2: |error| <= 2^-8 sum |w x| of BF16, 2^-11 sum |w x| + 2^-39 max |x| sum |w| of FP8, beside F32 rounding. 1: a code is off by 2^-4 of its value, or by 2^-10 scales
//   where it is subnormal; scale = largest / 448: |error| <= sum |w| (2^-4 |x| + 2^-10 / 448 max |x| of the 128 columns).
#include "gemm.cuh"

#if LARGE
template <int WeightBytes> using Tile = Gemm<128, 128, 32, 64, WeightBytes, INPUT_BYTES, WeightBytes == 2 ? 3 : 4>;
constexpr int kBlocks = 1;
#else
template <int WeightBytes> using Tile = Gemm<64, 64, 32, 32, WeightBytes, INPUT_BYTES, 4>;
constexpr int kBlocks = 2;
#endif
constexpr int kFeatures = Tile<1>::Features, kTokens = Tile<1>::Tokens, kThreads = Tile<1>::kThreads;

__device__ __forceinline__ int tiles_of(int features) { return (features + kFeatures - 1) / kFeatures; }

// Matrix [n, width] and the first column of its outputs.
struct Part {
    const char* weights;
    const float* scales;
    int n, column;
};

// Rounded rows [rows, width] as matrices take them: BF16 beside BF16, halves beside FP8. scales: of the halves [rows], of FP8 rows, which take the
// place of BF16, [rows, ceil(width / 128)].
struct Rounded {
    const char *values, *halves;
    const float* scales;
};

template <int WeightBytes>
__device__ __forceinline__ void project(const Part& part, int width, const Rounded& x, int rows, int feature0, int k_begin, int k_end, float* y, int y_stride, bool add, char* shared) {
    using Product = Tile<WeightBytes>;
    const int token0 = blockIdx.y * kTokens, blocks = (width + kScaleBlock - 1) / kScaleBlock;
    const char* const values = Product::kHalf ? x.halves : x.values;
    Product product;
    product.run([&](int f) { return feature0 + f < part.n ? part.weights + (size_t)(feature0 + f) * width * WeightBytes : nullptr; },
                [&](int t) { return token0 + t < rows ? values + (size_t)(token0 + t) * width * INPUT_BYTES : nullptr; },
                [&](int f) { return part.scales + (feature0 + f) / kScaleBlock * blocks; },
                [&](int t) { return x.scales + (size_t)(token0 + t) * blocks; }, k_begin, k_end, shared);
#pragma unroll
    for (int n = 0; n < Product::N; n++) {
        float scales[2] = {1, 1};
#pragma unroll
        for (int i = 0; i < 2; i++)
            if (Product::kHalf && token0 + product.token(n, i) < rows) scales[i] = x.scales[token0 + product.token(n, i)];
#pragma unroll
        for (int m = 0; m < Product::M; m++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int feature = feature0 + product.feature(m, i), token = token0 + product.token(n, i);
                if (feature >= part.n || token >= rows) continue;
                float* const target = y + (size_t)token * y_stride + part.column + feature;
                *target = (add ? *target : 0) + product.sums[m][n][i] * scales[i % 2];
            }
    }
}

// With more than one split, y is [splits, rows, y_stride] and nothing is added.
extern "C" __global__ void __launch_bounds__(kThreads, kBlocks)
project_tiles(const char* w0, const float* s0, int n0, const char* w1, const float* s1, int n1, const char* w2, const float* s2, int n2, int width,
              const char* x, const char* halves, const float* x_scales, int rows, float* y, int y_stride, int add) {
    extern __shared__ __align__(128) char shared[];
    launch_dependents();
    int tile = blockIdx.x;
    Part part{w0, s0, n0, 0};
    if (tile >= tiles_of(part.n)) tile -= tiles_of(part.n), part = {w1, s1, n1, n0};
    if (tile >= tiles_of(part.n)) tile -= tiles_of(part.n), part = {w2, s2, n2, n0 + n1};
    // Splits begin where scales do.
    const int blocks = (width + kScaleBlock - 1) / kScaleBlock, splits = gridDim.z;
    const int k_begin = blockIdx.z * blocks / splits * kScaleBlock, k_end = min(width, (int)(blockIdx.z + 1) * blocks / splits * kScaleBlock);
    float* const target = y + (size_t)blockIdx.z * rows * y_stride;
    if (part.scales) project<1>(part, width, {x, halves, x_scales}, rows, tile * kFeatures, k_begin, k_end, target, y_stride, add, shared);
#if INPUT_BYTES == 2
    else project<2>(part, width, {x, halves, x_scales}, rows, tile * kFeatures, k_begin, k_end, target, y_stride, add, shared);
#endif
}

// y[i] (+)= sum over splits of sums[split][i].
extern "C" __global__ void __launch_bounds__(256) add_splits(const float* sums, int splits, size_t count, float* y, int add) {
    launch_dependents();
    wait_for_previous_kernel();
    const size_t i = blockIdx.x * (size_t)256 + threadIdx.x;
    if (i >= count) return;
    float sum = add ? y[i] : 0;
    for (int s = 0; s < splits; s++) sum += sums[s * count + i];
    y[i] = sum;
}

// Rounds norm(x[t]), or x[t] where there is no norm, to what the matrix products take: INPUT_BYTES 2: BF16 if `rounded` is given, F16 if `halves` is.
// With `gather`, row t is row gather[t] of x.
extern "C" __global__ void __launch_bounds__(256)
round_rows(const float* x, const int* gather, int width, const float* norm, float epsilon, char* rounded, char* halves, float* scales) {
    __shared__ float squares[8], maxima[8];
    launch_dependents();
    wait_for_previous_kernel();
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = blockIdx.x;
    x += (size_t)(gather ? gather[row] : row) * width;
    float factor = 1, raise = 1;
    if (norm || halves) {
        float sum = 0, largest = 0;
        for (int c = threadIdx.x * 4; c < width; c += 1024) {
            const float4 v = *(const float4*)(x + c), w = norm ? *(const float4*)(norm + c) : make_float4(1, 1, 1, 1);
            sum += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
            largest = fmaxf(largest, fmaxf(fmaxf(fabsf(v.x * w.x), fabsf(v.y * w.y)), fmaxf(fabsf(v.z * w.z), fabsf(v.w * w.w))));
        }
        for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o), largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, o));
        if (lane == 0) squares[warp] = sum, maxima[warp] = largest;
        __syncthreads();
        sum = 0;
        for (int w = 0; w < 8; w++) sum += squares[w], largest = fmaxf(largest, maxima[w]);
        if (norm) factor = 1 / sqrtf(sum / width + epsilon);
        if (halves) {
            // A power of two takes the row's largest magnitude to 2^14 or just above.
            const uint32_t exponent = max(__float_as_uint(largest * factor) >> 23, 15u);
            raise = __uint_as_float((268 - exponent) << 23);
            if (threadIdx.x == 0) scales[row] = __uint_as_float((exponent - 14) << 23);
        }
    }
    // A warp rounds 128 columns, those that share a scale.
    for (int block = warp; block * kScaleBlock < width; block += 8) {
        const int c = block * kScaleBlock + lane * 4;
        float4 v = make_float4(0, 0, 0, 0);
        if (c < width) {
            v = *(const float4*)(x + c);
            const float4 w = norm ? *(const float4*)(norm + c) : make_float4(1, 1, 1, 1);
            v = make_float4(v.x * factor * w.x, v.y * factor * w.y, v.z * factor * w.z, v.w * factor * w.w);
        }
#if INPUT_BYTES == 1
        float largest = fmaxf(fmaxf(fabsf(v.x), fabsf(v.y)), fmaxf(fabsf(v.z), fabsf(v.w)));
        for (int o = 16; o; o >>= 1) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, o));
        const float scale = largest > 0 ? largest / 448 : 1, inverse = 1 / scale;
        if (lane == 0) scales[(size_t)row * ((width + kScaleBlock - 1) / kScaleBlock) + block] = scale;
        if (c < width) *(uint32_t*)(rounded + (size_t)row * width + c) = pack_e4m3(v.x * inverse, v.y * inverse, v.z * inverse, v.w * inverse);
#else
        const size_t at = ((size_t)row * width + c) * 2;
        if (c < width && rounded) *(uint2*)(rounded + at) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
        if (c < width && halves) *(uint2*)(halves + at) = make_uint2(pack_f16(v.x * raise, v.y * raise), pack_f16(v.z * raise, v.w * raise));
#endif
    }
}

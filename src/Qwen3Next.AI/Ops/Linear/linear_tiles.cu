// y[t] (+)= concat over up to three parts of W_part norm(x[t]), for more rows than linear.cu takes: tiles on tensor cores.
// Specification: Linear.Cpu.cs. INPUT_BYTES 2: x is rounded to BF16; 1: to FP8 with one scale for 128 columns of a row, and all W are FP8.
// LARGE 1: tiles of 128 features x 128 tokens; 0: 64 x 64, whose k may be split over blocks where tiles are fewer than multiprocessors.
//
// round_rows     grid: rows, 256 threads. Reads 4 bytes and writes INPUT_BYTES for each element.
// project_tiles  grid: feature tiles of all parts x token tiles x splits; Gemm::kThreads threads, Gemm::kSharedBytes shared.
//   FLOPs: 2 x rows x features x width. Predicted on H200 (not measured): mma.sync reaches about 60 % of what wgmma does there, so 12,352 x 2,048
//   at 8,192 rows, 0.41 TFLOP: 0.9 ms; at 64 rows weights and rows stream from L2 and memory, 25.4 MB + 51 MB: 15 us.
// add_splits     grid: elements / 256. Adds the splits' sums in order: reads 4 bytes x splits, writes 4.
//   numerics: INPUT_BYTES 2: |error| <= 2^-8 sum |w x| beside F32 rounding. 1: a code is off by 2^-4 of its value, or by 2^-10 scales
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

// Rounded rows [rows, width], and their scales [rows, ceil(width / 128)].
struct Rounded {
    const char* values;
    const float* scales;
};

template <int WeightBytes>
__device__ __forceinline__ void project(const Part& part, int width, const Rounded& x, int rows, int feature0, int k_begin, int k_end, float* y, int y_stride, bool add, char* shared) {
    using Product = Tile<WeightBytes>;
    const int token0 = blockIdx.y * kTokens, blocks = (width + kScaleBlock - 1) / kScaleBlock;
    Product product;
    product.run([&](int f) { return feature0 + f < part.n ? part.weights + (size_t)(feature0 + f) * width * WeightBytes : nullptr; },
                [&](int t) { return token0 + t < rows ? x.values + (size_t)(token0 + t) * width * INPUT_BYTES : nullptr; },
                [&](int f) { return part.scales + (feature0 + f) / kScaleBlock * blocks; },
                [&](int t) { return x.scales + (size_t)(token0 + t) * blocks; }, k_begin, k_end, shared);
#pragma unroll
    for (int n = 0; n < Product::N; n++)
#pragma unroll
        for (int m = 0; m < Product::M; m++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int feature = feature0 + product.feature(m, i), token = token0 + product.token(n, i);
                if (feature >= part.n || token >= rows) continue;
                float* const target = y + (size_t)token * y_stride + part.column + feature;
                *target = (add ? *target : 0) + product.sums[m][n][i];
            }
}

// With more than one split, y is [splits, rows, y_stride] and nothing is added.
extern "C" __global__ void __launch_bounds__(kThreads, kBlocks)
project_tiles(const char* w0, const float* s0, int n0, const char* w1, const float* s1, int n1, const char* w2, const float* s2, int n2, int width,
              const char* x, const float* x_scales, int rows, float* y, int y_stride, int add) {
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
    if (part.scales) project<1>(part, width, {x, x_scales}, rows, tile * kFeatures, k_begin, k_end, target, y_stride, add, shared);
#if INPUT_BYTES == 2
    else project<2>(part, width, {x, x_scales}, rows, tile * kFeatures, k_begin, k_end, target, y_stride, add, shared);
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

// Rounds norm(x[t]), or x[t] where there is no norm, to what the matrix products take. With `gather`, row t is row gather[t] of x.
extern "C" __global__ void __launch_bounds__(256)
round_rows(const float* x, const int* gather, int width, const float* norm, float epsilon, char* rounded, float* scales) {
    __shared__ float squares[8];
    launch_dependents();
    wait_for_previous_kernel();
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = blockIdx.x;
    x += (size_t)(gather ? gather[row] : row) * width;
    float factor = 1;
    if (norm) {
        float sum = 0;
        for (int c = threadIdx.x * 4; c < width; c += 1024) {
            const float4 v = *(const float4*)(x + c);
            sum += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
        }
        for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
        if (lane == 0) squares[warp] = sum;
        __syncthreads();
        sum = 0;
        for (int w = 0; w < 8; w++) sum += squares[w];
        factor = 1 / sqrtf(sum / width + epsilon);
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
        if (c < width) *(uint2*)(rounded + ((size_t)row * width + c) * 2) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
#endif
    }
}

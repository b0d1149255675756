// y[t] (+)= concat over up to three parts of W_part norm(x[t]), for 1 to 8 rows: as fast as weights can be read.
// Specification: Linear.Cpu.cs. The rows' products cost next to nothing beside the weights' way from memory, so every weight is read once,
// for all rows, and before the previous kernel has ended wherever it fits in shared memory.
//
// project_rows   grid: one block per multiprocessor, or per group where there are fewer groups; 512 threads
//   A group is 16 features; the block's sixteen warps share the columns and meet once per group, where their sums are added in order.
//   shared: RowsSharedBytes of Linear.Cuda.cs: rings of 32 KB x STAGES, sums, rows as f16.
//   bytes: weights once; x once per block from L2.   One row on an H200: the vocabulary, 151,936 x 2,048 BF16, 622 MB: 146 us (Nsight Compute,
//   2026-11-30), 4.26 TB/s. Others predicted at 4.2 TB/s: in-projection 12,352 x 2,048 FP8, 25.4 MB: 6 us; out-projection 2,048 x 4,096 FP8: 2 us.
//   numerics: x * norm is brought to below 2^15 by a power of two for each row and rounded to f16 (beside BF16 weights then to BF16), products
//   are exact in F32, sums F32: |error| <= 2^-11 (2^-8) sum |w x| beside F32 rounding. The root mean square is applied to the sums.
//   A row's result does not depend on the other rows.
#include "weight_stream.cuh"

#ifndef STAGES
#define STAGES 3
#endif

// Matrices [n, width] whose outputs lie side by side; FP8 where there are scales.
struct Parts {
    const char *w0, *w1, *w2;
    const float *s0, *s1, *s2;
    int n0, n1, n2, width;

    __device__ __forceinline__ static int groups_of(int features) { return (features + kGroup - 1) / kGroup; }
    __device__ __forceinline__ int groups() const { return groups_of(n0) + groups_of(n1) + groups_of(n2); }

    // Group `index` of all parts; column: its place among the outputs.
    __device__ __forceinline__ Group group(int index, int& column) const {
        const char* weights = w0;
        const float* scales = s0;
        int features = n0;
        column = 0;
        if (index >= groups_of(features)) index -= groups_of(features), column += features, weights = w1, scales = s1, features = n1;
        if (index >= groups_of(features)) index -= groups_of(features), column += features, weights = w2, scales = s2, features = n2;
        const int first = index * kGroup, row_bytes = scales ? width : 2 * width;
        column += first;
        weights += (size_t)first * row_bytes;
        if (scales) scales += first / kScaleBlock * ((width + kScaleBlock - 1) / kScaleBlock);
        return {weights, weights + (size_t)8 * row_bytes, scales, scales, row_bytes, min(kGroup, features - first)};
    }
};

// What the warps find out about each row: the sum of its squares, and the bits of the largest |x * norm|.
struct RowStatistics {
    float squares[kRows][kStreamWarps];
    uint32_t largest[kRows][kStreamWarps];
};

__device__ __forceinline__ float4 scaled_four(const float* x, const float* norm, int column) {
    float4 v = *(const float4*)(x + column);
    if (!norm) return v;
    const float4 n = *(const float4*)(norm + column);
    return make_float4(v.x * n.x, v.y * n.y, v.z * n.z, v.w * n.w);
}

__device__ __forceinline__ void look_at_rows(RowStatistics& s, const float* x, const int* gather, const float* norm, int width, int rows) {
#pragma unroll 1
    for (int r = 0; r < rows; r++) {
        const float* const row = x + (size_t)(gather ? gather[r] : r) * width;
        float square = 0;
        uint32_t largest = 0;
#pragma unroll 1
        for (int c = threadIdx.x * 4; c < width; c += kStreamThreads * 4) {
            const float4 v = *(const float4*)(row + c), u = scaled_four(row, norm, c);
            square += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            largest = max(max(max(__float_as_uint(u.x) & 0x7fffffff, __float_as_uint(u.y) & 0x7fffffff), __float_as_uint(u.z) & 0x7fffffff), max(largest, __float_as_uint(u.w) & 0x7fffffff));
        }
        for (int o = 16; o; o >>= 1) square += __shfl_xor_sync(~0u, square, o);
        largest = __reduce_max_sync(~0u, largest);
        if (threadIdx.x % 32 == 0) s.squares[r][threadIdx.x / 32] = square, s.largest[r][threadIdx.x / 32] = largest;
    }
}

// Stores x * norm as f16, times the power of two that brings the largest to just below 2^15; columns beyond the width are zeros. factors: what
// sums of the row are to be multiplied with.
__device__ __forceinline__ void store_rows(const RowStatistics& s, const float* x, const int* gather, const float* norm, float epsilon, int width,
                                           int rows, char* stored, float* factors) {
    const int stride = activation_stride(width), padded = (width + 127) / 128 * 128;
#pragma unroll 1
    for (int r = 0; r < rows; r++) {
        const uint32_t largest = __reduce_max_sync(~0u, s.largest[r][threadIdx.x % kStreamWarps]), exponent = min(max(largest >> 23, 15u), 253u);
        const float scale = __uint_as_float((268 - exponent) << 23), undo = __uint_as_float((exponent - 14) << 23);
        const float* const row = x + (size_t)(gather ? gather[r] : r) * width;
#pragma unroll 1
        for (int c = threadIdx.x * 4; c < padded; c += kStreamThreads * 4) {
            uint2 packed = make_uint2(0, 0);
            if (c < width) {
                const float4 u = scaled_four(row, norm, c);
                packed = make_uint2(pack_f16(u.x * scale, u.y * scale), pack_f16(u.z * scale, u.w * scale));
            }
            *(uint2*)(stored + r * stride + c * 2) = packed;
        }
        if (threadIdx.x / 32 != r) continue;
        float square = s.squares[r][threadIdx.x % kStreamWarps];
        for (int o = kStreamWarps / 2; o; o >>= 1) square += __shfl_xor_sync(~0u, square, o);
        if (threadIdx.x % 32 == 0) factors[r] = norm ? undo * rsqrtf(square / width + epsilon) : undo;
    }
}

extern "C" __global__ void __launch_bounds__(kStreamThreads, kStreamBlocks)
project_rows(const char* w0, const float* s0, int n0, const char* w1, const float* s1, int n1, const char* w2, const float* s2, int n2, int width,
             const float* x, const int* gather, int rows, const float* norm, float epsilon, float* y, int y_stride, int add) {
    extern __shared__ __align__(128) char shared[];
    __shared__ RowStatistics statistics;
    __shared__ float factors[kRows];
    const Parts parts{w0, w1, w2, s0, s1, s2, n0, n1, n2, width};
    const int groups = parts.groups(), warp = threadIdx.x / 32, lane = threadIdx.x % 32, turn_sums = kStreamWarps * rows * kSumStride;
    char* const inputs = shared + kStreamWarps * STAGES * kPlaceBytes;
    float* const sums = (float*)(inputs + rows * activation_stride(width));

    launch_dependents();
    const auto open = [&](int group) { int column; return parts.group(group, column); };
    UnitStream<STAGES, decltype(open)> stream(shared, open, groups);
#pragma unroll 1
    for (int i = 0; i < STAGES - 1; i++) stream.fetch();
    if (norm && threadIdx.x * 8 < width) prefetch_l2(norm + threadIdx.x * 8);
    wait_for_previous_kernel();
    look_at_rows(statistics, x, gather, norm, width, rows);
    __syncthreads();
    store_rows(statistics, x, gather, norm, epsilon, width, rows, inputs, factors);
    __syncthreads();

    float* turn = sums;
    for (int index = blockIdx.x; index < groups; index += gridDim.x, turn = turn == sums ? sums + turn_sums : sums) {
        int column;
        float sum[4] = {};
        if (parts.group(index, column).narrow()) multiply_group<e4m3>(stream, inputs, rows, width, sum);
        else multiply_group<bf16>(stream, inputs, rows, width, sum);
        // Two groups' sums take turns, so that a warp may run ahead by one group. A warp adds those of one row.
        store_sums(turn, rows, sum);
        __syncthreads();
        if (warp >= rows) continue;
        const float total = add_sums(turn, rows, warp);
        if (lane >= parts.group(index, column).features) continue;
        float* const target = y + (size_t)warp * y_stride + column + lane;
        *target = (add ? *target : 0) + total * factors[warp];
    }
}

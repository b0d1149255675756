// Products with weight matrices on tensor cores: out[f, t] = sum over k of W[f, k] X[t, k], for the features and tokens of one block.
//
// W is BF16, or F8E4M3 with one F32 scale for 128 x 128 elements. X is BF16 beside the first; beside the second it is F16, which F8E4M3 becomes in
// half an instruction a value, or F8E4M3 with one F32 scale for 128 elements of a token. Both lie row by row, K along the row. Weights take the place of the matrix instruction's 16 rows, tokens that of its 8 columns. The order of k within
// a product is free as long as both sides use the same, so a lane takes 16 consecutive bytes of a row as its part of two to four instructions:
// what is stored is read as it is, and one load instruction serves every type.
#pragma once
#include "ptx.cuh"
#include "dtype.cuh"

// Elements of W that share a scale, along either side; tiles start at multiples of it along k.
constexpr int kScaleBlock = 128;

// In rows of 128 bytes, two neighbours would meet in the same banks when a warp reads 64 bytes of each; odd rows keep their 16-byte chunks in
// another order. Holds for reads of chunks {0..3}, {4..7}, the even and the odd ones.
__device__ __forceinline__ int swizzle(int row, int chunk) { return chunk ^ ((row & 1) * 5); }

// Four E4M3 codes as BF16, exactly: sign, exponent and mantissa go to their places, and a product corrects the exponent's bias.
__device__ __forceinline__ void widen_e4m3(uint32_t codes, uint32_t (&pairs)[2]) {
    constexpr uint32_t kTwoTo120 = 0x7b807b80;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const uint32_t spread = __byte_perm(codes, 0, i ? 0x3424 : 0x1404);
        pairs[i] = mul_bf16x2((spread & 0x80008000) | (spread >> 4 & 0x07f007f0), kTwoTo120);
    }
}

// One 16-row fragment of weights for two instructions, from the lane's 16-byte chunks of rows g and g + 8. FP8 weights beside BF16 inputs
// give four instructions; `half` chooses two.
template <int WeightBytes, int InputBytes>
__device__ __forceinline__ void weight_fragments(const uint4& top, const uint4& bottom, int half, uint32_t (&a)[2][4]) {
    const uint32_t u[4] = {top.x, top.y, top.z, top.w}, v[4] = {bottom.x, bottom.y, bottom.z, bottom.w};
#pragma unroll
    for (int i = 0; i < 2; i++) {
        if constexpr (WeightBytes == InputBytes) {
            a[i][0] = u[2 * i], a[i][1] = v[2 * i], a[i][2] = u[2 * i + 1], a[i][3] = v[2 * i + 1];
        } else {
            uint32_t low[2], high[2];
            widen_e4m3(half ? u[2 + i] : u[i], low);
            widen_e4m3(half ? v[2 + i] : v[i], high);
            a[i][0] = low[0], a[i][1] = high[0], a[i][2] = low[1], a[i][3] = high[1];
        }
    }
}

// Likewise for FP8 weights beside F16 inputs, exactly.
__device__ __forceinline__ void half_fragments(const uint4& top, const uint4& bottom, int half, uint32_t (&a)[2][4]) {
    const uint32_t u[4] = {top.x, top.y, top.z, top.w}, v[4] = {bottom.x, bottom.y, bottom.z, bottom.w};
#pragma unroll
    for (int i = 0; i < 2; i++) {
        e4m3_to_f16(u[2 * half + i], a[i][0], a[i][2]);
        e4m3_to_f16(v[2 * half + i], a[i][1], a[i][3]);
    }
}

// The sums of one block: Features x Tokens, cut into WarpFeatures x WarpTokens for each of its kThreads / 32 warps.
//
// Bytes are those of an element: (2, 2), (1, 2) or (1, 1). Every thread of the block calls `run` once per tile, then reads `sums`: element
// [m][n][i] of a lane belongs to the tile's feature(m, i) and token(n, i). So a kernel that lays two matrices' rows alternately, 16 of each,
// finds matching features in sums[2 j] and sums[2 j + 1] of one lane.
template <int Features_, int Tokens_, int WarpFeatures, int WarpTokens, int WeightBytes, int InputBytes, int Stages = 4> struct Gemm {
    static constexpr int Features = Features_, Tokens = Tokens_;
    static constexpr int kThreads = Features / WarpFeatures * (Tokens / WarpTokens) * 32;
    // Elements of k per stage.
    static constexpr int kStep = 64;
    static constexpr int kWeightRow = kStep * WeightBytes, kInputRow = kStep * InputBytes;
    static constexpr int kStageBytes = Features * kWeightRow + Tokens * kInputRow;
    // Dynamic shared memory of `run`, 128-byte aligned.
    static constexpr int kSharedBytes = Stages * kStageBytes;
    static constexpr int M = WarpFeatures / 16, N = WarpTokens / 8;
    // Whether inputs are F16.
    static constexpr bool kHalf = WeightBytes == 1 && InputBytes == 2;

    float sums[M][N][4];

    __device__ __forceinline__ static int feature(int m, int i) {
        return warp() % (Features / WarpFeatures) * WarpFeatures + m * 16 + lane() / 4 + i / 2 * 8;
    }
    __device__ __forceinline__ static int token(int n, int i) {
        return warp() / (Features / WarpFeatures) * WarpTokens + n * 8 + lane() % 4 * 2 + i % 2;
    }

    // Computes the sums over k_begin <= k < k_end, k_begin a multiple of 128, rows multiples of 16 bytes.
    // weight_row(f), input_row(t): address of the first byte of the row's k = 0, or null where the tile has no such row; such sums are 0.
    // weight_scales(f): address of the scales of the 16 rows from f on, for k = 0, 128, ...; input_scales(t) likewise for one token; called for
    // rows that exist, and only where the type has scales.
    // Weights are fetched before the previous kernel has ended, inputs and all scales after.
    template <class WeightRow, class InputRow, class WeightScales, class InputScales>
    __device__ void run(WeightRow weight_row, InputRow input_row, WeightScales weight_scales, InputScales input_scales, int k_begin, int k_end, char* shared) {
        Loader<Features, WeightBytes> weights;
        Loader<Tokens, InputBytes> inputs;
        const int steps = (k_end - k_begin + kStep - 1) / kStep;
        weights.locate(weight_row, k_begin, k_end);
        cp_async_wait<0>();  // the previous tile's last fetches are of zeros that nobody read
        __syncthreads();     // and its stages may still be read
#pragma unroll
        for (int s = 0; s < Stages - 1; s++) weights.fetch(shared + s * kStageBytes, s);
        wait_for_previous_kernel();
        inputs.locate(input_row, k_begin, k_end);
#pragma unroll
        for (int s = 0; s < Stages - 1; s++) {
            inputs.fetch(shared + s * kStageBytes + Features * kWeightRow, s);
            cp_async_commit();
        }
        constexpr bool kParts = InputBytes == 1;
        float part[kParts ? M : 1][kParts ? N : 1][4], units[M], following[M];
        clear(sums);
        if constexpr (kParts) clear(part);
        if constexpr (kHalf) {
            load_units(weight_scales, weight_row, k_begin, k_end, following);
#pragma unroll
            for (int m = 0; m < M; m++) units[m] = following[m];
        }
        for (int step = 0; step < steps; step++) {
            cp_async_wait<Stages - 2>();
            __syncthreads();
            const int next = step + Stages - 1;
            char* const free = shared + next % Stages * kStageBytes;
            weights.fetch(free, next);
            inputs.fetch(free + Features * kWeightRow, next);
            cp_async_commit();
            const char* const stage = shared + step % Stages * kStageBytes;
            if constexpr (kParts) {
                multiply(stage, part);
                if (step % 2 == 1 || step == steps - 1) promote(part, weight_scales, input_scales, weight_row, input_row, (k_begin + step * kStep) / kScaleBlock);
            } else {
                if constexpr (kHalf) {
                    if (step % 2 == 0) change_units(units, following);
                    else load_units(weight_scales, weight_row, k_begin + (step + 1) * kStep, k_end, following);
                }
                multiply(stage, sums);
            }
        }
        if constexpr (kHalf) {
#pragma unroll
            for (int m = 0; m < M; m++)
#pragma unroll
                for (int n = 0; n < N; n++)
#pragma unroll
                    for (int i = 0; i < 4; i++) sums[m][n][i] *= units[m];
        }
    }

private:
    __device__ __forceinline__ static int warp() { return threadIdx.x / 32; }
    __device__ __forceinline__ static int lane() { return threadIdx.x % 32; }

    template <int A, int B> __device__ __forceinline__ static void clear(float (&values)[A][B][4]) {
#pragma unroll
        for (int m = 0; m < A; m++)
#pragma unroll
            for (int n = 0; n < B; n++)
#pragma unroll
                for (int i = 0; i < 4; i++) values[m][n][i] = 0;
    }

    // Copies the columns of one stage of all rows. A thread copies the same chunk of rows that lie kRows apart.
    template <int Rows, int Bytes> struct Loader {
        static constexpr int kChunks = kStep * Bytes / 16, kRows = kThreads / kChunks, kPasses = (Rows + kRows - 1) / kRows;

        const char* rows[kPasses];
        int bytes;

        template <class Row> __device__ __forceinline__ void locate(Row row, int k_begin, int k_end) {
            const int offset = k_begin * Bytes + chunk() * 16;
            bytes = k_end * Bytes - offset;
#pragma unroll
            for (int p = 0; p < kPasses; p++) {
                const int r = first() + p * kRows;
                const char* const address = r < Rows ? row(r) : nullptr;
                rows[p] = address ? address + offset : nullptr;
            }
        }

        __device__ __forceinline__ void fetch(char* tile, int step) {
            const int offset = step * kStep * Bytes;
#pragma unroll
            for (int p = 0; p < kPasses; p++) {
                const int r = first() + p * kRows;
                const bool valid = rows[p] && offset < bytes;
                if (Rows % kRows == 0 || r < Rows) cp_async<16>(tile + r * (kChunks * 16) + place(r, chunk()) * 16, rows[p] + offset, valid);
            }
        }

        __device__ __forceinline__ static int place(int row, int chunk) { return kChunks == 8 ? swizzle(row, chunk) : chunk; }
        __device__ __forceinline__ static int chunk() { return threadIdx.x % kChunks; }
        __device__ __forceinline__ static int first() { return threadIdx.x / kChunks; }
    };

    template <int Bytes> __device__ __forceinline__ static uint4 chunk_at(const char* tile, int row, int chunk) {
        return *(const uint4*)(tile + row * (kStep * Bytes) + (Bytes == 2 ? swizzle(row, chunk) : chunk) * 16);
    }

    template <int A, int B> __device__ __forceinline__ static void multiply(const char* stage, float (&c)[A][B][4]) {
        const char* const inputs = stage + Features * kWeightRow;
        const int g = lane() / 4, t = lane() % 4;
        const int f = warp() % (Features / WarpFeatures) * WarpFeatures + g, n0 = warp() / (Features / WarpFeatures) * WarpTokens + g;
#pragma unroll
        for (int half = 0; half < InputBytes; half++) {
            uint4 x[N];
#pragma unroll
            for (int n = 0; n < N; n++) x[n] = chunk_at<InputBytes>(inputs, n0 + n * 8, InputBytes == 1 ? t : WeightBytes == 1 ? 2 * t + half : 4 * half + t);
#pragma unroll
            for (int m = 0; m < M; m++) {
                const int chunk = WeightBytes == 2 ? 4 * half + t : t;
                uint32_t a[2][4];
                const uint4 top = chunk_at<WeightBytes>(stage, f + m * 16, chunk), bottom = chunk_at<WeightBytes>(stage, f + m * 16 + 8, chunk);
                if constexpr (kHalf) half_fragments(top, bottom, half, a);
                else weight_fragments<WeightBytes, InputBytes>(top, bottom, half, a);
#pragma unroll
                for (int n = 0; n < N; n++) {
                    const uint32_t low[2] = {x[n].x, x[n].y}, high[2] = {x[n].z, x[n].w};
                    if constexpr (kHalf) mma_f16(c[m][n], a[0], low), mma_f16(c[m][n], a[1], high);
                    else if constexpr (InputBytes == 2) mma_bf16(c[m][n], a[0], low), mma_bf16(c[m][n], a[1], high);
                    else mma_e4m3(c[m][n], a[0], low), mma_e4m3(c[m][n], a[1], high);
                }
            }
        }
    }

    // The sums beside F16 inputs are multiples of the current scale, so that they need no registers beside those of the whole: when the scale
    // changes they are divided by the new one. The smallest scales are taken as 2^-60, which keeps the quotients finite.
    template <class WeightScales, class WeightRow>
    __device__ __forceinline__ void load_units(WeightScales weight_scales, WeightRow weight_row, int k, int k_end, float (&units)[M]) {
#pragma unroll
        for (int m = 0; m < M; m++) {
            const int f = feature(m, 0) - lane() / 4;
            const float scale = k < k_end && weight_row(f) ? __ldg(weight_scales(f) + k / kScaleBlock) : 1;
            units[m] = fabsf(scale) < 0x1p-60f ? 0x1p-60f : scale;
        }
    }
    __device__ __forceinline__ void change_units(float (&units)[M], const float (&following)[M]) {
#pragma unroll
        for (int m = 0; m < M; m++) {
            const float quotient = units[m] / following[m];
            units[m] = following[m];
#pragma unroll
            for (int n = 0; n < N; n++)
#pragma unroll
                for (int i = 0; i < 4; i++) sums[m][n][i] *= quotient;
        }
    }

    // Adds the sums of one scale block to the whole.
    template <class WeightScales, class InputScales, class WeightRow, class InputRow>
    __device__ __forceinline__ void promote(float (&part)[M][N][4], WeightScales weight_scales, InputScales input_scales, WeightRow weight_row, InputRow input_row, int block) {
        float xs[N][2];
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
            for (int i = 0; i < 2; i++) {
                if constexpr (InputBytes == 1) xs[n][i] = input_row(token(n, i)) ? __ldg(input_scales(token(n, i)) + block) : 0;
                else xs[n][i] = 1;
            }
#pragma unroll
        for (int m = 0; m < M; m++) {
            const int f = feature(m, 0) - lane() / 4;
            const float scale = weight_row(f) ? __ldg(weight_scales(f) + block) : 0;
#pragma unroll
            for (int n = 0; n < N; n++)
#pragma unroll
                for (int i = 0; i < 4; i++) sums[m][n][i] += part[m][n][i] * (scale * xs[n][i % 2]), part[m][n][i] = 0;
        }
    }
};

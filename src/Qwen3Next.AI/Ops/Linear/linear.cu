// y[t] (+)= concat over up to three parts of W_part norm(x[t]), for 1 to 8 rows: as fast as weights can be read.
// Specification: Linear.Cpu.cs. The rows' products cost next to nothing beside the weights' way from memory, so every weight is read once,
// for all rows, and before the previous kernel has ended wherever it fits in shared memory.
//
// project_rows   grid: one block per multiprocessor, or per group where there are fewer groups; 256 threads
//   A group is 16 features; its eight warps share the columns. A warp's 16 rows x 128 bytes come through a ring of its own, so warps of a
//   block meet once per group, where their eight sums are added in order. Tensor cores multiply: 16 features x 16 columns x 8 rows.
//   shared: RowsSharedBytes of Linear.Cuda.cs: rings of 16 KB x STAGES, rows as BF16, 10 KB of sums.
//   bytes: weights once; x once per block from L2.   Predicted on H200 (4.3 TB/s, not measured), one row: Qwen3-Next in-projection
//   12,352 x 2,048 FP8, 25.4 MB: 6 us; out-projection 2,048 x 4,096 FP8: 2 us; vocabulary 151,936 x 2,048 BF16, 622 MB: 146 us.
//   numerics: x * norm is rounded to BF16, products are exact in F32, sums F32: |error| <= 2^-8 sum |w x| beside F32 rounding. The root
//   mean square is applied to the sums. A row's result does not depend on the other rows.
#include "gemm.cuh"

#ifndef STAGES
#define STAGES 4
#endif

constexpr int kThreads = 256, kWarps = kThreads / 32, kGroup = 16, kMaxRows = 8;
// A stage of a warp: 128 bytes of each row of a group, 64 BF16 or 128 FP8 weights, which share one scale.
constexpr int kStageRow = 128, kStageBytes = kGroup * kStageRow;
// Floats from one token's sums to the next: no two lanes of a warp write to one bank.
constexpr int kSumStride = 20, kSums = kMaxRows * kSumStride;

// Matrices [n, width] whose outputs lie side by side; FP8 where there are scales.
struct Parts {
    const char *w0, *w1, *w2;
    const float *s0, *s1, *s2;
    int n0, n1, n2, width;
};

__device__ __forceinline__ int groups_of(int features) { return (features + kGroup - 1) / kGroup; }

// The part of one group that a warp computes: stages begin <= i < end of its columns.
struct Slice {
    const char* weights;
    const float* scales;
    int features, column, row_bytes, begin, end;

    __device__ __forceinline__ Slice(const Parts& p, int group) {
        weights = p.w0, scales = p.s0, features = p.n0, column = 0;
        if (group >= groups_of(features)) group -= groups_of(features), column += features, weights = p.w1, scales = p.s1, features = p.n1;
        if (group >= groups_of(features)) group -= groups_of(features), column += features, weights = p.w2, scales = p.s2, features = p.n2;
        const int first = group * kGroup;
        row_bytes = scales ? p.width : 2 * p.width;
        weights += (size_t)first * row_bytes;
        if (scales) scales += first / kScaleBlock * ((p.width + kScaleBlock - 1) / kScaleBlock);
        features = min(kGroup, features - first);
        column += first;
        const int stages = (row_bytes + kStageRow - 1) / kStageRow, warp = threadIdx.x / 32;
        begin = warp * stages / kWarps, end = (warp + 1) * stages / kWarps;
    }
};

// Fetches a warp's stages in the order in which it computes them.
struct Stream {
    const Parts& parts;
    const int groups;
    char* const ring;
    float* const scales;
    Slice slice;
    int group, stage, slot = 0;

    __device__ __forceinline__ Stream(const Parts& parts, int groups, char* ring, float* scales)
        : parts(parts), groups(groups), ring(ring), scales(scales), slice(parts, blockIdx.x), group(blockIdx.x), stage(slice.begin) {}

    // Closes one group of copies, an empty one when all has been fetched.
    __device__ __forceinline__ void next() {
        while (group < groups && stage == slice.end) {
            group += gridDim.x;
            if (group < groups) slice = Slice(parts, group), stage = slice.begin;
        }
        if (group < groups) copy(stage++);
        cp_async_commit();
        slot = slot + 1 == STAGES ? 0 : slot + 1;
    }

private:
    __device__ __forceinline__ void copy(int stage) {
        const int lane = threadIdx.x % 32, chunk = lane % 8, offset = stage * kStageRow + chunk * 16;
#pragma unroll
        for (int i = 0; i < kGroup / 4; i++) {
            const int row = lane / 8 + 4 * i;
            cp_async<16>(ring + slot * kStageBytes + row * kStageRow + swizzle(row, chunk) * 16, slice.weights + (size_t)row * slice.row_bytes + offset,
                         row < slice.features && offset < slice.row_bytes);
        }
        if (slice.scales && lane == 0) cp_async<4>(scales + slot, slice.scales + stage);
    }
};

// Rows of x as BF16, chunks of 8 columns swizzled, columns beyond the width zero.
struct Inputs {
    char* rows;
    int row_bytes, count;

    __device__ __forceinline__ uint4 chunk(int row, int chunk) const {
        return row < count ? *(const uint4*)(rows + row * row_bytes + swizzle(row, chunk) * 16) : make_uint4(0, 0, 0, 0);
    }

    // Stores x * norm and leaves the sums of squares of x, one for each warp and row.
    __device__ __forceinline__ void stage(const float* x, const int* gather, const float* norm, int width, float* squares) const {
        float square[kMaxRows] = {};
        for (int c = threadIdx.x; c < row_bytes / 16; c += kThreads) {
            float w[8];
#pragma unroll
            for (int i = 0; i < 8; i++) w[i] = 1;
            if (norm && c * 8 < width) load_eight(norm + c * 8, w);
#pragma unroll
            for (int r = 0; r < kMaxRows; r++) {
                if (r >= count) break;
                float v[8] = {};
                if (c * 8 < width) load_eight(x + (size_t)(gather ? gather[r] : r) * width + c * 8, v);
                uint32_t packed[4];
#pragma unroll
                for (int i = 0; i < 8; i++) square[r] += v[i] * v[i];
#pragma unroll
                for (int i = 0; i < 4; i++) packed[i] = pack_bf16(v[2 * i] * w[2 * i], v[2 * i + 1] * w[2 * i + 1]);
                *(uint4*)(rows + r * row_bytes + swizzle(r, c) * 16) = make_uint4(packed[0], packed[1], packed[2], packed[3]);
            }
        }
        if (!norm) return;
#pragma unroll
        for (int r = 0; r < kMaxRows; r++) {
            if (r >= count) break;
            for (int o = 16; o; o >>= 1) square[r] += __shfl_xor_sync(~0u, square[r], o);
            if (threadIdx.x % 32 == 0) squares[threadIdx.x / 32 * kMaxRows + r] = square[r];
        }
    }

private:
    __device__ __forceinline__ static void load_eight(const float* p, float (&v)[8]) {
        const float4 a = *(const float4*)p, b = *(const float4*)(p + 4);
        v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
    }
};

// One stage: 64 columns of BF16 weights, or 128 of FP8, whose scale the caller applies. Two sums, because products that add to one wait for
// each other.
template <int WeightBytes> __device__ __forceinline__ void multiply(const char* slot, const Inputs& x, int stage, float (&sums)[2][4]) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int s = 0; s < 2; s++) {
        const uint4 top = *(const uint4*)(slot + g * kStageRow + swizzle(g, 4 * s + t) * 16);
        const uint4 bottom = *(const uint4*)(slot + (g + 8) * kStageRow + swizzle(g, 4 * s + t) * 16);
#pragma unroll
        for (int half = 0; half < 2 / WeightBytes; half++) {
            const uint4 v = x.chunk(g, WeightBytes == 2 ? stage * 8 + 4 * s + t : stage * 16 + 8 * s + 2 * t + half);
            const uint32_t low[2] = {v.x, v.y}, high[2] = {v.z, v.w};
            uint32_t a[2][4];
            weight_fragments<WeightBytes, 2>(top, bottom, half, a);
            mma_bf16(sums[s], a[0], low);
            mma_bf16(sums[s], a[1], high);
        }
    }
}

extern "C" __global__ void __launch_bounds__(kThreads, 1)
project_rows(const char* w0, const float* s0, int n0, const char* w1, const float* s1, int n1, const char* w2, const float* s2, int n2, int width,
             const float* x, const int* gather, int rows, const float* norm, float epsilon, float* y, int y_stride, int add) {
    extern __shared__ __align__(128) char shared[];
    __shared__ float scales[kWarps * STAGES], squares[kWarps * kMaxRows], factors[kMaxRows];
    const Parts parts{w0, w1, w2, s0, s1, s2, n0, n1, n2, width};
    const int groups = groups_of(n0) + groups_of(n1) + groups_of(n2), warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    char* const ring = shared + warp * STAGES * kStageBytes;
    float* const partial = (float*)(shared + kWarps * STAGES * kStageBytes);
    const Inputs inputs{(char*)(partial + 2 * kWarps * kSums), (width + kScaleBlock - 1) / kScaleBlock * kScaleBlock * 2, rows};

    launch_dependents();
    Stream stream(parts, groups, ring, scales + warp * STAGES);
    for (int i = 0; i < STAGES - 1; i++) stream.next();
    if (norm && threadIdx.x * 8 < width) prefetch_l2(norm + threadIdx.x * 8);
    wait_for_previous_kernel();
    inputs.stage(x, gather, norm, width, squares);
    __syncthreads();
    if (threadIdx.x < rows) {
        float sum = 0;
        for (int w = 0; w < kWarps; w++) sum += squares[w * kMaxRows + threadIdx.x];
        factors[threadIdx.x] = norm ? 1 / sqrtf(sum / width + epsilon) : 1;
    }

    int slot = 0;
    for (int group = blockIdx.x, turn = 0; group < groups; group += gridDim.x, turn ^= 1) {
        const Slice slice(parts, group);
        float total[4] = {};
        for (int stage = slice.begin; stage < slice.end; stage++) {
            cp_async_wait<STAGES - 2>();
            __syncwarp();  // all lanes' copies have come, and all lanes have read the slot that is filled next
            stream.next();
            const char* const weights = ring + slot * kStageBytes;
            const float scale = slice.scales ? scales[warp * STAGES + slot] : 1;
            float sums[2][4] = {};
            if (slice.scales) multiply<1>(weights, inputs, stage, sums);
            else multiply<2>(weights, inputs, stage, sums);
#pragma unroll
            for (int i = 0; i < 4; i++) total[i] += (sums[0][i] + sums[1][i]) * scale;
            slot = slot + 1 == STAGES ? 0 : slot + 1;
        }
        // Two turns' sums take turns, so that a warp may run ahead by one group.
        float* const sums = partial + turn * kWarps * kSums;
#pragma unroll
        for (int i = 0; i < 4; i++) sums[warp * kSums + (lane % 4 * 2 + i % 2) * kSumStride + lane / 4 + i / 2 * 8] = total[i];
        __syncthreads();
        const int feature = threadIdx.x % kGroup, row = threadIdx.x / kGroup;
        if (row < rows && feature < slice.features) {
            float sum = 0;
#pragma unroll
            for (int w = 0; w < kWarps; w++) sum += sums[w * kSums + row * kSumStride + feature];
            float* const target = y + (size_t)row * y_stride + slice.column + feature;
            *target = (add ? *target : 0) + sum * factors[row];
        }
    }
}

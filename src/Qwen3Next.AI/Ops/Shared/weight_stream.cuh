// Products of 1 to 8 rows with weights that are read once: what linear.cu and experts_rows.cu share.
//
// Weights are the 16 rows of a matrix instruction, activations its 8 columns: column n is row n of the step, whoever else is in it, so a row's result
// does not depend on its company. A warp's unit is 128 bytes of each of 16 weight rows: 128 columns of e4m3, which share a scale, or 64 of bf16. The
// 16 warps of a block share a row's units in turn; each has a ring of its own, so that no warp waits for another before its sums are added.
// Activations are f16. e4m3 becomes f16 in two instructions for four weights (bf16 takes ten: then instructions, not bytes, are the limit);
// beside bf16 weights the activations become bf16.
#pragma once
#include "gemm.cuh"

constexpr int kRows = 8, kStreamWarps = 16, kStreamThreads = kStreamWarps * 32;
// Registers are such that the next kernel's blocks find room beside this one's, where kernels overlap.
constexpr int kStreamBlocks = __CUDA_ARCH__ >= 900 ? 2 : 1;
constexpr int kGroup = 16, kUnitRow = 128, kUnitBytes = kGroup * kUnitRow, kPlaceBytes = kUnitBytes + 16;
template <class W> constexpr int kUnitColumns = kUnitRow / (int)sizeof(W);
// Floats of one row's sums of a warp: lanes then write to banks of their own.
constexpr int kSumStride = 20;

// 16 weight rows: 8 from `top` and 8 from `bottom`, each `row_bytes` long and apart. Scales of e4m3 follow each other along the rows; bf16 has none.
struct Group {
    const char *top, *bottom;
    const float *top_scales, *bottom_scales;
    int row_bytes, features;            // features below 16: the rows behind are not there

    __device__ __forceinline__ bool narrow() const { return top_scales != nullptr; }
};

// A warp's units in shared memory, each with its two scales behind it. Every fetch closes one group of copies, an empty one when nothing is left.
// After Stages - 1 fetches ahead, fetches and reads alternate: what is read is then the place that comes to be filled next.
template <int Stages> struct Ring {
    char* const units;
    int place = 0;              // in bytes

    __device__ __forceinline__ Ring(char* shared) : units(shared + threadIdx.x / 32 * Stages * kPlaceBytes) {}

    // A lane copies one 16-byte chunk of rows lane / 8, + 4, + 8 and + 12.
    __device__ __forceinline__ void fill(const Group& g, int unit) const {
        const int lane = threadIdx.x % 32, row = lane / 8, chunk = lane % 8, offset = unit * kUnitRow + chunk * 16;
        const uint32_t at = row * g.row_bytes + offset, four = 4 * g.row_bytes;    // 16 rows are far below 4 GB
        char* const to = units + place + row * kUnitRow + swizzle(row, chunk) * 16;
        const bool there = offset < g.row_bytes;
        cp_async<16>(to, g.top + at, there && row < g.features);
        cp_async<16>(to + 4 * kUnitRow, g.top + at + four, there && row + 4 < g.features);
        cp_async<16>(to + 8 * kUnitRow, g.bottom + at, there && row + 8 < g.features);
        cp_async<16>(to + 12 * kUnitRow, g.bottom + at + four, there && row + 12 < g.features);
        float* const scales = (float*)(units + place + kUnitBytes);
        if (g.narrow() && lane == 0) cp_async<4>(scales, g.top_scales + unit), cp_async<4>(scales + 1, g.bottom_scales + unit);
    }
    __device__ __forceinline__ void close() {
        cp_async_commit();
        place = place == (Stages - 1) * kPlaceBytes ? 0 : place + kPlaceBytes;
    }
    // The oldest unit has come, and the place of the one before it may be filled.
    __device__ __forceinline__ void wait() const {
        cp_async_wait<Stages - 2>();
        __syncwarp();
    }
    // After the fetch that follows the wait.
    __device__ __forceinline__ const char* unit() const { return units + place; }
};

// A warp's units of the block's groups in order: groups blockIdx, + gridDim, ... below `limit`, which may grow. open(g) gives group g.
template <int Stages, class Open> struct UnitStream {
    Ring<Stages> ring;
    Open open;
    Group group{};
    int next, limit, unit = 0;

    __device__ __forceinline__ UnitStream(char* shared, Open open, int limit)
        : ring(shared), open(open), next(blockIdx.x), limit(limit) {}

    __device__ __forceinline__ bool more() {
        while (unit * kUnitRow >= group.row_bytes && next < limit) {
            group = open(next);
            next += gridDim.x, unit = threadIdx.x / 32;
        }
        return unit * kUnitRow < group.row_bytes;
    }
    __device__ __forceinline__ void fetch() {
        if (more()) ring.fill(group, unit), unit += kStreamWarps;
        ring.close();
    }
};

// A lane's activations of a unit: from this row's first column of the unit on. The first `left` columns are there, the others are zeros.
template <class W> __device__ __forceinline__ void load_activations(const char* row, int left, uint4 (&x)[4]) {
    const int t = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4 / (int)sizeof(W); i++) {
        const int column = sizeof(W) == 1 ? i / 2 * 64 + t * 16 + i % 2 * 8 : i * 32 + t * 8;
        x[i] = column < left ? *(const uint4*)(row + column * 2) : make_uint4(0, 0, 0, 0);
    }
}

__device__ __forceinline__ uint32_t f16_to_bf16(uint32_t pair) { return pack_bf16(half_value((uint16_t)pair), half_value((uint16_t)(pair >> 16))); }

// sum += the unit, with its scales, * the activations.
template <class W> __device__ __forceinline__ void multiply_unit(const char* unit, const uint4 (&x)[4], float (&sum)[4]) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    float parts[2][4] = {};     // two sums, because products that add to one wait for each other
#pragma unroll
    for (int i = 0; sizeof(W) == 2 && i < 4; i++) parts[0][i] = sum[i];
#pragma unroll
    for (int s = 0; s < 2; s++) {
        const char* const from = unit + g * kUnitRow + swizzle(g, 4 * s + t) * 16;
        const uint4 top = *(const uint4*)from, bottom = *(const uint4*)(from + 8 * kUnitRow);
        const uint32_t u[4] = {top.x, top.y, top.z, top.w}, v[4] = {bottom.x, bottom.y, bottom.z, bottom.w};
        if constexpr (sizeof(W) == 1) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const uint4& words = x[2 * s + j / 2];
                const uint32_t b[2] = {j % 2 ? words.z : words.x, j % 2 ? words.w : words.y};
                uint32_t a[4];
                e4m3_to_f16(u[j], a[0], a[2]);
                e4m3_to_f16(v[j], a[1], a[3]);
                mma_f16(parts[s], a, b);
            }
        } else {
#pragma unroll
            for (int j = 0; j < 2; j++) {
                const uint32_t b[2] = {f16_to_bf16(j ? x[s].z : x[s].x), f16_to_bf16(j ? x[s].w : x[s].y)};
                const uint32_t a[4] = {u[2 * j], v[2 * j], u[2 * j + 1], v[2 * j + 1]};
                mma_bf16(parts[s], a, b);
            }
        }
    }
    if constexpr (sizeof(W) == 1) {
        const float2 scales = *(const float2*)(unit + kUnitBytes);
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] = fmaf(i < 2 ? scales.x : scales.y, parts[0][i] + parts[1][i], sum[i]);
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] = parts[0][i] + parts[1][i];
    }
}

// Bytes from one row of f16 activations in shared memory to the next: padded to whole units, and by 16 so that rows meet in other banks.
__device__ __forceinline__ int activation_stride(int width) { return (width + 127) / 128 * 256 + 16; }

// A warp's part of a group: sum += its units * the activations in shared memory, rows activation_stride(width) apart.
template <class W, class Stream> __device__ __forceinline__ void multiply_group(Stream& stream, const char* activations, int rows, int width, float (&sum)[4]) {
    const int row = threadIdx.x % 32 / 4, left = row < rows ? kUnitColumns<W> : 0;
    auto& ring = stream.ring;
    for (int unit = threadIdx.x / 32; unit * kUnitColumns<W> < width; unit += kStreamWarps) {
        ring.wait();
        stream.fetch();
        uint4 x[4];
        load_activations<W>(activations + row * activation_stride(width) + unit * kUnitColumns<W> * 2, left, x);
        multiply_unit<W>(ring.unit(), x, sum);
    }
}

// A warp's sums to [warp][row][kSumStride].
__device__ __forceinline__ void store_sums(float* sums, int rows, const float (&sum)[4]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int row = lane % 4 * 2 + i % 2;
        if (row < rows) sums[(threadIdx.x / 32 * rows + row) * kSumStride + lane / 4 + i / 2 * 8] = sum[i];
    }
}

// One row's sums over all warps, in order: lanes f and f + 16 get feature f. Called by a whole warp.
__device__ __forceinline__ float add_sums(const float* sums, int rows, int row) {
    const int lane = threadIdx.x % 32;
    float total = 0;
#pragma unroll
    for (int w = 0; w < kStreamWarps / 2; w++) total += sums[((lane / 16 * kStreamWarps / 2 + w) * rows + row) * kSumStride + lane % 16];
    return total + __shfl_xor_sync(~0u, total, 16);
}

// Products of 1 to 8 rows with weights that are read once: what linear.cu and experts_rows.cu share.
//
// Weights are the 16 rows of a matrix instruction, activations its 8 columns: column n is row n of the step, whoever else is in it, so a row's result
// does not depend on its company. Columns are cut into slices of 128, which the 16 warps of a block take in turn. A warp's unit is 128 bytes of each
// of 16 weight rows: a slice of e4m3, whose elements share a scale, or half of one of bf16. Each warp has a ring of units of its own and prepares the
// activations of its own slices, so that no warp waits for another before its sums are added.
// Blocks ask for more than half of a multiprocessor's shared memory, so that each has one: two blocks of a kernel on one while others have none made
// a layer of the 80B shape take 55 us instead of 47 (one H200, 2026-12-01). Rings are short for the same reason as queues: 64 KB on their way keep
// memory busy, and what is asked for behind more than that, such as x, comes late.
// Activations are f16, with a power of two for each slice. e4m3 becomes f16 in two instructions for four weights (bf16 takes ten: then instructions, not bytes, are the limit);
// beside bf16 weights the activations become bf16.
#pragma once
#include "gemm.cuh"

constexpr int kRows = 8, kStreamWarps = 16, kStreamThreads = kStreamWarps * 32, kStages = 2;
constexpr int kGroup = 16, kSlice = 128, kUnitRow = 128, kUnitBytes = kGroup * kUnitRow, kPlaceBytes = kUnitBytes + 16;
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

// A warp's units in shared memory, each with its two scales behind it. Every fetch closes one group of copies, an empty one when nothing is left. After
// kStages fetches ahead, each unit that was read is replaced by the next one.
struct Ring {
    char* const units;
    const int place_bytes;
    int place = 0;              // in bytes

    __device__ __forceinline__ Ring(char* shared, int place_bytes)
        : units(shared + threadIdx.x / 32 * kStages * place_bytes), place_bytes(place_bytes) {}

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
    // Ends a fetch; the next one is of the place behind.
    __device__ __forceinline__ void close() {
        cp_async_commit();
        place = place == (kStages - 1) * place_bytes ? 0 : place + place_bytes;
    }
    // The oldest unit, which has come.
    __device__ __forceinline__ const char* wait() const {
        cp_async_wait<kStages - 1>();
        __syncwarp();
        return units + place;
    }
    // All lanes have read it, and its place may be filled.
    __device__ __forceinline__ void release() const { __syncwarp(); }
};

// A warp's units of the block's groups in order: groups blockIdx, + gridDim, ... below `limit`, which may grow. open(g) gives group g.
template <class Open> struct UnitStream {
    Ring ring;
    Open open;
    int group, limit, count = 0;        // of this group's units, those that were fetched

    __device__ __forceinline__ UnitStream(char* shared, Open open, int limit) : ring(shared, kPlaceBytes), open(open), group(blockIdx.x), limit(limit) {}

    // The warp's unit that is next in the group.
    __device__ __forceinline__ int unit(bool narrow) const {
        const int warp = threadIdx.x / 32;
        return narrow ? warp + count * kStreamWarps : 2 * warp + (count & 1) + count / 2 * (2 * kStreamWarps);
    }
    // Whether there was one.
    __device__ __forceinline__ bool fill() {
        for (; group < limit; group += gridDim.x) {
            const Group g = open(group);
            if (unit(g.narrow()) * kUnitRow >= g.row_bytes) continue;   // so short are the rows
            ring.fill(g, unit(g.narrow()));
            count++;
            if (unit(g.narrow()) * kUnitRow >= g.row_bytes) count = 0, group += gridDim.x;
            return true;
        }
        return false;
    }
    __device__ __forceinline__ void fetch() { fill(), ring.close(); }
};

__device__ __forceinline__ uint32_t f16_to_bf16(uint32_t pair) { return pack_bf16(half_value((uint16_t)pair), half_value((uint16_t)(pair >> 16))); }

// sum += the unit, with its scales, * the activations of its columns, which lie from `row` on (zeros where a lane has no row), times the factors of the
// lane's two columns.
template <class W> __device__ __forceinline__ void multiply_unit(const char* unit, const char* row, bool has_row, float2 factors, float (&sum)[4]) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    float parts[2][4] = {};     // two sums, because products that add to one wait for each other
#pragma unroll
    for (int s = 0; s < 2; s++) {
        const char* const from = unit + g * kUnitRow + swizzle(g, 4 * s + t) * 16;
        const uint4 top = *(const uint4*)from, bottom = *(const uint4*)(from + 8 * kUnitRow);
        const uint32_t u[4] = {top.x, top.y, top.z, top.w}, v[4] = {bottom.x, bottom.y, bottom.z, bottom.w};
        const uint4 none = make_uint4(0, 0, 0, 0);
        if constexpr (sizeof(W) == 1) {
            const uint4* const from = (const uint4*)(row + s * 128 + t * 32);
            const uint4 x[2] = {has_row ? from[0] : none, has_row ? from[1] : none};
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const uint4& words = x[j / 2];
                const uint32_t b[2] = {j % 2 ? words.z : words.x, j % 2 ? words.w : words.y};
                uint32_t a[4];
                e4m3_to_f16(u[j], a[0], a[2]);
                e4m3_to_f16(v[j], a[1], a[3]);
                mma_f16(parts[s], a, b);
            }
        } else {
            const uint4 x = has_row ? *(const uint4*)(row + s * 64 + t * 16) : none;
#pragma unroll
            for (int j = 0; j < 2; j++) {
                const uint32_t b[2] = {f16_to_bf16(j ? x.z : x.x), f16_to_bf16(j ? x.w : x.y)};
                const uint32_t a[4] = {u[2 * j], v[2 * j], u[2 * j + 1], v[2 * j + 1]};
                mma_bf16(parts[s], a, b);
            }
        }
    }
    const float2 scales = sizeof(W) == 1 ? *(const float2*)(unit + kUnitBytes) : make_float2(1, 1);
#pragma unroll
    for (int i = 0; i < 4; i++) sum[i] = fmaf((i < 2 ? scales.x : scales.y) * (i % 2 ? factors.y : factors.x), parts[0][i] + parts[1][i], sum[i]);
}

// Activations of a block in shared memory. A warp writes and reads those of its own slices.
struct Activations {
    char* values;       // f16: rows of whole slices, padded so that they meet in other banks
    float* factors;     // [slice][kRows]: what a slice's values are to be multiplied with
    float* squares;     // [rows][warp]: sums of squares of the slices' inputs
    int stride;         // bytes

    __device__ __forceinline__ Activations(char* shared, int width, int rows)
        : values(shared), factors((float*)(shared + rows * row_bytes(width))), squares(factors + slices(width) * kRows), stride(row_bytes(width)) {}

    __device__ __forceinline__ static int slices(int width) { return (width + kSlice - 1) / kSlice; }
    __device__ __forceinline__ static int row_bytes(int width) { return slices(width) * kSlice * 2 + 16; }
    // Of all; ActivationBytes of RowMemory.cs.
    __device__ __forceinline__ static int bytes(int width, int rows) { return rows * (row_bytes(width) + kStreamWarps * 4) + slices(width) * kRows * 4; }
};

__device__ __forceinline__ uint32_t magnitude(float x) { return __float_as_uint(x) & 0x7fffffff; }
__device__ __forceinline__ uint32_t magnitude(float4 v) { return max(max(magnitude(v.x), magnitude(v.y)), max(magnitude(v.z), magnitude(v.w))); }

// How a warp prepares its activations: x * norm of rows of f32, row t being x[gather[t]], or x[t]; as f16, times the power of two that brings a
// slice's largest to just below 2^15. Columns beyond the width are zeros. Steps, so that nothing waits for what could have come earlier: load_norm
// before the wait for the kernel before, load behind it, then more weights may be asked for, then store.
struct Staging {
    static constexpr int kAtOnce = 2;       // pairs of row and slice
    const float *x, *norm;
    const int* gather;
    int width, rows, row = 0, slice = threadIdx.x / 32;
    float4 values[kAtOnce], factors[kAtOnce];

    __device__ __forceinline__ Staging(const float* x, const int* gather, const float* norm, int width, int rows)
        : x(x), norm(norm), gather(gather), width(width), rows(rows) {}

    __device__ __forceinline__ void next(int& row, int& slice) const { if (++row == rows) row = 0, slice += kStreamWarps; }
    __device__ __forceinline__ void load_norm() {
        for (int i = 0, r = row, s = slice; i < kAtOnce; i++, next(r, s)) {
            const int column = s * kSlice + threadIdx.x % 32 * 4;
            factors[i] = norm && column < width ? *(const float4*)(norm + column) : make_float4(1, 1, 1, 1);
        }
    }
    __device__ __forceinline__ void load() {
        for (int i = 0, r = row, s = slice; i < kAtOnce; i++, next(r, s)) {
            const int column = s * kSlice + threadIdx.x % 32 * 4;
            values[i] = column < width ? *(const float4*)(x + (size_t)(gather ? gather[r] : r) * width + column) : make_float4(0, 0, 0, 0);
        }
    }
    __device__ __forceinline__ void store(const Activations& a) {
        const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
        if (lane < rows) a.squares[lane * kStreamWarps + warp] = 0;
        __syncwarp();
#pragma unroll 1
        while (slice * kSlice < width) {
            float squares[kAtOnce];
#pragma unroll
            for (int i = 0; i < kAtOnce; i++) {
                const float4 v = values[i];
                squares[i] = v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            }
            for (int o = 16; norm && o; o >>= 1)
#pragma unroll
                for (int i = 0; i < kAtOnce; i++) squares[i] += __shfl_xor_sync(~0u, squares[i], o);
#pragma unroll
            for (int i = 0; i < kAtOnce; i++) {
                if (slice * kSlice >= width) break;
                const float4 v = values[i], f = factors[i], u = make_float4(v.x * f.x, v.y * f.y, v.z * f.z, v.w * f.w);
                const uint32_t exponent = min(max(__reduce_max_sync(~0u, magnitude(u)) >> 23, 15u), 253u);
                const float scale = __uint_as_float((268 - exponent) << 23);
                *(uint2*)(a.values + row * a.stride + (slice * kSlice + lane * 4) * 2) = make_uint2(pack_f16(u.x * scale, u.y * scale), pack_f16(u.z * scale, u.w * scale));
                if (lane == 0) a.factors[slice * kRows + row] = __uint_as_float((exponent - 14) << 23), a.squares[row * kStreamWarps + warp] += squares[i];
                next(row, slice);
            }
            if (slice * kSlice < width) load_norm(), load();
        }
        __syncwarp();
    }
};

// 1 / rms of a row, when all warps have staged. Called by a whole warp.
__device__ __forceinline__ float inverse_rms(const Activations& a, int row, int width, float epsilon) {
    float square = a.squares[row * kStreamWarps + threadIdx.x % kStreamWarps];
    for (int o = kStreamWarps / 2; o; o >>= 1) square += __shfl_xor_sync(~0u, square, o);
    return rsqrtf(square / width + epsilon);
}

// A warp's part of a group: its units * its activations.
template <class W, class Stream> __device__ __forceinline__ void multiply_group(Stream& stream, const Activations& a, int rows, int width, float (&sum)[4]) {
    const int lane = threadIdx.x % 32, row = lane / 4;
#pragma unroll 1
    for (int slice = threadIdx.x / 32; slice * kSlice < width; slice += kStreamWarps)
#pragma unroll 1
        for (int column = slice * kSlice; column < min(width, (slice + 1) * kSlice); column += kUnitColumns<W>) {
            multiply_unit<W>(stream.ring.wait(), a.values + row * a.stride + column * 2, row < rows, *(const float2*)(a.factors + slice * kRows + lane % 4 * 2), sum);
            stream.ring.release();
            stream.fetch();
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

// Warps meet after so many groups, as each meeting costs about as much as a group's products.
__device__ __forceinline__ int groups_at_once(int rows) { return min(3, kRows / rows); }
// Two turns of sums, so that a warp may run ahead.
__device__ __forceinline__ int sum_floats(int rows) { return 2 * groups_at_once(rows) * kStreamWarps * rows * kSumStride; }

// The block's groups, `groups` of the grid's in all: multiply(group, sum) computes a warp's part; finish(group, row, total) gets, as a whole warp, the
// sums of one row in the lanes as add_sums returns them. sums: sum_floats(rows).
template <class Multiply, class Finish> __device__ __forceinline__ void for_groups(float* sums, int rows, int groups, Multiply multiply, Finish finish) {
    const int each = kStreamWarps * rows * kSumStride, at_once = groups_at_once(rows), warp = threadIdx.x / 32, mine = warp / rows, row = warp - mine * rows;
    int turn = 0;
#pragma unroll 1
    for (int first = blockIdx.x; first < groups; first += at_once * gridDim.x) {
        int count = 0;
#pragma unroll 1
        for (int group = first; count < at_once && group < groups; group += gridDim.x, count++) {
            float sum[4] = {};
            multiply(group, sum);
            store_sums(sums + (turn + count) * each, rows, sum);
        }
        __syncthreads();
        if (mine < count) finish(first + mine * gridDim.x, row, add_sums(sums + (turn + mine) * each, rows, row));
        turn = at_once - turn;
    }
}

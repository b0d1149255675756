// y[t] (+)= concat over up to three parts of W_part norm(x[t]), for 1 to 8 rows: as fast as weights can be read.
// Specification: Linear.Cpu.cs. The rows' products cost next to nothing beside the weights' way from memory, so every weight is read once,
// for all rows, and before the previous kernel has ended wherever it fits in shared memory.
//
// project_rows   grid: one block per multiprocessor, or per group where there are fewer groups; 512 threads
//   A group is 16 features; the block's sixteen warps share the columns and meet after a few groups, where their sums are added in order.
//   shared: RowsSharedBytes of Linear.Cuda.cs: rings of 32 KB x kStages, sums, rows as f16.
//   bytes: weights once; x once per block from L2.
//   One row on one H200 (2026-12-01), in a chain of a layer's kernels: in-projection 12,352 x 2,048 FP8, 25.4 MB: 9 us, where reading takes 6;
//   out-projection 2,048 x 4,096 FP8, 8.4 MB: 4.5 us, where reading takes 2; the vocabulary, 151,936 x 2,048 BF16, 622 MB: 154 us, 4.03 TB/s.
//   numerics: x * norm is brought to below 2^15 by a power of two for each 128 columns and rounded to f16 (beside BF16 weights then to BF16),
//   products are exact in F32, sums F32: |error| <= 2^-11 (2^-8) sum |w x| beside F32 rounding. The root mean square is applied to the sums.
//   A row's result does not depend on the other rows.
#include "weight_stream.cuh"

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

extern "C" __global__ void __launch_bounds__(kStreamThreads, 1)
project_rows(const char* w0, const float* s0, int n0, const char* w1, const float* s1, int n1, const char* w2, const float* s2, int n2, int width,
             const float* x, const int* gather, int rows, const float* norm, float epsilon, float* y, int y_stride, int add) {
    extern __shared__ __align__(128) char shared[];
    const Parts parts{w0, w1, w2, s0, s1, s2, n0, n1, n2, width};
    const int groups = parts.groups();
    float* const sums = (float*)(shared + kStreamWarps * kStages * kPlaceBytes);
    const Activations activations((char*)(sums + sum_floats(rows)), width, rows);

    launch_dependents();
    const auto open = [&](int group) { int column; return parts.group(group, column); };
    UnitStream<decltype(open)> stream(shared, open, groups);
#pragma unroll 1
    for (int i = 0; i < kStages; i++) stream.fetch();
    Staging staging(x, gather, norm, width, rows);
    staging.load_norm();
    wait_for_previous_kernel();
    staging.load();
    staging.store(activations);

    for_groups(sums, rows, groups, [&](int group, float (&sum)[4]) {
        int column;
        if (parts.group(group, column).narrow()) multiply_group<e4m3>(stream, activations, rows, width, sum);
        else multiply_group<bf16>(stream, activations, rows, width, sum);
    }, [&](int group, int row, float total) {
        int column;
        const int lane = threadIdx.x % 32;
        if (norm) total *= inverse_rms(activations, row, width, epsilon);
        if (lane >= parts.group(group, column).features) return;
        float* const target = y + (size_t)row * y_stride + column + lane;
        if (add) atomicAdd(target, total);      // one addition for an output: the same in any order, and nobody waits for the old value
        else *target = total;
    });
}

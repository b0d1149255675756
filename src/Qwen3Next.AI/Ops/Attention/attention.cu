// Gated attention around the products of attend.cu: new keys and values of long pieces, joining of splits.
//
// Equations: docs/model.md "Gated attention"; specification: Attention.Cpu.cs.
// Defines: HEAD_DIM (Dh, multiple of 16, up to 256), KV (float, bf16, e4m3).
// Figures in brackets are predictions for one H200 at the 80B shape (Hq 16, Hkv 2, Dh 256, R 64), not measurements.
//
// append_heads    a warp per (row, KV head, key or value), 4 a block. Reads 4 Dh bytes, writes Dh elements. [2,048 rows: 8.4 MB + 4.2 MB bf16, 4 us]
// join_splits     a block of 256 per (row tile, KV head, product row). Reads splits x Dh f32. [batch 1, 66 splits: 1.1 MB from L2, 2 us]
//
// Both may start while the kernel before them runs; the batch's arrays and weights, which no kernel of a step writes, are read before the wait.
#include "heads.cuh"

// Puts keys and values of all rows into their pages.
extern "C" __global__ void __launch_bounds__(128)
append_heads(const float* projected, int width, int key_column, const float* cos_sin, int rotary, const float* key_norm, float epsilon, KV* keys, KV* values,
             const int* positions, const int* row_sequence, const int* block_table, int blocks_per_sequence, int rows, int kv_heads) {
    launch_dependents();
    const int warp = blockIdx.x * 4 + threadIdx.x / 32, t = warp / (2 * kv_heads);
    const bool active = t < rows;
    const int position = active ? positions[t] : 0;
    const int block = active ? block_table[(int64_t)row_sequence[t] * blocks_per_sequence + position / kPageKeys] : 0;
    wait_for_previous_kernel();
    const Projection projection{projected, width, 0, key_column, cos_sin, rotary, epsilon};
    if (active) append_head(projection, key_norm, keys, values, warp % (2 * kv_heads), kv_heads, t, block, position, nullptr);
}

// heads = sum over splits / sum of weights * sigmoid(gate), for tiles that have several splits. What a split left of a row of products (see attend.cu):
// stats (maximum in log2 units, sum of weights) and sums [HEAD_DIM], each [parts, kv_heads, product rows]; sums only where the sum of weights is not 0.
extern "C" __global__ void __launch_bounds__(256)
join_splits(const float2* stats, const float* sums, const float* projected, int width, int query_stride, const int* positions, const int* sequence_start,
            int sequences, int group, int rows_per_tile, int least_rows, int most_rows, int shares, float* heads) {
    constexpr int kColumns = HEAD_DIM / 4, kParts = 256 / kColumns;
    __shared__ float4 part_sums[kParts][kColumns];
    launch_dependents();
    const Part tile = find_part<true>({rows_per_tile, least_rows, most_rows, shares, sequence_start, positions, sequences}, blockIdx.x);
    wait_for_previous_kernel();
    const int row = blockIdx.z / group, head = blockIdx.y * group + blockIdx.z % group, lane = threadIdx.x % 32;
    if (row >= tile.rows || tile.splits == 1) return;

    const int64_t first = ((int64_t)tile.index * gridDim.y + blockIdx.y) * gridDim.z + blockIdx.z;
    const int stride = gridDim.y * gridDim.z;
    float maximum = kNoMaximum, total = 0;
    for (int s = lane; s < tile.splits; s += 32) maximum = fmaxf(maximum, stats[first + (int64_t)s * stride].x);
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, offset));
    for (int s = lane; s < tile.splits; s += 32) {
        const float2 stat = stats[first + (int64_t)s * stride];
        total += exp2f(stat.x - maximum) * stat.y;
    }
    total = warp_sum(total);

    const int column = threadIdx.x % kColumns, part = threadIdx.x / kColumns;
    float4 sum = make_float4(0, 0, 0, 0);
    if (part < kParts) {
#pragma unroll 4
        for (int s = part; s < tile.splits; s += kParts) {
            const int64_t at = first + (int64_t)s * stride;
            const float2 stat = stats[at];
            if (stat.y == 0) continue;
            const float weight = exp2f(stat.x - maximum);
            const float4 x = reinterpret_cast<const float4*>(sums + at * HEAD_DIM)[column];
            sum.x += weight * x.x, sum.y += weight * x.y, sum.z += weight * x.z, sum.w += weight * x.w;
        }
        part_sums[part][column] = sum;
    }
    __syncthreads();
    if (part > 0) return;
    for (int p = 1; p < kParts; p++) {
        const float4 x = part_sums[p][column];
        sum.x += x.x, sum.y += x.y, sum.z += x.z, sum.w += x.w;
    }
    const int64_t t = tile.first + row;
    const float* gate = Projection{projected, width, query_stride}.gate(t, head);
    finish_four(sum, total, gate, 4 * column, heads + (t * gridDim.y * group + head) * HEAD_DIM);
}

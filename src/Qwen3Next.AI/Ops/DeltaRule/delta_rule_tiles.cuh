// Chunks of 64 rows and the scratch memory in which prepare_chunks leaves for run_chunks what does not depend on the state.
//
// A step's rows are cut into chunk slots: those of sequence n begin at SequenceStart[n] / 64 + n, which leaves room for each one's partial chunk.
// The host runs a segment of slots at a time, so that the scratch memory stays in the L2 cache.
#pragma once
#include "delta_rule.cuh"

constexpr int kChunk = 64;
constexpr int kKeyFloats = 2 * kChunk * DK;                                  // Q, K [64, DK]
constexpr int kPairs = kChunk * kChunk;
constexpr int kPlanFloats = 2 * kPairs + 2 * kChunk;                         // T, P [64, 64]; e^G, e^(G_last - G) [64]
constexpr int kValueFloats = DV * kChunk + kPlanFloats;                      // V^T [DV, 64] before them

// Tiles are stored so that both ways of reading them hit all banks: 8 values of a row that lie together change places with its neighbours.
__device__ __forceinline__ int place(int row, int column) { return column ^ 8 * ((row & 3) ^ (row >> 2 & 1)); }

__device__ __forceinline__ int first_slot(const int* sequence_start, int n) { return __ldcg(sequence_start + n) / kChunk + n; }

// Rows in chunks of a sequence: its certain rows, if they are many enough.
__device__ __forceinline__ int chunked_rows(const SequenceRows& rows, int chunked_from) { return rows.certain >= chunked_from ? rows.certain : 0; }

// What a slot holds: rows 64 index to 64 index + count of a sequence; count is at most 0 where it holds none.
struct Chunk {
    SequenceRows rows;
    int index, count;
};

__device__ __forceinline__ Chunk chunk_of(int slot, int sequences, int chunked_from, const int* sequence_start, const int* state_slots, const int* draft_counts,
                                          const int* kept_counts) {
    int n = 0;
    for (int step = 1 << (31 - __clz(sequences)); step > 0; step >>= 1)
        if (n + step < sequences && first_slot(sequence_start, n + step) <= slot) n += step;
    const SequenceRows rows(n, sequence_start, state_slots, draft_counts, kept_counts);
    const int index = slot - first_slot(sequence_start, n);
    return {rows, index, min(kChunk, chunked_rows(rows, chunked_from) - index * kChunk)};
}

// Scratch memory of a segment of slots: all key heads' tiles, then all value heads'.
struct Tiles {
    float* data;
    int slots, key_heads, value_heads;

    __device__ __forceinline__ float* keys(int slot, int key_head) const { return data + ((long long)slot * key_heads + key_head) * kKeyFloats; }
    __device__ __forceinline__ float* values(int slot, int head) const {
        return data + (long long)slots * key_heads * kKeyFloats + ((long long)slot * value_heads + head) * kValueFloats;
    }
};

// Right operand of a product: the transpose of rows row to row + 7 of a tile in shared memory, columns k to k + 7. The instruction's row
// `member + 4 h` stands for column 2 * member + h, here and in left operands, so that two neighbours are one load and the sums of one product
// fit the next.
__device__ __forceinline__ void load_right(const float* tile, int width, int row, int k, int lane, uint32_t (&b)[2]) {
    const int group = lane >> 2;
    const float2 v = *reinterpret_cast<const float2*>(tile + (row + group) * width + place(group, k + 2 * (lane & 3)));
    b[0] = __float_as_uint(v.x), b[1] = __float_as_uint(v.y);
}

// Gated delta rule over prompts, second half: the state through a sequence's chunks of 64 rows. Specification 3.4, DeltaRuleChunk.Cpu.cs. With the
// tiles of delta_rule_prepare.cu and S the state [DK, DV] at the chunk's start:
//   X = V - e^G K S;  D = T X;  O = e^G Q S + P D;  S' = e^G_last S + K^T (e^(G_last - G) D)
//
// run_chunks: grid (DV / (16 warps), Hv, N), block 32 warps, shared STAGES * 97 KB at DK = 128. Each warp has 16 columns of S^T in registers: the
//   sums of one product are the left operand of the next as they lie, so S, X and D never leave registers.
//   FLOPs a chunk and head of 128 x 128: 7.5 M in 8 * 456 mma.m16n8k8; bytes: 131 KB of tiles (L2 cache), 33 KB out.
// norm_heads: grid (8 slots, Hv / 8), block 256. y = o / rms(o) * w * silu(z), which needs whole heads, in place: a warp 8 rows of a head. Bytes:
//   4 DV of z and 4 DV of y a head and row; o is in the L2 cache.
//   PREDICTED, not measured, one H200, one sequence of 8,192 rows, 32 heads of 128: run 0.22 ms (6 cycles an mma on half of each multiprocessor's
//   tensor cores, since 32 heads make 256 warps), norm 0.07 ms. Measured (2026-12-01): 1.7 ms for all kernels of the op together.
// Numerics: operands are rounded to tf32 (2^-11 relative), sums and S are f32: S itself is never rounded, only its copy in products. An error that
// enters S fades as S does: neither (I - beta k k^T) nor e^g amplifies it. Tolerance: 7 times what disturbing the inputs by 2^-11 does.
#include "delta_rule_tiles.cuh"

constexpr int kNormRows = 8, kNormHeads = 8;   // of a block of norm_heads

// Right operand: rows k to k + 7 of a tile as they are, columns column to column + 7.
__device__ __forceinline__ void load_right_rows(const float* tile, int width, int k, int column, int lane, uint32_t (&b)[2]) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int row = 2 * (lane & 3) + h;
        b[h] = __float_as_uint(tile[(k + row) * width + place(row, column + (lane >> 2))]);
    }
}

// Sums of a product as the left operand of the next.
__device__ __forceinline__ void as_left(const float (&sums)[4], float first, float second, uint32_t (&a)[4]) {
    a[0] = to_tf32(sums[0] * first), a[1] = to_tf32(sums[2] * first), a[2] = to_tf32(sums[1] * second), a[3] = to_tf32(sums[3] * second);
}

// A warp's 16 columns of the state, transposed: s[k][e] is column group + 8 (e / 2), row 8 k + 2 member + e % 2.
struct StateTile {
    float s[DK / 8][4];

    __device__ __forceinline__ static int offset(int k, int e, int lane) { return (8 * k + 2 * (lane & 3) + (e & 1)) * DV + (lane >> 2) + 8 * (e >> 1); }

    __device__ __forceinline__ void load(const float* state, int lane) {
#pragma unroll
        for (int k = 0; k < DK / 8; k++)
#pragma unroll
            for (int e = 0; e < 4; e++) s[k][e] = state[offset(k, e, lane)];
    }
    __device__ __forceinline__ void store(float* state, int lane) const {
#pragma unroll
        for (int k = 0; k < DK / 8; k++)
#pragma unroll
            for (int e = 0; e < 4; e++) state[offset(k, e, lane)] = s[k][e];
    }
    // S = decay S + key correction^T
    __device__ __forceinline__ void add(const float* key, const float* correction, float decay, int lane) {
#pragma unroll
        for (int k = 0; k < DK / 8; k++)
#pragma unroll
            for (int e = 0; e < 4; e++) s[k][e] = fmaf(key[8 * k + 2 * (lane & 3) + (e & 1)], correction[(lane >> 2) + 8 * (e >> 1)], s[k][e] * decay);
    }
};

// One stage of shared memory: Q, K, T, P, decays, as they lie in scratch memory.
constexpr int kStageFloats = kKeyFloats + kPlanFloats;

__device__ __forceinline__ void fetch_chunk(const Tiles& tiles, int slot, int key_head, int head, float* stage) {
    const float *const keys = tiles.keys(slot, key_head), *const plan = tiles.values(slot, head) + DV * kChunk;
    for (int i = 4 * threadIdx.x; i < kKeyFloats; i += 4 * blockDim.x) cp_async<16>(stage + i, keys + i);
    for (int i = 4 * threadIdx.x; i < kPlanFloats; i += 4 * blockDim.x) cp_async<16>(stage + kKeyFloats + i, plan + i);
    cp_async_commit();
}

// One chunk: o[j][e] is row 8 j + 2 member + e % 2 of the chunk, column group + 8 (e / 2) of the warp's 16.
__device__ __forceinline__ void advance(StateTile& state, const float* stage, const float* values, int lane, float (&o)[8][4]) {
    const float *const q = stage, *const k = q + kChunk * DK, *const t = k + kChunk * DK, *const p = t + kPairs;
    const float *const decays = p + kPairs, *const rest = decays + kChunk;
    const int group = lane >> 2, member = lane & 3;
    float x[8][4] = {}, d[8][4] = {};
    float2 v[8][2];
#pragma unroll
    for (int j = 0; j < 8; j++)
#pragma unroll
        for (int i = 0; i < 2; i++) v[j][i] = *reinterpret_cast<const float2*>(values + (group + 8 * i) * kChunk + place(group, 8 * j + 2 * member));

    uint32_t a[4], b[2];
#pragma unroll
    for (int c = 0; c < DK / 8; c++) {
        as_left(state.s[c], 1.0f, 1.0f, a);
#pragma unroll
        for (int j = 0; j < 8; j++) {
            load_right(k, DK, 8 * j, 8 * c, lane, b);
            mma_tf32(x[j], a, b);
            load_right(q, DK, 8 * j, 8 * c, lane, b);
            mma_tf32(o[j], a, b);
        }
    }
#pragma unroll
    for (int j = 0; j < 8; j++) {
        const float2 decay = *reinterpret_cast<const float2*>(decays + 8 * j + 2 * member);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            x[j][2 * i] = v[j][i].x - decay.x * x[j][2 * i], x[j][2 * i + 1] = v[j][i].y - decay.y * x[j][2 * i + 1];
            o[j][2 * i] *= decay.x, o[j][2 * i + 1] *= decay.y;
        }
    }
#pragma unroll
    for (int c = 0; c < 8; c++) {
        as_left(x[c], 1.0f, 1.0f, a);
#pragma unroll
        for (int j = c; j < 8; j++) {
            load_right(t, kChunk, 8 * j, 8 * c, lane, b);
            mma_tf32(d[j], a, b);
        }
    }
    const float last = decays[kChunk - 1];
#pragma unroll
    for (int c = 0; c < DK / 8; c++)
#pragma unroll
        for (int e = 0; e < 4; e++) state.s[c][e] *= last;
#pragma unroll
    for (int c = 0; c < 8; c++) {
        as_left(d[c], 1.0f, 1.0f, a);
#pragma unroll
        for (int j = c; j < 8; j++) {
            load_right(p, kChunk, 8 * j, 8 * c, lane, b);
            mma_tf32(o[j], a, b);
        }
        const float2 factor = *reinterpret_cast<const float2*>(rest + 8 * c + 2 * member);
        as_left(d[c], factor.x, factor.y, a);
#pragma unroll
        for (int j = 0; j < DK / 8; j++) {
            load_right_rows(k, DK, 8 * c, 8 * j, lane, b);
            mma_tf32(state.s[j], a, b);
        }
    }
}

// heads_out [T, Hv DV] gets o, not yet normed. slots: of the segment from from_slot on; STAGES chunks fit shared memory.
extern "C" __global__ void __launch_bounds__(256, 1) run_chunks(
    float* state, const float* draft_keys, const float* draft_corrections, const float* draft_decays, int draft_room, const int* sequence_start,
    const int* state_slots, const int* draft_counts, const int* kept_counts, int key_heads, int value_heads, int chunked_from, int from_slot, int slots,
    float* tile_memory, float* heads_out) {
    extern __shared__ __align__(16) float shared[];
    launch_dependents();
    wait_for_previous_kernel();

    const int warp = threadIdx.x / 32, lane = threadIdx.x & 31, head = blockIdx.y, n = blockIdx.z, key_head = head / (value_heads / key_heads);
    const int columns = 16 * (blockIdx.x * (blockDim.x / 32) + warp);
    const SequenceRows rows(n, sequence_start, state_slots, draft_counts, kept_counts);
    const int count = chunked_rows(rows, chunked_from), slot_of_first = first_slot(sequence_start, n) - from_slot;
    const int begin = max(0, -slot_of_first), end = min((count + kChunk - 1) / kChunk, slots - slot_of_first);
    if (begin >= end) return;

    const Tiles tiles{tile_memory, slots, key_heads, value_heads};
    float* const head_state = state + ((long long)rows.slot * value_heads + head) * DK * DV + columns;
    StateTile s;
    fetch_chunk(tiles, slot_of_first + begin, key_head, head, shared);
    s.load(head_state, lane);
    if (begin == 0)
        for (int i = 0; i < rows.kept; i++) {
            const long long draft = (long long)rows.slot * draft_room + i;
            s.add(draft_keys + (draft * key_heads + key_head) * DK, draft_corrections + (draft * value_heads + head) * DV + columns,
                  draft_decays[draft * value_heads + head], lane);
        }

    for (int c = begin; c < end; c++) {
        const int stage = STAGES == 1 ? 0 : (c - begin) & 1;
        if (STAGES == 2 && c + 1 < end) {
            fetch_chunk(tiles, slot_of_first + c + 1, key_head, head, shared + (1 - stage) * kStageFloats);
            cp_async_wait<1>();
        } else {
            cp_async_wait<0>();
        }
        __syncthreads();
        float o[8][4] = {};
        advance(s, shared + stage * kStageFloats, tiles.values(slot_of_first + c, head) + columns * kChunk, lane, o);
        __syncthreads();
        if (STAGES == 1 && c + 1 < end) fetch_chunk(tiles, slot_of_first + c + 1, key_head, head, shared);
#pragma unroll
        for (int j = 0; j < 8; j++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                const int row = c * kChunk + 8 * j + 2 * (lane & 3) + (e & 1);
                if (row < count) heads_out[((long long)(rows.start + row) * value_heads + head) * DV + columns + (lane >> 2) + 8 * (e >> 1)] = o[j][e];
            }
    }
    s.store(head_state, lane);
}

// What run_chunks has left of a segment, heads_out [T, Hv DV], in place.
extern "C" __global__ void __launch_bounds__(32 * kNormHeads) norm_heads(
    const float* projected, const float* norm, float epsilon, const int* sequence_start, const int* state_slots, const int* draft_counts, const int* kept_counts,
    int sequences, int key_heads, int value_heads, int chunked_from, int from_slot, float* heads_out) {
    launch_dependents();
    wait_for_previous_kernel();
    constexpr int kBlocks = kChunk / kNormRows;
    const Heads heads{key_heads, value_heads};
    const int head = blockIdx.y * kNormHeads + threadIdx.x / 32, first = blockIdx.x % kBlocks * kNormRows;
    const Chunk chunk = chunk_of(from_slot + blockIdx.x / kBlocks, sequences, chunked_from, sequence_start, state_slots, draft_counts, kept_counts);
    for (int r = first; head < value_heads && r < min(first + kNormRows, chunk.count); r++) {
        const long long row = chunk.rows.start + chunk.index * kChunk + r;
        float* const o = heads_out + (row * value_heads + head) * DV;
        const float* const z = projected + row * heads.width() + heads.gate(head);
        gated_norm([&](int c) { return o[c]; }, [&](int c) { return norm[c] * silu(z[c]); }, epsilon, o);
    }
}

// Attention of rows over the paged keys and values of their sequences, from the raw projection to gated heads.
//
//   o_h = sum_j softmax_j(q_h . k_j / sqrt(Dh)) v_j over positions j up to the row's own,  o_h <- o_h * sigmoid(gate_h)
//
// Equations: docs/model.md "Gated attention"; specification: Attention.Cpu.cs, AttendSpans.Cpu.cs. The running maximum is that of online softmax
// (Milakov and Gimelshein, arXiv 1805.02867), tiles and splits of keys are those of FlashAttention-2 and Flash-Decoding (Dao, arXiv 2307.08691).
//
// Defines: HEAD_DIM (Dh, multiple of 16, up to 256), KV (float, bf16, e4m3), and the shape of a block:
//   ROW_WARPS x KEY_WARPS warps; each has 16 product rows and TILE_KEYS / KEY_WARPS keys (a multiple of 16) of a tile of TILE_KEYS;
//   SLOTS (2 to 6) buffers of a tile of keys or of values;
//   OPERAND (bf16, or e4m3 where KV is that too): what products read. Where it is not KV the block converts a tile once for all its warps; one row
//   warp alone widens e4m3 as fast in registers.
// A product row is a (row, query head) pair: all `group` query heads of a KV head share what is read of it. A block has 16 ROW_WARPS / group rows.
//
// grid (parts, KV heads), block 32 ROW_WARPS KEY_WARPS, shared bytes: AttendShape.SharedBytes. A part is a tile of rows and a split of its keys (struct Cut
// in heads.cuh). The number of blocks depends on the numbers of rows and sequences alone; who does what is found out from the positions, so that a
// recorded launch stays right while contexts grow, and long contexts beside short ones get more blocks.
//   few rows of a sequence:  1 x 4, 2 x 2 or 4 x 1 warps for up to 16, 32, 64 product rows; splits fill the device. Bound by reading: 2 Dh elements a key
//                            and KV head. At most half of a multiprocessor's shared memory, 32 to 80 KB of it under way.
//   many rows:               8 x 1 warps. Bound by products: 4 Dh FLOPs a key and product row; operands from shared memory limit mma.sync to about
//                            470 TFLOP/s with 16 rows a warp.
// Predictions for one H200 at the 80B shape, not measurements: batch 1, bf16 pages: 1K keys 1 MB, 4 us (latency); 128K keys 134 MB, 36 us; e4m3 half
// the bytes. Prefill of 8,192 rows: 550 GFLOP a layer, 2 ms at 280 TFLOP/s. 1M keys e4m3, one row: 537 MB, 135 us. Measured (2026-12-01): one row
// with 1K keys 20 us, the joining included; 8,192 rows 2.8 ms, 197 TFLOP/s.
//
// Numerics: queries, and weights of values, are rounded to bf16; products and sums are f32; stored keys and values are used as they are (F32 pages
// as bf16). Against f32 arithmetic over the same pages a score s errs by 2^-8 sum |q k| / sqrt(Dh) at most, a head by that times its values' spread
// plus 2^-8 of sum |w v|. A row's result depends on its company only through where its keys are split.
//
// Overlap with the kernel before: the batch's arrays and keys of earlier steps are read before the wait. That is right because every step begins with a
// copy of its batch, and copies wait for all kernels before them.
#include "kv_tile.cuh"

constexpr int kWarps = ROW_WARPS * KEY_WARPS, kThreads = 32 * kWarps, kRows = 16 * ROW_WARPS;
constexpr int kWarpKeys = TILE_KEYS / KEY_WARPS;
constexpr int kQueryStride = HEAD_DIM + 8;  // elements; eight rows lie in different banks
constexpr int kSumStride = HEAD_DIM + 8;
constexpr int kHeadsAtOnce = 4;
constexpr int kSlotBytes = TILE_KEYS * kRowBytes<KV>;
constexpr bool kConverts = sizeof(OPERAND) != sizeof(KV);

static_assert(kWarpKeys % 16 == 0 && TILE_KEYS % kPageKeys == 0, "a warp takes 16 keys at a time, a tile whole pages");
static_assert(HEAD_DIM % 16 == 0 && HEAD_DIM <= 256, "sums of a warp's rows fit its registers");

// What a warp knows of its 16 product rows so far; lane = 4 * group + member has rows group and group + 8.
struct Running {
    float sums[HEAD_DIM / 8][4];  // weighted values, as mma_bf16 lays them out
    float maximum[2];             // of raw scores
    float total[2];               // of weights, this lane's columns only
};

// Raw scores of the warp's rows and keys. queries: the warp's first row; tile: keys of the whole block.
__device__ __forceinline__ void multiply_keys(float (&scores)[kWarpKeys / 8][4], const bf16* queries, const unsigned char* tile, int first_key) {
    const int lane = threadIdx.x % 32;
    // With few keys two sums of half the channels take turns: a product need not wait for the one before it.
    constexpr int kChains = kWarpKeys == 16 ? 2 : 1;
    float sums[kChains][kWarpKeys / 8][4] = {};
#pragma unroll
    for (int step = 0; step < HEAD_DIM / 16; step++) {
        uint32_t a[4];
        ldmatrix(a, queries + lane % 16 * kQueryStride + 16 * step + lane / 16 * 8);
#pragma unroll
        for (int n = 0; n < kWarpKeys / 16; n++) {
            uint32_t b[2][2];
            KvTile<OPERAND>::load_keys(b, tile, first_key + 16 * n, step);
            mma_bf16(sums[step % kChains][2 * n], a, b[0]);
            mma_bf16(sums[step % kChains][2 * n + 1], a, b[1]);
        }
    }
#pragma unroll
    for (int n = 0; n < kWarpKeys / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) scores[n][i] = kChains == 1 ? sums[0][n][i] : sums[0][n][i] + sums[kChains - 1][n][i];
}

// A row sees keys up to its own position; keys from `end` on are another split's, or nobody's.
__device__ __forceinline__ void mask(float (&scores)[kWarpKeys / 8][4], int first_key, int first_position, int row_warp, int group, int end) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int last = min(first_position + (16 * row_warp + lane / 4 + 8 * i) / group, end - 1);
#pragma unroll
        for (int n = 0; n < kWarpKeys / 8; n++)
#pragma unroll
            for (int j = 0; j < 2; j++)
                if (first_key + 8 * n + 2 * (lane % 4) + j > last) scores[n][2 * i + j] = kMasked;
    }
}

// Turns scores into weights against a maximum that may rise, and brings what was summed before to the new maximum.
__device__ __forceinline__ void weigh(Running& running, float (&scores)[kWarpKeys / 8][4], float scale) {
    float shrink[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        float best = running.maximum[i];
#pragma unroll
        for (int n = 0; n < kWarpKeys / 8; n++) best = fmaxf(best, fmaxf(scores[n][2 * i], scores[n][2 * i + 1]));
        best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
        best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
        shrink[i] = exp2_approx((running.maximum[i] - best) * scale);
        running.maximum[i] = best;
        running.total[i] *= shrink[i];
#pragma unroll
        for (int n = 0; n < kWarpKeys / 8; n++)
#pragma unroll
            for (int j = 2 * i; j < 2 * i + 2; j++) {
                scores[n][j] = exp2_approx(fmaf(scores[n][j], scale, -best * scale));
                running.total[i] += scores[n][j];
            }
    }
    if (!__any_sync(~0u, shrink[0] != 1 || shrink[1] != 1)) return;
#pragma unroll
    for (int n = 0; n < HEAD_DIM / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) running.sums[n][i] *= shrink[i / 2];
}

__device__ __forceinline__ void add_values(Running& running, const float (&weights)[kWarpKeys / 8][4], const unsigned char* tile, int first_key) {
#pragma unroll
    for (int k = 0; k < kWarpKeys / 16; k++) {
        const uint32_t a[4] = {pack_bf16(weights[2 * k][0], weights[2 * k][1]), pack_bf16(weights[2 * k][2], weights[2 * k][3]),
                               pack_bf16(weights[2 * k + 1][0], weights[2 * k + 1][1]), pack_bf16(weights[2 * k + 1][2], weights[2 * k + 1][3])};
#pragma unroll
        for (int step = 0; step < HEAD_DIM / 16; step++) {
            uint32_t b[2][2];
            KvTile<OPERAND>::load_values(b, tile, first_key + 16 * k, step);
            mma_bf16(running.sums[2 * step], a, b[0]);
            mma_bf16(running.sums[2 * step + 1], a, b[1]);
        }
    }
}

// Where this block's keys are; copies a tile of them, or of their values, to shared memory.
struct PageReader {
    const int* blocks;  // of the sequence, in position order
    int kv_head, kv_heads;
    KeyRange range;

    // Keys from `absent` on, which are not in the pages yet, are left out.
    __device__ __forceinline__ void copy(unsigned char* slot, const KV* pages, int tile, int absent) const {
        constexpr int kRowPieces = HEAD_DIM * (int)sizeof(KV) / 16;
        const int begin = range.begin + tile * TILE_KEYS;
        int block[TILE_KEYS / kPageKeys];
#pragma unroll
        for (int p = 0; p < TILE_KEYS / kPageKeys; p++) block[p] = begin + p * kPageKeys < range.end ? blocks[(begin + p * kPageKeys) / kPageKeys] : 0;
#pragma unroll
        for (int p = 0; p < TILE_KEYS / kPageKeys; p++) {
            const KV* page = pages + page_offset(block[p], kv_head, kv_heads);
            for (int i = threadIdx.x; i < kPageKeys * kRowPieces; i += kThreads) {
                const int row = p * kPageKeys + i / kRowPieces, key = begin + row;
                if (key >= absent && key < range.end) continue;
                // What lies behind the last key may be anything, and 0 times anything is not 0: it is replaced by zeros.
                cp_async<16>(slot + row * kRowBytes<KV> + i % kRowPieces * 16, page + i * (16 / (int)sizeof(KV)), key < range.end);
            }
        }
    }
};

// Puts the key warps of each product row together. Without splits the result is a head; with splits it waits in stats and sums for join_splits.
struct Epilogue {
    float* sums;   // [KEY_WARPS, kRows, kSumStride] shared
    float2* stats; // [KEY_WARPS, kRows] shared: maximum in log2 units, sum of weights

    // Rows from `rows` on belong to nobody.
    __device__ __forceinline__ void collect(const Running& running, float scale, int row_warp, int key_warp, int rows) const {
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float total = running.total[i];
            total += __shfl_xor_sync(~0u, total, 1);
            total += __shfl_xor_sync(~0u, total, 2);
            const int row = 16 * row_warp + lane / 4 + 8 * i, at = key_warp * kRows + row;
            if (row >= rows) continue;
            if (lane % 4 == 0) stats[at] = make_float2(running.maximum[i] * scale, total);
#pragma unroll
            for (int step = 0; step < HEAD_DIM / 16; step++)
                KvTile<OPERAND>::store_sums(sums + at * kSumStride, step, &running.sums[2 * step][2 * i], &running.sums[2 * step + 1][2 * i]);
        }
    }

    // Maximum and sum of weights of a product row over the key warps.
    __device__ __forceinline__ float2 stat(int row) const {
        float2 all = stats[row];
        for (int k = 1; k < KEY_WARPS; k++) all.x = fmaxf(all.x, stats[k * kRows + row].x);
        all.y = 0;
        for (int k = 0; k < KEY_WARPS; k++) all.y += exp2_approx(stats[k * kRows + row].x - all.x) * stats[k * kRows + row].y;
        return all;
    }

    __device__ __forceinline__ float4 sum(int row, int c, float maximum) const {
        float4 all = make_float4(0, 0, 0, 0);
        for (int k = 0; k < KEY_WARPS; k++) {
            const float weight = exp2_approx(stats[k * kRows + row].x - maximum);
            const float4 x = *reinterpret_cast<const float4*>(sums + (k * kRows + row) * kSumStride + c);
            all.x += weight * x.x, all.y += weight * x.y, all.z += weight * x.z, all.w += weight * x.w;
        }
        return all;
    }
};

// Queries of the block's product rows, normed and rotated, in shared memory.
__device__ __forceinline__ void load_queries(const Projection& projection, const float* query_norm, const Part& part, int kv_head, int group, bf16* queries) {
    for (int first = threadIdx.x / 32; first < kRows; first += kHeadsAtOnce * kWarps) {
        const float *x[kHeadsAtOnce], *angles[kHeadsAtOnce];
#pragma unroll
        for (int n = 0; n < kHeadsAtOnce; n++) {
            const int m = first + n * kWarps;
            const int64_t t = part.first + m / group;
            x[n] = m / group < part.rows ? projection.query(t, kv_head * group + m % group) : nullptr;
            angles[n] = projection.angles(t);
        }
        norm_rotate(x, query_norm, projection.epsilon, angles, projection.rotary,
                    [&](int n, int c, const float (&y)[4]) { KvTile<OPERAND>::store_query(queries + (first + n * kWarps) * kQueryStride, c, y); });
    }
}

// append: this kernel puts the rows' keys and values into their pages itself, in the block whose split has their positions.
// stats, sums: see join_splits; used for tiles with several splits.
extern "C" __global__ void __launch_bounds__(kThreads, 1)
attend(const float* projected, int width, int query_stride, int key_column, int append, const float* cos_sin, int rotary, const float* query_norm,
       const float* key_norm, float epsilon, KV* keys, KV* values, const int* positions, const int* sequence_start, const int* block_table, int blocks_per_sequence,
       int sequences, int group, int least_rows, int most_rows, int shares, float* heads, float2* stats, float* sums) {
    extern __shared__ __align__(16) unsigned char shared[];
    bf16* queries = reinterpret_cast<bf16*>(shared);           // [kRows, kQueryStride]
    unsigned char* ring = shared + kRows * kQueryStride * 2;   // [SLOTS] tiles, and one of bf16 if there is something to convert
    launch_dependents();

    const int warp = threadIdx.x / 32, row_warp = warp % ROW_WARPS, key_warp = warp / ROW_WARPS, kv_head = blockIdx.y, kv_heads = gridDim.y;
    // The last rows of a sequence have most keys: they come first.
    const Part part = find_part<false>({kRows / group, least_rows, most_rows, shares, sequence_start, positions, sequences}, gridDim.x - 1 - blockIdx.x);
    const int start = sequence_start[part.sequence], cached = positions[start], first_position = cached + part.first - start;
    const int* blocks = block_table + (int64_t)part.sequence * blocks_per_sequence;
    const KeyRange range = split_keys(first_position + part.rows, part.split, part.splits);
    const PageReader reader{blocks, kv_head, kv_heads, range};
    const int tiles = part.rows == 0 ? 0 : (range.end - range.begin + TILE_KEYS - 1) / TILE_KEYS;

    // The keys of tile i are half 2 i, its values half 2 i + 1. A group of copies is closed for each half, also where there is none.
    const auto slot = [&](int half) { return ring + half % SLOTS * kSlotBytes; };
    const auto fetch = [&](int half, int absent) {
        if (half < 2 * tiles) reader.copy(slot(half), half % 2 == 0 ? keys : values, half / 2, absent);
        cp_async_commit();
    };
    // What products read of a half that has come, for all threads. The slot read before it is free then, and refilled.
    const auto operands = [&](int half) {
        cp_async_wait<SLOTS - 2>();
        __syncthreads();
        fetch(half + SLOTS - 1, range.end);
        if constexpr (!kConverts) return slot(half);
        convert_tile<TILE_KEYS, kThreads, KV>(slot(half), ring + SLOTS * kSlotBytes);
        __syncthreads();
        return ring + SLOTS * kSlotBytes;
    };
    // Before the wait: what earlier steps stored. New keys that this block adds itself go straight to the buffers that are under way.
    const int early_tiles = append || range.end <= cached ? tiles : max(0, cached - range.begin) / TILE_KEYS;
    int ahead = 0;
    for (; ahead < SLOTS - 1 && ahead / 2 < early_tiles; ahead++) fetch(ahead, append ? cached : range.end);
    wait_for_previous_kernel();
    if (part.rows == 0) return;

    const Projection projection{projected, width, query_stride, key_column, cos_sin, rotary, epsilon};
    const int first_new = append ? max(range.begin, cached) : range.end;
    for (int i = warp; i < 2 * (range.end - first_new); i += kWarps) {
        const int position = first_new + i / 2, key = position - range.begin, half = key / TILE_KEYS * 2 + i % 2;
        KV* staged = half < ahead ? reinterpret_cast<KV*>(slot(half) + key % TILE_KEYS * kRowBytes<KV>) : nullptr;
        append_head(projection, key_norm, keys, values, i % 2 * kv_heads + kv_head, kv_heads, start + position - cached, blocks[position / kPageKeys], position, staged);
    }
    if (tiles > 0) load_queries(projection, query_norm, part, kv_head, group, queries);
    __syncthreads();
    for (; ahead < SLOTS - 1; ahead++) fetch(ahead, range.end);

    const float scale = rsqrtf(HEAD_DIM) * 1.44269504f;  // weights are powers of 2
    Running running = {};
    running.maximum[0] = running.maximum[1] = kNoMaximum;
    for (int tile = 0; tile < tiles; tile++) {
        float scores[kWarpKeys / 8][4];
        const int first_key = range.begin + tile * TILE_KEYS + key_warp * kWarpKeys;
        const bool active = first_key < range.end;
        const unsigned char* key_tile = operands(2 * tile);
        if (active) {
            multiply_keys(scores, queries + 16 * row_warp * kQueryStride, key_tile, key_warp * kWarpKeys);
            if (first_key + kWarpKeys > min(first_position + 1, range.end)) mask(scores, first_key, first_position, row_warp, group, range.end);
            weigh(running, scores, scale);
        }
        const unsigned char* value_tile = operands(2 * tile + 1);
        if (active) add_values(running, scores, value_tile, key_warp * kWarpKeys);
    }
    cp_async_wait<0>();
    __syncthreads();

    const Epilogue epilogue{reinterpret_cast<float*>(shared), reinterpret_cast<float2*>(shared + KEY_WARPS * kRows * kSumStride * 4)};
    epilogue.collect(running, scale, row_warp, key_warp, part.rows * group);
    __syncthreads();
    for (int m = warp; m < part.rows * group; m += kWarps) {
        const float2 stat = epilogue.stat(m);
        const int64_t t = part.first + m / group, head = kv_head * group + m % group;
        const int64_t at = ((int64_t)part.index * kv_heads + kv_head) * kRows + m;
        if (part.splits > 1 && threadIdx.x % 32 == 0) stats[at] = stat;
        if (stat.y == 0) continue;  // no keys in this split
        for (int c = 4 * (threadIdx.x % 32); c < HEAD_DIM; c += 128) {
            const float4 sum = epilogue.sum(m, c, stat.x);
            if (part.splits > 1) *reinterpret_cast<float4*>(sums + at * HEAD_DIM + c) = sum;
            else finish_four(sum, stat.y, projection.gate(t, head), c, heads + (t * kv_heads * group + head) * HEAD_DIM);
        }
    }
}

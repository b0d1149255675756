// Gated delta rule over prompts, first half: all that a chunk of 64 rows needs and that does not depend on the state, for all chunks in parallel.
// Specification 3.4, DeltaRuleChunk.Cpu.cs. Per value head, with G the running sum of log decays, i and j rows of the chunk:
//   A_ij = beta_i k_i.k_j e^(G_i - G_j) (i > j);  T = (I + A)^-1 diag(beta);  P_ij = q_i.k_j e^(G_i - G_j) (i >= j)
// No exponent is above 0: sums of logarithms are subtracted before exp.
//
// prepare_chunks: grid (slots, Hk), block 256, 66 KB. Writes per slot and key head Q and K, per value head V^T, T, P, e^G and e^(G_last - G).
//   Bytes a chunk at 2 value heads of 128 on a key head of 128: 131 KB of projections, 258 KB of tiles (L2 cache). FLOPs: 2.1 M in products
//   (tensor cores), 0.5 M in inverses.
//   PREDICTED, not measured, one H200: 0.10 ms for 8,192 rows of 16 key heads, bound by 0.27 GB of projections and the L2 cache.
// Numerics: convolution, norms, gates, sums and the inverse f32; products of operands rounded to tf32 (2^-11 relative). Q, K, T and P are left
// rounded to tf32. Every later product has the same rounded K, so rounding it is the delta rule of slightly other keys.
#include "delta_rule_tiles.cuh"

constexpr int kThreads = 256;
constexpr int kHeadsAtOnce = 2;                                              // value heads whose inverses are computed side by side
constexpr int kInverseStride = kChunk + 4;                                   // keeps columns written by one warp in different banks

// Left operand: 16 rows of a tile in shared memory, columns k to k + 7.
__device__ __forceinline__ void load_left(const float* tile, int width, int row, int k, int lane, uint32_t (&a)[4]) {
    const int group = lane >> 2, column = place(group, k + 2 * (lane & 3));
    const float2 low = *reinterpret_cast<const float2*>(tile + (row + group) * width + column);
    const float2 high = *reinterpret_cast<const float2*>(tile + (row + group + 8) * width + column);
    a[0] = __float_as_uint(low.x), a[1] = __float_as_uint(high.x), a[2] = __float_as_uint(low.y), a[3] = __float_as_uint(high.y);
}

// Convolution with SiLU of one channel over the chunk, eight rows at a time; rows behind the chunk's last are 0.
template <class Put>
__device__ __forceinline__ void convolve_channel(const float* projected, const float* conv, const Heads& heads, const ConvolutionState& state, const Chunk& chunk,
                                                 int channel, Put put) {
    float weights[TAPS], window[TAPS];
    const int first = chunk.index * kChunk;
#pragma unroll
    for (int j = 0; j < TAPS; j++) weights[j] = conv[(long long)j * heads.channels() + channel];
#pragma unroll
    for (int j = 1; j < TAPS; j++) window[j] = convolution_input(projected, heads.width(), state, chunk.rows, first - TAPS + j, channel);
#pragma unroll 1
    for (int t = 0; t < kChunk; t += 8) {
        float x[8], y[8];
#pragma unroll
        for (int i = 0; i < 8; i++) x[i] = t + i < chunk.count ? projected[(long long)(chunk.rows.start + first + t + i) * heads.width() + channel] : 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < TAPS - 1; j++) window[j] = window[j + 1];
            window[TAPS - 1] = x[i];
            y[i] = t + i < chunk.count ? convolve(weights, window) : 0.0f;
        }
        put(t, y);
    }
}

// Rows of a tile to length `factor`, rounded to tf32, in shared memory and in `out`. One warp a row at a time; places do not matter here.
__device__ __forceinline__ void normalize_rows(float* tile, float factor, float* out) {
    const int lane = threadIdx.x & 31;
    for (int row = threadIdx.x / 32; row < kChunk; row += kThreads / 32) {
        float x[DK / 32], sum = 0.0f;
#pragma unroll
        for (int i = 0; i < DK / 32; i++) {
            x[i] = tile[row * DK + 32 * i + lane];
            sum = fmaf(x[i], x[i], sum);
        }
#pragma unroll
        for (int bits = 16; bits > 0; bits >>= 1) sum += __shfl_xor_sync(~0u, sum, bits);
        const float scale = factor / sqrtf(sum + kNormEpsilon);
#pragma unroll
        for (int i = 0; i < DK / 32; i++) {
            const float rounded = __uint_as_float(to_tf32(x[i] * scale));
            tile[row * DK + 32 * i + lane] = out[row * DK + 32 * i + lane] = rounded;
        }
    }
}

// Running sums of log decays, and beta, of one value head; one warp, two rows a lane. Rows behind the last have beta 0 and log decay 0.
__device__ __forceinline__ void chunk_gates(const float* projected, const Heads& heads, const Chunk& chunk, int head, float neg_exp_a, float dt_bias,
                                            float* sums, float* beta, float* decays) {
    const int lane = threadIdx.x & 31;
    float g[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int t = 2 * lane + i;
        const float* row = projected + (long long)(chunk.rows.start + chunk.index * kChunk + t) * heads.width();
        g[i] = t < chunk.count ? log_decay(row[heads.decay(head)], dt_bias, neg_exp_a) : 0.0f;
        beta[t] = t < chunk.count ? sigmoid(row[heads.beta(head)]) : 0.0f;
    }
    float sum = g[0] + g[1];
#pragma unroll
    for (int distance = 1; distance < 32; distance <<= 1) {
        const float before = __shfl_up_sync(~0u, sum, distance);
        if (lane >= distance) sum += before;
    }
    const float total = __shfl_sync(~0u, sum, 31);
    g[0] = sum - g[1], g[1] = sum;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        sums[2 * lane + i] = g[i];
        decays[2 * lane + i] = expf(min(g[i], 0.0f));
        decays[kChunk + 2 * lane + i] = expf(min(total - g[i], 0.0f));
    }
}

// A column of (I + A)^-1 by forward substitution, 8 rows at a time in registers, times beta. lower[j][i] = A_ij; known[i][column] is the thread's own.
__device__ __forceinline__ void invert_column(const float* lower, float* known, int column, float beta, float* out) {
#pragma unroll 1
    for (int block = 0; block < kChunk; block += 8) {
        float x[8];
#pragma unroll
        for (int r = 0; r < 8; r++) x[r] = block + r == column ? 1.0f : 0.0f;
        for (int l = 0; l < block; l++) {
            const float value = known[l * kChunk + column];
#pragma unroll
            for (int r = 0; r < 8; r++) x[r] = fmaf(-lower[l * kInverseStride + block + r], value, x[r]);
        }
#pragma unroll
        for (int r = 0; r < 8; r++) {
            known[(block + r) * kChunk + column] = x[r];
            out[(block + r) * kChunk + place(r, column)] = __uint_as_float(to_tf32(x[r] * beta));
#pragma unroll
            for (int s = r + 1; s < 8; s++) x[s] = fmaf(-lower[(block + r) * kInverseStride + block + s], x[r], x[s]);
        }
    }
}

// projected [T, width]; conv [TAPS, channels]; conv_state [slots, rows, channels]; tiles: see Tiles.
extern "C" __global__ void __launch_bounds__(kThreads, 2) prepare_chunks(
    const float* projected, const float* conv, const float* neg_exp_a, const float* dt_bias, float* conv_state, int conv_rows, const int* sequence_start,
    const int* state_slots, const int* draft_counts, const int* kept_counts, int sequences, int key_heads, int value_heads, int chunked_from, int from_slot,
    float* tile_memory) {
    extern __shared__ __align__(16) float shared[];
    __shared__ float sums[kHeadsAtOnce][kChunk], beta[kHeadsAtOnce][kChunk];
    launch_dependents();
    wait_for_previous_kernel();

    const Heads heads{key_heads, value_heads};
    const int slot = blockIdx.x, key_head = blockIdx.y, warp = threadIdx.x / 32, lane = threadIdx.x & 31, group = lane >> 2;
    const Chunk chunk = chunk_of(from_slot + slot, sequences, chunked_from, sequence_start, state_slots, draft_counts, kept_counts);
    if (chunk.count <= 0) return;

    const ConvolutionState state{conv_state, conv_rows, heads.channels()};
    const Tiles tiles{tile_memory, (int)gridDim.x, key_heads, value_heads};
    float *const q = shared, *const k = shared + kChunk * DK;
    for (int c = threadIdx.x; c < 2 * DK; c += kThreads) {
        float* const tile = c < DK ? q : k;
        const int column = c < DK ? c : c - DK;
        convolve_channel(projected, conv, heads, state, chunk, (c < DK ? heads.query(key_head) : heads.key(key_head)) + column, [&](int t, const float (&y)[8]) {
#pragma unroll
            for (int i = 0; i < 8; i++) tile[(t + i) * DK + place(i, column)] = y[i];
        });
    }
    for (int c = threadIdx.x; c < heads.ratio() * DV; c += kThreads) {
        const int head = key_head * heads.ratio() + c / DV, column = c % DV;
        float* const out = tiles.values(slot, head) + column * kChunk;
        convolve_channel(projected, conv, heads, state, chunk, heads.value(head) + column, [&](int t, const float (&y)[8]) {
            float4* const to = reinterpret_cast<float4*>(out + place(column, t));
            to[0] = make_float4(y[0], y[1], y[2], y[3]), to[1] = make_float4(y[4], y[5], y[6], y[7]);
        });
    }
    __syncthreads();
    normalize_rows(q, 1.0f / sqrtf((float)DK), tiles.keys(slot, key_head));
    normalize_rows(k, 1.0f, tiles.keys(slot, key_head) + kChunk * DK);
    __syncthreads();

    // Warps 0 to 3: K K^T, 4 to 7: Q K^T; 16 rows each, up to the diagonal.
    const int rows_at = 16 * (warp & 3);
    const bool of_keys = warp < 4;
    float products[8][4] = {};
#pragma unroll 1
    for (int c = 0; c < DK; c += 8) {
        uint32_t a[4], b[2];
        load_left(of_keys ? k : q, DK, rows_at, c, lane, a);
#pragma unroll
        for (int j = 0; j < 8; j++) {
            if (8 * j >= rows_at + 16) break;
            load_right(k, DK, 8 * j, c, lane, b);
            mma_tf32(products[j], a, b);
        }
    }

    float *const lower = shared, *const known = shared + kHeadsAtOnce * kChunk * kInverseStride;
    for (int r = 0; r < heads.ratio(); r += kHeadsAtOnce) {
        const int first_head = key_head * heads.ratio() + r, count = min(kHeadsAtOnce, heads.ratio() - r);
        __syncthreads();
        if (warp < count)
            chunk_gates(projected, heads, chunk, first_head + warp, neg_exp_a[first_head + warp], dt_bias[first_head + warp], sums[warp], beta[warp],
                        tiles.values(slot, first_head + warp) + DV * kChunk + 2 * kPairs);
        __syncthreads();
        for (int v = 0; v < count; v++) {
            float* const weights = tiles.values(slot, first_head + v) + DV * kChunk + kPairs;
#pragma unroll
            for (int j = 0; j < 8; j++) {
                if (8 * j >= rows_at + 16) break;
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    const int row = rows_at + group + 8 * (e >> 1), column = 8 * j + 2 * (lane & 3) + (e & 1);
                    const float decayed = row >= column ? products[j][e] * expf(min(sums[v][row] - sums[v][column], 0.0f)) : 0.0f;
                    if (of_keys) lower[(v * kChunk + column) * kInverseStride + row] = beta[v][row] * decayed;
                    else weights[row * kChunk + place(group, column)] = __uint_as_float(to_tf32(decayed));
                }
            }
        }
        __syncthreads();
        const int v = threadIdx.x / kChunk, column = threadIdx.x % kChunk;
        if (v < count)
            invert_column(lower + v * kChunk * kInverseStride, known + v * kPairs, column, beta[v][column], tiles.values(slot, first_head + v) + DV * kChunk);
    }
}

// Gated delta rule, token by token: decoded rows, drafts, and short pieces of prompts. Per value head, S [DK, DV] f32 in memory by slot:
//   S = e^g S; d = beta (v - S^T k); S += k d^T; o = S^T q; y = o / rms(o) * w * silu(z)
// with q, k, v after convolution, SiLU and L2 norm. Specification 3.3 and 4.4, DeltaRule.Cpu.cs.
//
// delta_rule_recurrent: grid (Hv, N), block 32 (DV / 8 + 1), no dynamic shared memory. A block holds one head's state in registers, each warp
// 8 columns: a sector of every row, so that no sum over rows leaves a warp. The last warp computes gates. Two barriers a pass of 8 rows.
//   Whole heads per block, because the norm needs a head's whole o: splitting a head over blocks would cost an exchange through memory or a
//   cluster, about what reading 64 KB instead of 16 KB a block costs at one sequence, and more at several.
//   Bytes: Hv (2 * 4 DK DV) + rows * 4 (ProjectedWidth + Hv DV); 4.2 MB a sequence at 32 heads of 128 x 128.
//   PREDICTED, not measured, one H200: 3 us at N = 1 (latency: 64 KB in and out of 32 multiprocessors), 1.2 us a sequence from N = 16 on.
// Numerics: f32 in the order of DeltaRule.Cpu.cs but for the order of sums over DK and DV: relative error about DK * 2^-24 of sums of magnitudes.
//
// Overlap: before it waits for the kernel before, a block only asks for the state's lines to come to the L2 cache. Loading them would be wrong:
// an earlier launch of this op for the same layer may still run if nothing but kernels lies between. The L2 cache is where writes meet reads, so
// a line that comes early is right whatever happens to it afterwards.
#include "delta_rule.cuh"

constexpr int kPassRows = 8;
constexpr int kWarpColumns = 8;
constexpr int kStateWarps = DV / kWarpColumns;
constexpr int kThreads = 32 * (kStateWarps + 1);
constexpr int kLaneRows = (DK + 15) / 16;
// Channels that a block handles: q, k, v, which pass the convolution, and z.
constexpr int kMixed = 2 * DK + DV, kItems = kMixed + DV;
constexpr int kThreadItems = (kItems + kThreads - 1) / kThreads;

// What a block needs to know of its head. Conv weights [TAPS, channels].
struct Head {
    Heads heads;
    int key_head, value_head;

    // Column of the projection of item c: q, k, v, z of this head.
    __device__ __forceinline__ int column(int c) const {
        if (c < DK) return heads.query(key_head) + c;
        if (c < 2 * DK) return heads.key(key_head) + c - DK;
        if (c < kMixed) return heads.value(value_head) + c - 2 * DK;
        return heads.gate(value_head) + c - kMixed;
    }
};

// What drafts add to the state, kept until the next step says which of them were right. [slots, room, heads, ...], see DeltaDrafts.
struct DraftMemory {
    float *keys, *corrections, *decays;
    int room;

    __device__ __forceinline__ float* key(const Heads& heads, int slot, int i, int key_head) const {
        return keys + (((long long)slot * room + i) * heads.key_heads + key_head) * DK;
    }
    __device__ __forceinline__ float* correction(const Heads& heads, int slot, int i, int head) const {
        return corrections + (((long long)slot * room + i) * heads.value_heads + head) * DV;
    }
    __device__ __forceinline__ float* decay(const Heads& heads, int slot, int i, int head) const {
        return decays + ((long long)slot * room + i) * heads.value_heads + head;
    }
};

// Sums of four values over the 16 lanes with the same lowest bit. A lane gets that of column_of(lane).
__device__ __forceinline__ float sum_columns(const float (&x)[4], int lane) {
    const bool high = lane & 16, odd = lane & 8;
    float first = high ? x[2] : x[0], second = high ? x[3] : x[1];
    first += __shfl_xor_sync(~0u, high ? x[0] : x[2], 16);
    second += __shfl_xor_sync(~0u, high ? x[1] : x[3], 16);
    float sum = odd ? second : first;
    sum += __shfl_xor_sync(~0u, odd ? first : second, 8);
    sum += __shfl_xor_sync(~0u, sum, 4);
    sum += __shfl_xor_sync(~0u, sum, 2);
    return sum;
}
__device__ __forceinline__ int column_of(int lane) { return (lane & 16 ? 2 : 0) + (lane & 8 ? 1 : 0); }
// The way back: every lane gets all four.
__device__ __forceinline__ void spread_columns(float x, int lane, float (&all)[4]) {
    const float other = __shfl_xor_sync(~0u, x, 8);
    const float low = lane & 8 ? other : x, high = lane & 8 ? x : other;
    const float other_low = __shfl_xor_sync(~0u, low, 16), other_high = __shfl_xor_sync(~0u, high, 16);
    all[0] = lane & 16 ? other_low : low, all[1] = lane & 16 ? other_high : high;
    all[2] = lane & 16 ? low : other_low, all[3] = lane & 16 ? high : other_high;
}

// A warp's 8 columns of the state: lane holds four columns of rows row(0), row(1), ...
struct StateColumns {
    float s[kLaneRows][4];

    __device__ __forceinline__ static int row(int i) { return 16 * i + ((threadIdx.x & 31) >> 1); }
    __device__ __forceinline__ static bool valid(int i) { return DK % 16 == 0 || row(i) < DK; }

    __device__ __forceinline__ void load(const float* state) {
#pragma unroll
        for (int i = 0; i < kLaneRows; i++) {
            const float4 v = valid(i) ? *reinterpret_cast<const float4*>(state + row(i) * DV) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            s[i][0] = v.x, s[i][1] = v.y, s[i][2] = v.z, s[i][3] = v.w;
        }
    }
    __device__ __forceinline__ void store(float* state) const {
#pragma unroll
        for (int i = 0; i < kLaneRows; i++)
            if (valid(i)) *reinterpret_cast<float4*>(state + row(i) * DV) = make_float4(s[i][0], s[i][1], s[i][2], s[i][3]);
    }
    // S = decay S + k d^T: the same operations for a row of this step and for a kept draft, so the same bits.
    __device__ __forceinline__ void add(const float (&k)[kLaneRows], const float (&d)[4], float decay) {
#pragma unroll
        for (int i = 0; i < kLaneRows; i++)
#pragma unroll
            for (int c = 0; c < 4; c++) s[i][c] = fmaf(k[i], d[c], s[i][c] * decay);
    }
    // S^T x, of this lane's rows.
    __device__ __forceinline__ void times(const float (&x)[kLaneRows], float (&y)[4]) const {
#pragma unroll
        for (int c = 0; c < 4; c++) y[c] = 0.0f;
#pragma unroll
        for (int i = 0; i < kLaneRows; i++)
#pragma unroll
            for (int c = 0; c < 4; c++) y[c] = fmaf(s[i][c], x[i], y[c]);
    }
};

// The lane's values of a vector of DK.
__device__ __forceinline__ void lane_values(const float* vector, float (&x)[kLaneRows]) {
#pragma unroll
    for (int i = 0; i < kLaneRows; i++) x[i] = StateColumns::valid(i) ? vector[StateColumns::row(i)] : 0.0f;
}

// x * factor / |x|. All lanes with the same lowest bit hold the whole vector together.
__device__ __forceinline__ void normalize(float (&x)[kLaneRows], float factor) {
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < kLaneRows; i++) sum = fmaf(x[i], x[i], sum);
#pragma unroll
    for (int bits = 16; bits > 1; bits >>= 1) sum += __shfl_xor_sync(~0u, sum, bits);
    const float scale = factor / sqrtf(sum + kNormEpsilon);
#pragma unroll
    for (int i = 0; i < kLaneRows; i++) x[i] *= scale;
}

// projected [T, width]; conv [TAPS, channels]; state [slots, Hv, DK, DV]; heads_out [T, Hv DV]; arrivals [N, Hk], zero before and after.
// A sequence with at least `chunked_from` certain rows has had them, and its kept drafts, from the chunked kernels: its drafts and its
// convolution state are left.
extern "C" __global__ void __launch_bounds__(kThreads) delta_rule_recurrent(
    const float* projected, const float* conv, const float* neg_exp_a, const float* dt_bias, const float* norm, float epsilon, float* state, float* conv_state,
    int conv_rows, float* draft_keys, float* draft_corrections, float* draft_decays, int draft_room, const int* sequence_start, const int* state_slots,
    const int* draft_counts, const int* kept_counts, unsigned* arrivals, int key_heads, int value_heads, int chunked_from, float* heads_out) {
    __shared__ float mixed[kPassRows][kItems];   // q, k, v after the convolution, w silu(z); o takes the place of v
    __shared__ float keys[kPassRows][DK];        // k, normed, of drafts
    __shared__ float beta[kPassRows], decay[kPassRows];
    __shared__ bool last;
    launch_dependents();

    const Heads heads{key_heads, value_heads};
    const int value_head = blockIdx.x, n = blockIdx.y, key_head = value_head / heads.ratio();
    const Head head{heads, key_head, value_head};
    const int warp = threadIdx.x / 32, lane = threadIdx.x & 31, width = heads.width();
    const SequenceRows rows(n, sequence_start, state_slots, draft_counts, kept_counts);
    const bool had_chunks = rows.certain >= chunked_from;
    const int first = had_chunks ? rows.certain : 0, count = rows.end - rows.start, kept = had_chunks ? 0 : rows.kept;
    const bool changes = !had_chunks && (rows.certain > 0 || kept > 0), works = changes || rows.drafts > 0;
    float* const head_state = state + ((long long)rows.slot * value_heads + value_head) * DK * DV;

    if (works)
        for (int line = threadIdx.x; line < DK * DV / 32; line += kThreads) prefetch_l2(head_state + 32 * line);
    float weights[kThreadItems][TAPS];
#pragma unroll
    for (int i = 0; i < kThreadItems; i++) {
        const int c = threadIdx.x + i * kThreads;
#pragma unroll
        for (int j = 0; j < TAPS; j++) weights[i][j] = c < kMixed ? conv[(long long)j * heads.channels() + head.column(c)] : c < kItems ? norm[c - kMixed] : 0.0f;
    }
    wait_for_previous_kernel();
    if (count == 0 && rows.kept == 0) return;

    const ConvolutionState inputs{conv_state, conv_rows, heads.channels()};
    const DraftMemory drafts{draft_keys, draft_corrections, draft_decays, draft_room};
    float* const columns = head_state + kWarpColumns * warp + 4 * (lane & 1);
    const int column = kWarpColumns * warp + 4 * (lane & 1) + column_of(lane);
    const bool owns_column = (lane & 6) == 0;
    StateColumns s;
    if (works && warp < kStateWarps) s.load(columns);

    float window[kThreadItems][TAPS];
#pragma unroll
    for (int i = 0; i < kThreadItems; i++) {
        const int c = threadIdx.x + i * kThreads;
#pragma unroll
        for (int j = 1; j < TAPS; j++)
            window[i][j] = c < kMixed && first < count ? convolution_input(projected, width, inputs, rows, first - TAPS + j, head.column(c)) : 0.0f;
    }

    for (int pass = first; pass == first || pass < count; pass += kPassRows) {
        const int pass_rows = min(kPassRows, count - pass);
#pragma unroll
        for (int i = 0; i < kThreadItems; i++) {
            const int c = threadIdx.x + i * kThreads;
            if (c >= kItems) break;
            float x[kPassRows];
#pragma unroll
            for (int r = 0; r < kPassRows; r++)
                if (r < pass_rows) x[r] = projected[(long long)(rows.start + pass + r) * width + head.column(c)];
#pragma unroll
            for (int r = 0; r < kPassRows; r++) {
                if (r >= pass_rows) break;
#pragma unroll
                for (int j = 0; j < TAPS - 1; j++) window[i][j] = window[i][j + 1];
                window[i][TAPS - 1] = x[r];
                mixed[r][c] = c < kMixed ? convolve(weights[i], window[i]) : silu(x[r]) * weights[i][0];
            }
        }
        if (warp == kStateWarps && lane < pass_rows) {
            const float* row = projected + (long long)(rows.start + pass + lane) * width;
            beta[lane] = sigmoid(row[heads.beta(value_head)]);
            decay[lane] = expf(log_decay(row[heads.decay(value_head)], dt_bias[value_head], neg_exp_a[value_head]));
        }
        if (pass == first && warp < kStateWarps) {
            for (int i = 0; i < kept; i++) {
                float k[kLaneRows];
                lane_values(drafts.key(heads, rows.slot, i, key_head), k);
                const float4 d = *reinterpret_cast<const float4*>(drafts.correction(heads, rows.slot, i, value_head) + kWarpColumns * warp + 4 * (lane & 1));
                s.add(k, {d.x, d.y, d.z, d.w}, *drafts.decay(heads, rows.slot, i, value_head));
            }
            if (changes && rows.certain == 0) s.store(columns);
        }
        __syncthreads();

        // The value heads of a key head read the same inputs and keys of the step before; who comes last may overwrite them.
        if (pass == first && threadIdx.x == 32 * kStateWarps) {
            __threadfence();
            const unsigned others = heads.ratio() - 1;
            last = atomicInc(arrivals + n * key_heads + key_head, others) == others;
            __threadfence();
        }
        if (warp < kStateWarps) {
            for (int r = 0; r < pass_rows; r++) {
                float k[kLaneRows], q[kLaneRows], sums[4], d[4];
                lane_values(mixed[r] + DK, k);
                normalize(k, 1.0f);
                s.times(k, sums);
                const float correction = (mixed[r][2 * DK + column] - sum_columns(sums, lane) * decay[r]) * beta[r];
                spread_columns(correction, lane, d);
                s.add(k, d, decay[r]);
                lane_values(mixed[r], q);
                normalize(q, 1.0f / sqrtf((float)DK));
                s.times(q, sums);
                const float o = sum_columns(sums, lane);
                if (owns_column) mixed[r][2 * DK + column] = o;

                const int draft = pass + r - rows.certain;
                if (draft >= 0) {
                    if (owns_column) drafts.correction(heads, rows.slot, draft, value_head)[column] = correction;
                    if (threadIdx.x == 0) *drafts.decay(heads, rows.slot, draft, value_head) = decay[r];
#pragma unroll
                    for (int i = 0; i < kLaneRows; i++)
                        if (warp == 0 && (lane & 1) == 0 && StateColumns::valid(i)) keys[r][StateColumns::row(i)] = k[i];
                } else if (draft == -1) {
                    s.store(columns);
                }
            }
        }
        __syncthreads();

        for (int r = warp; r < pass_rows; r += kStateWarps + 1)
            gated_norm(mixed[r] + 2 * DK, [&](int c) { return mixed[r][kMixed + c]; }, epsilon,
                       heads_out + ((long long)(rows.start + pass + r) * value_heads + value_head) * DV);
        if (last)
            for (int r = max(0, rows.certain - pass); r < pass_rows; r++)
                for (int i = threadIdx.x; i < DK; i += kThreads) drafts.key(heads, rows.slot, pass + r - rows.certain, key_head)[i] = keys[r][i];
        if (pass + kPassRows < count) __syncthreads();
    }

    // The new convolution state: the last inputs of old state and certain rows together, then those of drafts. Oldest first: what is read lies ahead.
    for (int c = threadIdx.x; c < kMixed; c += kThreads) {
        if (c < 2 * DK && !last) continue;
        const int channel = head.column(c);
        for (int j = 0; j < TAPS - 1 + rows.drafts; j++)
            inputs.row(rows.slot, j)[channel] = convolution_input(projected, width, inputs, rows, rows.certain - (TAPS - 1) + j, channel);
    }
}

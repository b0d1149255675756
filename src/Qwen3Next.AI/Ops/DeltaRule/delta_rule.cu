// Gated delta rule, token by token: decoded rows, drafts, and short pieces of prompts. Per value head, S [DK, DV] f32 in memory by slot:
//   S = e^g S; d = beta (v - S^T k); S += k d^T; o = S^T q; y = o / rms(o) * w * silu(z)
// with q, k, v after convolution, SiLU and L2 norm. Specification 3.3 and 4.4, DeltaRule.Cpu.cs.
//
// delta_rule_recurrent: grid (Hv, N), block 32 (DV / 8 + 1), no dynamic shared memory. A block holds one head's state in registers, each warp 8 columns:
//   a sector of every row, so that no sum over rows leaves a warp. The last warp computes gates. Heads cut into four blocks keep more multiprocessors
//   busy and were slower, 7.0 us instead of 5.7: their norm needs all four (one H200, 2026-12-01).
//   Bytes: Hv (2 * 4 DK DV) + rows * 4 (ProjectedWidth + Hv DV); 4.2 MB a sequence at 32 heads of 128 x 128.
//   One H200, in a chain: 4.3 us at N = 1, 8 us at N = 4, 15 us at N = 8.
// Numerics: f32 in the order of DeltaRule.Cpu.cs but for the order of sums over DK and DV: relative error about DK * 2^-24 of sums of magnitudes.
//
// Overlap: before it waits for the kernel before, a block loads weights and the states of sequences that no chunked kernel had.
#include "delta_rule.cuh"

constexpr int kPassRows = 8;
constexpr int kWarpColumns = 8;
constexpr int kStateWarps = DV / kWarpColumns;
constexpr int kThreads = 32 * (kStateWarps + 1);
constexpr int kLaneRows = (DK + 15) / 16;
// Channels that a block handles: q, k and v, which pass the convolution, and z.
constexpr int kMixed = 2 * DK + DV, kItems = kMixed + DV;
constexpr int kThreadItems = (kItems + kThreads - 1) / kThreads;

// What drafts add to the state, kept until the next step says which of them were right. [slots, room, heads, ...], see DeltaDrafts.
struct DraftMemory {
    float *keys, *corrections, *decays;
    int room;
};

// A block's part of a step: one head of one sequence.
struct Part {
    Heads heads;
    SequenceRows rows;
    int key_head, value_head;
    const float* projected;      // of the sequence's first row
    ConvolutionState inputs;
    const float* kept_inputs;    // of the row TAPS - 1 rows before that
    DraftMemory drafts;

    // Column of the projection of item c: q, k, the block's v, z.
    __device__ __forceinline__ int column(int c) const {
        if (c < DK) return heads.query(key_head) + c;
        if (c < 2 * DK) return heads.key(key_head) + c - DK;
        if (c < kMixed) return heads.value(value_head) + c - 2 * DK;
        return heads.gate(value_head) + c - kMixed;
    }
    __device__ __forceinline__ const float* row(int r) const { return projected + r * heads.width(); }
    // An input of the convolution: earlier rows are in the state, behind kept drafts.
    __device__ __forceinline__ float input(int r, int column) const { return (r >= 0 ? row(r) : kept_inputs + (r + TAPS - 1) * heads.channels())[column]; }
    __device__ __forceinline__ long long output(int r) const { return ((long long)(rows.start + r) * heads.value_heads + value_head) * DV; }

    __device__ __forceinline__ long long draft(int i) const { return (long long)rows.slot * drafts.room + i; }
    __device__ __forceinline__ float* draft_key(int i) const { return drafts.keys + (draft(i) * heads.key_heads + key_head) * DK; }
    __device__ __forceinline__ float* draft_correction(int i) const { return drafts.corrections + (draft(i) * heads.value_heads + value_head) * DV; }
    __device__ __forceinline__ float* draft_decay(int i) const { return drafts.decays + draft(i) * heads.value_heads + value_head; }
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

// Whether all but one of `blocks` came before; then what they read and wrote before is read and written. One thread, after a barrier of its block.
// The counter is 0 again once all have come.
__device__ __forceinline__ bool arrives_last(unsigned* counter, int blocks) {
    __threadfence();
    const bool last = atomicInc(counter, blocks - 1) == (unsigned)(blocks - 1);
    __threadfence();
    return last;
}

// q, k, v, z of a pass's rows, as the recurrence and the norm take them. A thread keeps the convolution's window of its channels from pass to pass.
__device__ __forceinline__ void mix(const Part& part, int first, int count, const float (&weights)[kThreadItems][TAPS], float (&window)[kThreadItems][TAPS],
                                    float (&mixed)[kPassRows][kItems]) {
#pragma unroll
    for (int i = 0; i < kThreadItems; i++) {
        const int c = threadIdx.x + i * kThreads;
        if (c >= kItems) break;
        float x[kPassRows];
#pragma unroll
        for (int r = 0; r < kPassRows; r++)
            if (r < count) x[r] = part.row(first + r)[part.column(c)];
#pragma unroll
        for (int r = 0; r < kPassRows; r++) {
            if (r >= count) break;
#pragma unroll
            for (int j = 0; j < TAPS - 1; j++) window[i][j] = window[i][j + 1];
            window[i][TAPS - 1] = x[r];
            mixed[r][c] = c < kMixed ? convolve(weights[i], window[i]) : silu(x[r]) * weights[i][0];
        }
    }
}

// Takes the drafts of the step before that were right into the state.
__device__ __forceinline__ void keep_drafts(const Part& part, int kept, int four_columns, StateColumns& s) {
#pragma unroll 1
    for (int i = 0; i < kept; i++) {
        float k[kLaneRows];
        lane_values(part.draft_key(i), k);
        const float4 d = *reinterpret_cast<const float4*>(part.draft_correction(i) + four_columns);
        s.add(k, {d.x, d.y, d.z, d.w}, *part.draft_decay(i));
    }
}

// A row: S = e^g S; d = beta (v - S^T k); S += k d^T. Returns d of the lane's column; o is S^T q there, k what was added.
__device__ __forceinline__ float advance(StateColumns& s, const float* mixed, int column, float beta, float decay, int lane, float (&k)[kLaneRows], float& o) {
    float q[kLaneRows], sums[4], d[4];
    lane_values(mixed + DK, k);
    normalize(k, 1.0f);
    s.times(k, sums);
    const float correction = (mixed[2 * DK + column] - sum_columns(sums, lane) * decay) * beta;
    spread_columns(correction, lane, d);
    s.add(k, d, decay);
    lane_values(mixed, q);
    normalize(q, 1.0f / sqrtf((float)DK));
    s.times(q, sums);
    o = sum_columns(sums, lane);
    return correction;
}

// The new convolution state: the last inputs of old state and certain rows together, then those of drafts. Oldest first, as what is read lies ahead,
// and a few at a time, as each way to memory takes half a microsecond.
__device__ __forceinline__ void keep_inputs(const Part& part, bool keys_too) {
    constexpr int kAtOnce = TAPS > 1 ? TAPS - 1 : 1;
    const int count = TAPS - 1 + part.rows.drafts;
    float* const kept = part.inputs.row(part.rows.slot, 0);
#pragma unroll 1
    for (int c = threadIdx.x; c < kMixed; c += kThreads) {
        if (c < 2 * DK && !keys_too) continue;
        const int column = part.column(c);
#pragma unroll 1
        for (int first = 0; first < count; first += kAtOnce) {
            float inputs[kAtOnce];
#pragma unroll
            for (int j = 0; j < kAtOnce; j++) inputs[j] = first + j < count ? part.input(part.rows.certain - (TAPS - 1) + first + j, column) : 0.0f;
#pragma unroll
            for (int j = 0; j < kAtOnce; j++)
                if (first + j < count) kept[(first + j) * part.heads.channels() + column] = inputs[j];
        }
    }
}

// projected [T, width]; conv [TAPS, channels]; state [slots, Hv, DK, DV]; arrivals [N, Hk], zero before and after; heads_out [T, Hv DV].
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
    const SequenceRows rows(n, sequence_start, state_slots, draft_counts, kept_counts);
    const ConvolutionState inputs{conv_state, conv_rows, heads.channels()};
    const Part part{heads, rows, key_head, value_head, projected + (long long)rows.start * heads.width(), inputs,
                    inputs.row(rows.slot, rows.kept),
                    {draft_keys, draft_corrections, draft_decays, draft_room}};
    const int warp = threadIdx.x / 32, lane = threadIdx.x & 31, four_columns = kWarpColumns * warp + 4 * (lane & 1), column = four_columns + column_of(lane);
    const bool holds_state = warp < kStateWarps, gates = warp == kStateWarps, owns_column = holds_state && (lane & 6) == 0;
    const bool had_chunks = rows.certain >= chunked_from;
    const int first = had_chunks ? rows.certain : 0, count = rows.end - rows.start, kept = had_chunks ? 0 : rows.kept;
    const bool changes = !had_chunks && (rows.certain > 0 || kept > 0), works = changes || rows.drafts > 0;
    float* const head_state = state + ((long long)rows.slot * value_heads + value_head) * DK * DV;
    unsigned* const arrived = arrivals + n * key_heads;

    const float head_bias = dt_bias[value_head], head_factor = neg_exp_a[value_head];
    float weights[kThreadItems][TAPS], window[kThreadItems][TAPS];
    StateColumns s;
    // State and convolution state are a sequence's own and as the step before left them: copies lie between steps, which wait for all kernels. Those
    // of the chunked kernels are of this step.
    const auto load_states = [&] {
        if (works && holds_state) s.load(head_state + four_columns);
#pragma unroll
        for (int i = 0; i < kThreadItems; i++)
#pragma unroll
            for (int j = 1; j < TAPS; j++) window[i][j] = threadIdx.x + i * kThreads < kMixed && first < count ? part.input(first - TAPS + j, part.column(threadIdx.x + i * kThreads)) : 0.0f;
    };
    if (!had_chunks) load_states();
#pragma unroll
    for (int i = 0; i < kThreadItems; i++)
#pragma unroll
        for (int j = 0; j < TAPS; j++) {
            const int c = threadIdx.x + i * kThreads;
            weights[i][j] = c < kMixed ? conv[(long long)j * heads.channels() + part.column(c)] : c < kItems ? norm[c - kMixed] : 0.0f;
        }
    wait_for_previous_kernel();
    if (count == 0 && rows.kept == 0) return;
    if (had_chunks) load_states();

    for (int pass = first; pass == first || pass < count; pass += kPassRows) {
        const int pass_rows = min(kPassRows, count - pass);
        mix(part, pass, pass_rows, weights, window, mixed);
        if (gates && lane < pass_rows) {
            beta[lane] = sigmoid(part.row(pass + lane)[heads.beta(value_head)]);
            decay[lane] = expf(log_decay(part.row(pass + lane)[heads.decay(value_head)], head_bias, head_factor));
        }
        if (pass == first && holds_state) {
            keep_drafts(part, kept, four_columns, s);
            if (changes && rows.certain == 0 && rows.drafts > 0) s.store(head_state + four_columns);
        }
        __syncthreads();

        // The blocks of a key head read the same inputs and keys of the step before; who comes last may overwrite them.
        if (pass == first && gates && lane == 0) last = arrives_last(arrived + key_head, heads.ratio());
#pragma unroll 1
        for (int r = 0; holds_state && r < pass_rows; r++) {
            float k[kLaneRows], o;
            const float correction = advance(s, mixed[r], column, beta[r], decay[r], lane, k, o);
            if (owns_column) mixed[r][2 * DK + column] = o;

            const int draft = pass + r - rows.certain;
            if (draft == -1 && rows.drafts > 0) s.store(head_state + four_columns);
            if (draft < 0) continue;
            if (owns_column) part.draft_correction(draft)[column] = correction;
#pragma unroll
            for (int i = 0; i < kLaneRows; i++)
                if (warp == 0 && (lane & 1) == 0 && StateColumns::valid(i)) keys[r][StateColumns::row(i)] = k[i];
        }
        __syncthreads();

#pragma unroll 1
        for (int r = warp; r < pass_rows; r += kStateWarps + 1)
            gated_norm([&](int c) { return mixed[r][2 * DK + c]; }, [&](int c) { return mixed[r][kMixed + c]; }, epsilon, heads_out + part.output(pass + r));
#pragma unroll 1
        for (int r = max(0, rows.certain - pass); last && r < pass_rows; r++)
            for (int i = threadIdx.x; i < DK; i += kThreads) part.draft_key(pass + r - rows.certain)[i] = keys[r][i];
        if (pass + kPassRows < count) __syncthreads();
    }

    if (changes && rows.drafts == 0 && holds_state) s.store(head_state + four_columns);
    for (int i = threadIdx.x; i < rows.drafts; i += kThreads)
        *part.draft_decay(i) = expf(log_decay(part.row(rows.certain + i)[heads.decay(value_head)], head_bias, head_factor));
    if (rows.drafts > 0 || had_chunks || count == 0) {
        keep_inputs(part, last);
        return;
    }
    // The window holds the last inputs.
#pragma unroll
    for (int i = 0; i < kThreadItems; i++)
#pragma unroll
        for (int j = 1; j < TAPS; j++) {
            const int c = threadIdx.x + i * kThreads;
            if (c < kMixed && (c >= 2 * DK || last)) part.inputs.row(rows.slot, j - 1)[part.column(c)] = window[i][j];
        }
}

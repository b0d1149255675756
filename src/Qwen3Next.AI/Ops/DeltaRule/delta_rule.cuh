// What the recurrent and the chunked kernels of the gated delta rule share: where a layer's channels lie, which rows a sequence has, the
// convolution's activation and the gates. Sizes are macros: DK and DV channels of a key and a value head, TAPS of the convolution.
#pragma once
#include "ptx.cuh"

constexpr float kNormEpsilon = 1e-6f;

// Columns of the raw projection: q, k, v head by head, z, then b and a of each value head. The first three are the convolution's channels.
struct Heads {
    int key_heads, value_heads;

    __device__ __forceinline__ int ratio() const { return value_heads / key_heads; }
    __device__ __forceinline__ int channels() const { return 2 * key_heads * DK + value_heads * DV; }
    __device__ __forceinline__ int width() const { return channels() + value_heads * (DV + 2); }
    __device__ __forceinline__ int query(int key_head) const { return key_head * DK; }
    __device__ __forceinline__ int key(int key_head) const { return (key_heads + key_head) * DK; }
    __device__ __forceinline__ int value(int head) const { return 2 * key_heads * DK + head * DV; }
    __device__ __forceinline__ int gate(int head) const { return channels() + head * DV; }
    __device__ __forceinline__ int beta(int head) const { return channels() + value_heads * DV + head; }
    __device__ __forceinline__ int decay(int head) const { return beta(head) + value_heads; }
};

// Rows start to start + certain of the batch are certain, those up to end are drafts; `kept` drafts of the step before enter the state first.
struct SequenceRows {
    int start, end, certain, drafts, kept, slot;

    // The batch's mirror is written by copies between steps, which wait for all kernels and are waited for by all: it may be read before
    // wait_for_previous_kernel. Not through the first-level cache, which kernels that overlap do not clear for each other.
    __device__ __forceinline__ SequenceRows(int n, const int* sequence_start, const int* state_slots, const int* draft_counts, const int* kept_counts)
        : start(__ldcg(sequence_start + n)), end(__ldcg(sequence_start + n + 1)), drafts(__ldcg(draft_counts + n)), kept(__ldcg(kept_counts + n)),
          slot(__ldcg(state_slots + n)) {
        certain = end - start - drafts;
    }
};

// [slots, rows, channels]: the last TAPS - 1 inputs of the convolution, oldest first, then those of the last step's drafts.
struct ConvolutionState {
    float* data;
    int rows, channels;

    __device__ __forceinline__ float* row(int slot, int row) const { return data + ((long long)slot * rows + row) * channels; }
};

// An input of the convolution, `back` rows counted from the sequence's first row of this step: earlier ones are in the state, behind kept drafts.
__device__ __forceinline__ float convolution_input(const float* projected, int width, const ConvolutionState& state, const SequenceRows& rows, int row, int channel) {
    return row >= 0 ? projected[(long long)(rows.start + row) * width + channel] : state.row(rows.slot, row + TAPS - 1 + rows.kept)[channel];
}

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ float silu(float x) { return x * sigmoid(x); }

// SiLU of the convolution; window[0] is the oldest input.
__device__ __forceinline__ float convolve(const float (&weights)[TAPS], const float (&window)[TAPS]) {
    float sum = 0.0f;
#pragma unroll
    for (int j = 0; j < TAPS; j++) sum = fmaf(weights[j], window[j], sum);
    return silu(sum);
}

// The logarithm of a row's decay, at most 0.
__device__ __forceinline__ float log_decay(float a, float dt_bias, float neg_exp_a) {
    const float x = a + dt_bias;
    return neg_exp_a * (x > 20.0f ? x : log1pf(expf(x)));
}

// y = o / rms(o) * gate of one head of one row, by column; one warp. y may be where o comes from.
template <class Output, class Gate> __device__ __forceinline__ void gated_norm(Output o, Gate gate, float epsilon, float* y) {
    constexpr int kLaneColumns = (DV + 31) / 32;
    float x[kLaneColumns], sum = 0.0f;
#pragma unroll
    for (int i = 0; i < kLaneColumns; i++) {
        const int c = (threadIdx.x & 31) + 32 * i;
        x[i] = c < DV ? o(c) : 0.0f;
        sum = fmaf(x[i], x[i], sum);
    }
#pragma unroll
    for (int bits = 16; bits > 0; bits >>= 1) sum += __shfl_xor_sync(~0u, sum, bits);
    const float scale = 1.0f / sqrtf(sum / DV + epsilon);
#pragma unroll
    for (int i = 0; i < kLaneColumns; i++) {
        const int c = (threadIdx.x & 31) + 32 * i;
        if (c < DV) y[c] = x[i] * scale * gate(c);
    }
}

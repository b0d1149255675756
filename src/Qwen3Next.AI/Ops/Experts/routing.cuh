// Which networks a row visits. EXPERTS and ACTIVE are compile-time sizes, 0 and 0 for a dense MLP; the shared network has number EXPERTS.
#pragma once
#include "gemm.cuh"

// One SwiGLU network: matrices of bf16 or e4m3, the latter with the scales of their 128 x 128 blocks. Filled by the host, layout of ExpertTable.
struct Network {
    const void* gate;           // [I, D]
    const void* up;             // [I, D]
    const void* down;           // [D, I]
    const float* gate_scales;
    const float* up_scales;
    const float* down_scales;
};

constexpr int kLogits = EXPERTS + 1;                       // of one row: the experts', then the shared network's gate
constexpr int kActive = ACTIVE > 0 ? ACTIVE : 1;           // array lengths must not be 0

__device__ constexpr int ceiling(int value, int divisor) { return (value + divisor - 1) / divisor; }
__device__ constexpr int scale_blocks(int columns) { return ceiling(columns, kScaleBlock); }

__device__ __forceinline__ float warp_sum(float x) {
    for (int offset = 16; offset; offset >>= 1) x += __shfl_xor_sync(~0u, x, offset);
    return x;
}

__device__ __forceinline__ void load_eight(const float* p, float (&x)[8]) {
    unpack(*(const uint4*)p, *(float (*)[4])x);
    unpack(*(const uint4*)(p + 4), *(float (*)[4])(x + 4));
}

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// Integers in the order of floats, from 1, so that 0 can mean none; -0 counts as 0.
__device__ __forceinline__ uint32_t ordered(float x) {
    const uint32_t bits = __float_as_uint(x + 0.0f);
    return max(bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u), 1u);
}

// A warp finds the ACTIVE largest logits, the lower id where two are equal. Lane i < ACTIVE gets the i-th expert in order of id, the others
// get EXPERTS.
__device__ __forceinline__ int choose_experts(const float* logits, int lane) {
    constexpr int kPerLane = (EXPERTS + 31) / 32 > 0 ? (EXPERTS + 31) / 32 : 1;
    uint32_t keys[kPerLane];
#pragma unroll
    for (int i = 0; i < kPerLane; i++) keys[i] = lane + 32 * i < EXPERTS ? ordered(__ldcg(logits + lane + 32 * i)) : 0;

    int chosen = EXPERTS;
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) {
        uint32_t best = 0, equal = 0;
#pragma unroll
        for (int i = 0; i < kPerLane; i++) best = max(best, keys[i]);
        best = __reduce_max_sync(~0u, best);
#pragma unroll
        for (int i = 0; i < kPerLane; i++) equal |= (keys[i] == best ? 1u : 0u) << i;
        const uint32_t expert = __reduce_min_sync(~0u, equal ? lane + 32 * (__ffs(equal) - 1) : EXPERTS - 1);
#pragma unroll
        for (int i = 0; i < kPerLane; i++)
            if (expert == lane + 32 * i) keys[i] = 0;
        if (lane == k) chosen = expert;
    }
    int rank = 0;
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) rank += __shfl_sync(~0u, chosen, k) < chosen;
    int sorted = EXPERTS;
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) {
        const int expert = __shfl_sync(~0u, chosen, k);
        if (__shfl_sync(~0u, rank, k) == lane) sorted = expert;
    }
    return sorted;
}

// What was known of a row's candidate: its logit as an ordered integer, and its number.
struct Candidate {
    uint32_t key;
    int expert;
};

__device__ __forceinline__ float logit_of(uint32_t key) { return __uint_as_float(key >> 31 ? key ^ 0x80000000u : ~key); }

// As choose_experts, in fewer steps than its ACTIVE rounds: the ACTIVE largest of the lanes' maxima are logits too, so only those that reach the
// least of these can be chosen. Few do; each becomes one lane's, which counts those before it. candidates: 32 of the warp's own.
// Returns the logit's key beside the expert.
__device__ __forceinline__ Candidate choose(const float* logits, int lane, Candidate* candidates) {
    constexpr int kPerLane = ceiling(EXPERTS, 32) > 0 ? ceiling(EXPERTS, 32) : 1;
    uint32_t keys[kPerLane], largest = 0;
#pragma unroll
    for (int i = 0; i < kPerLane; i++) {
        keys[i] = lane + 32 * i < EXPERTS ? ordered(__ldcg(logits + lane + 32 * i)) : 0;
        largest = max(largest, keys[i]);
    }
    int before = 0;
#pragma unroll 8
    for (int i = 0; i < 32; i++) {
        const uint32_t other = __shfl_sync(~0u, largest, i);
        before += other > largest || (other == largest && i < lane);
    }
    const uint32_t least = max(__reduce_min_sync(~0u, before < ACTIVE ? largest : ~0u), 1u);
    uint32_t reach = 0;     // which of the lane's own do
#pragma unroll
    for (int i = 0; i < kPerLane; i++) reach |= (keys[i] >= least ? 1u : 0u) << i;
    int count = __popc(reach), at = count;
#pragma unroll
    for (int offset = 1; offset < 32; offset *= 2) {
        const int other = __shfl_up_sync(~0u, at, offset);
        if (lane >= offset) at += other;
    }
    at -= count, count = __shfl_sync(~0u, at + count, 31);
    if (count > 32) {   // many are equal
        const int expert = choose_experts(logits, lane);
        return {lane < ACTIVE ? ordered(__ldcg(logits + expert)) : 0, expert};
    }
    for (; reach; reach &= reach - 1, at++) {
        const int expert = lane + 32 * (__ffs(reach) - 1);
        candidates[at] = {ordered(__ldcg(logits + expert)), expert};
    }
    __syncwarp();
    const Candidate mine = lane < count ? candidates[lane] : Candidate{0, EXPERTS};
    before = 0;
#pragma unroll 4
    for (int i = 0; i < count; i++) {
        const uint32_t key = __shfl_sync(~0u, mine.key, i);
        const int expert = __shfl_sync(~0u, mine.expert, i);
        before += key > mine.key || (key == mine.key && expert < mine.expert);
    }
    const int chosen = lane < count && before < ACTIVE ? mine.expert : EXPERTS;
    int place = 0;
#pragma unroll 4
    for (int i = 0; i < count; i++) place += __shfl_sync(~0u, chosen, i) < chosen;
    if (chosen < EXPERTS) candidates[place] = mine;
    __syncwarp();
    return lane < ACTIVE ? candidates[lane] : Candidate{0, EXPERTS};
}

// The weights of a warp's chosen experts, lane by lane: softmax over all logits, or over the chosen ones where NORMALIZE.
__device__ __forceinline__ float weight_of(const float* logits, Candidate choice, int lane) {
    const float logit = lane < ACTIVE ? logit_of(choice.key) : __uint_as_float(0xff800000u);
    float maximum = logit;
    for (int offset = 16; offset; offset >>= 1) maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, offset));
    const float weight = expf(logit - maximum);
    float total = weight;
    if (!NORMALIZE) {
        total = 0.0f;
#pragma unroll 1
        for (int e = lane; e < EXPERTS; e += 32) total += expf(__ldcg(logits + e) - maximum);
    }
    return weight / warp_sum(total);
}

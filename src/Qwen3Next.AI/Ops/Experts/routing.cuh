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

// Integers in the order of floats; -0 counts as 0. None is below all.
constexpr int kNone = (int)0x80000000;
__device__ __forceinline__ int ordered(float x) {
    const int bits = (int)__float_as_uint(x + 0.0f);
    return bits ^ (bits >> 31 & 0x7fffffff);
}
__device__ __forceinline__ float logit_of(int key) { return __uint_as_float((uint32_t)(key ^ (key >> 31 & 0x7fffffff))); }

// A row's logits as a warp holds them: ordered integers, lane + 32 i in place i, kNone where there is none.
struct Keys {
    static constexpr int kPerLane = ceiling(EXPERTS, 32) > 0 ? ceiling(EXPERTS, 32) : 1;
    int of[kPerLane];

    __device__ __forceinline__ void load(const float* logits, int lane) {
#pragma unroll
        for (int i = 0; i < kPerLane; i++) of[i] = lane + 32 * i < EXPERTS ? max(ordered(__ldcg(logits + lane + 32 * i)), kNone + 1) : kNone;
    }
};

// What was known of a row's candidate: its logit as an ordered integer, and its number.
struct Candidate {
    int key, expert;
};

// As choose, in ACTIVE rounds, whatever the logits are.
__device__ __forceinline__ Candidate choose_one_by_one(Keys keys, int lane) {
    Candidate chosen{kNone, EXPERTS};
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) {
        int best = kNone;
        uint32_t equal = 0;
#pragma unroll
        for (int i = 0; i < Keys::kPerLane; i++) best = max(best, keys.of[i]);
        best = __reduce_max_sync(~0u, best);
#pragma unroll
        for (int i = 0; i < Keys::kPerLane; i++) equal |= (keys.of[i] == best ? 1u : 0u) << i;
        const int expert = (int)__reduce_min_sync(~0u, equal ? (unsigned)(lane + 32 * (__ffs(equal) - 1)) : (unsigned)EXPERTS - 1);
#pragma unroll
        for (int i = 0; i < Keys::kPerLane; i++)
            if (expert == lane + 32 * i) keys.of[i] = kNone;
        if (lane == k) chosen = {best, expert};
    }
    int rank = 0;
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) rank += __shfl_sync(~0u, chosen.expert, k) < chosen.expert;
    Candidate sorted{kNone, EXPERTS};
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) {
        const Candidate other{__shfl_sync(~0u, chosen.key, k), __shfl_sync(~0u, chosen.expert, k)};
        if (__shfl_sync(~0u, rank, k) == lane) sorted = other;
    }
    return sorted;
}

// A warp finds the ACTIVE largest logits, the lower id where two are equal. Lane i < ACTIVE gets the i-th expert in order of id, the others get
// EXPERTS. Logits that are one of ACTIVE lanes' largest are ACTIVE logits, so only those that reach the least of these can be chosen. Few do; in order
// of id each becomes one lane's, which counts those before it. candidates: 32 of the warp's own.
__device__ __forceinline__ Candidate choose(const Keys& keys, int lane, Candidate* candidates) {
    const unsigned lower = (1u << lane) - 1;
    int largest = kNone, least = kNone;
#pragma unroll
    for (int i = 0; i < Keys::kPerLane; i++) largest = max(largest, keys.of[i]);
#pragma unroll 1
    for (int k = 0; k < ACTIVE; k++) {
        least = __reduce_max_sync(~0u, largest);
        if (largest == least) largest = kNone;      // several at once, where they are equal: then more reach the least
    }
    least = max(least, kNone + 1);
    int count = 0;
#pragma unroll
    for (int i = 0; i < Keys::kPerLane; i++) {
        const bool reaches = keys.of[i] >= least;
        const unsigned lanes = __ballot_sync(~0u, reaches);
        const int at = count + __popc(lanes & lower);
        if (reaches && at < 32) candidates[at] = {keys.of[i], lane + 32 * i};
        count += __popc(lanes);
    }
    if (count > 32) return choose_one_by_one(keys, lane);
    __syncwarp();
    const Candidate mine = lane < count ? candidates[lane] : Candidate{kNone, EXPERTS};
    int before = 0;
#pragma unroll 4
    for (int i = 0; i < count; i++) {
        const int key = __shfl_sync(~0u, mine.key, i);
        before += key > mine.key || (key == mine.key && i < lane);
    }
    const bool chosen = lane < count && before < ACTIVE;
    const unsigned lanes = __ballot_sync(~0u, chosen);
    if (chosen) candidates[__popc(lanes & lower)] = mine;
    __syncwarp();
    return lane < ACTIVE ? candidates[lane] : Candidate{kNone, EXPERTS};
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

// One token for each row of logits: penalties, bias and mask, then the most likely token or one draw among those that top-k, top-p and min-p keep.
// Specification: Sampling/Sampler.cs.
//
// A token is better than another if its logit is larger, or equal and its id lower. Every cut keeps the best tokens up to some boundary, so
// nothing is sorted: the boundary is found digit by digit of the logits' bits, and the draw walks over what is kept in order of id. Weights are
// summed as integers, 2^44 to one: sums do not depend on the order, and two runs give the same token.
//
// scan_logits    grid: groups of 8 chunks x rows, 256 threads. A chunk is chunk_size consecutive ids, a warp's. Changes logits in place where a
//                row has edits or a mask. bytes: 4 V for each row.
// choose_tokens  grid: rows, 512 threads, each the owner of at most one chunk. Reads only chunks that hold tokens which may be kept; most rows need a few of 297.
//   Predicted on H200 (not measured), 151,936 ids, one row: scan 2 us; choose 2 us greedy, 10 us with top-k 20, 30 us where all may be drawn.
//   numerics: exp to 2 units in the last place; the mass that top-p is a share of, to 2^-18 of itself where top-k does not cut.
#include "ptx.cuh"

constexpr int kScanWarps = 8, kThreads = 512, kWarps = kThreads / 32, kBins = 256;
constexpr double kOne = 17592186044416.0;  // 2^44

// What a row asks for; laid out as SamplingRow in C#.
struct Row {
    double uniform;
    float temperature, top_p, min_p;
    int top_k, first_edit, end_edit, has_mask;
};

// logit = (logit > 0 ? logit / penalty : logit * penalty) + bias; a row edits a token once.
struct Edit {
    int token;
    float penalty, bias;
};

// Larger for larger logits; -0 is 0, and what is not a number is largest of all, so that it is found.
__device__ __forceinline__ uint32_t key_of(float logit) {
    const uint32_t bits = __float_as_uint(logit + 0.0f);
    return logit != logit ? ~0u : bits & 0x80000000 ? ~bits : bits | 0x80000000;
}
__device__ __forceinline__ float logit_of(uint32_t key) { return __uint_as_float(key & 0x80000000 ? key ^ 0x80000000 : ~key); }

constexpr uint32_t kLeastKey = 0x00800000, kInfinityKey = 0xff800000;  // of the smallest finite logit, of infinity

// The better of two tokens has the larger pair of key and inverted id.
__device__ __forceinline__ uint64_t rank_of(uint32_t key, int id) { return (uint64_t)key << 32 | (uint32_t)~id; }

__device__ __forceinline__ uint64_t largest_of_warp(uint64_t value) {
    for (int o = 16; o; o >>= 1) value = max(value, __shfl_xor_sync(~0u, value, o));
    return value;
}

extern "C" __global__ void __launch_bounds__(kScanWarps * 32)
scan_logits(float* logits, int stride, int ids, int chunk_size, int chunks, const Row* rows, const Edit* edits, const uint32_t* masks, int mask_words, uint64_t* best, float* mass) {
    launch_dependents();
    wait_for_previous_kernel();
    const int r = blockIdx.y, lane = threadIdx.x % 32, chunk = blockIdx.x * kScanWarps + threadIdx.x / 32;
    const Row row = rows[r];
    logits += (size_t)r * stride;
    const int block_begin = blockIdx.x * kScanWarps * chunk_size, block_end = min(ids, block_begin + kScanWarps * chunk_size);
    for (int e = row.first_edit + threadIdx.x; e < row.end_edit; e += kScanWarps * 32) {
        const Edit edit = edits[e];
        if (edit.token < block_begin || edit.token >= block_end) continue;
        const float logit = logits[edit.token];
        logits[edit.token] = (logit > 0 ? logit / edit.penalty : logit * edit.penalty) + edit.bias;
    }
    __syncthreads();
    if (chunk >= chunks) return;
    const int begin = chunk * chunk_size, end = min(ids, begin + chunk_size);
    uint64_t largest = 0;
    for (int id = begin + lane; id < end; id += 32) {
        float logit = logits[id];
        if (row.has_mask && !(masks[(size_t)r * mask_words + id / 32] >> id % 32 & 1)) logits[id] = logit = -__uint_as_float(0x7f800000);
        largest = max(largest, rank_of(key_of(logit), id));
    }
    largest = largest_of_warp(largest);
    const float maximum = logit_of((uint32_t)(largest >> 32));
    float sum = 0;
    // Of a chunk without finite logits there is no mass.
    if (row.temperature > 0 && (uint32_t)(largest >> 32) >= kLeastKey)
        for (int id = begin + lane; id < end; id += 32) sum += expf((logits[id] - maximum) / row.temperature);
    for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
    if (lane == 0) best[(size_t)r * chunks + chunk] = largest, mass[(size_t)r * chunks + chunk] = sum;
}

// The sum over the block's threads up to and with each; `whole` gets that over all.
__device__ __forceinline__ uint64_t running_sum(uint64_t value, uint64_t (&warps)[kWarps], uint64_t& whole) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int o = 1; o < 32; o <<= 1) {
        const uint64_t before = __shfl_up_sync(~0u, value, o);
        if (lane >= o) value += before;
    }
    __syncthreads();
    if (lane == 31) warps[warp] = value;
    __syncthreads();
    uint64_t before = 0;
    whole = 0;
    for (int w = 0; w < kWarps; w++) {
        if (w < warp) before += warps[w];
        whole += warps[w];
    }
    return before + value;
}

// One row: what its chunks hold, and the least key that can be kept.
struct Chunks {
    const float* logits;
    const uint64_t* best;  // shared
    int ids, size, count;
    uint32_t least;
    float maximum, temperature;

    __device__ __forceinline__ float weight(uint32_t key) const { return expf((logit_of(key) - maximum) / temperature); }
    __device__ __forceinline__ uint64_t mass(uint32_t key) const { return (uint64_t)(weight(key) * kOne); }
    // A key that no token of this weight or more falls below.
    __device__ __forceinline__ uint32_t lightest(float weight) const { return max(kLeastKey, min(key_of(maximum), key_of(maximum + temperature * (logf(weight) - 0.01f)))); }
    __device__ __forceinline__ bool holds(int chunk) const { return (uint32_t)(best[chunk] >> 32) >= least; }
    __device__ __forceinline__ uint32_t key(int chunk, int i) const {
        const int id = chunk * size + i;
        return i < size && id < ids ? key_of(logits[id]) : 0;
    }
};

// The boundary of a cut: tokens with larger keys are kept, and of those with this key the `ties` of lowest id.
struct Boundary {
    uint32_t key;
    uint64_t above;  // measure of the tokens with larger keys
};

struct Bins {
    uint64_t measure[kBins];
    uint64_t warps[kWarps];
    uint64_t above;
    int chosen;
};

// Takes tokens from the best down until their measure reaches `target`: their number, or their mass. The last one taken has the result's key.
// Where all do not reach it, the key is below the least there is.
__device__ Boundary select(const Chunks& row, uint32_t most, bool by_mass, uint64_t target, Bins& bins) {
    uint32_t low = row.least;
    uint64_t above = 0;
    int shift = max(0, 24 - __clz((int)(most - low)));
    uint32_t span = most - low;  // keys from low to low + span are still in question
    while (true) {
        __syncthreads();  // the last digit, or the last call's result, may still be read
        for (int b = threadIdx.x; b < kBins; b += kThreads) bins.measure[b] = 0;
        if (threadIdx.x == 0) bins.chosen = -1;
        __syncthreads();
        for (int chunk = threadIdx.x / 32; chunk < row.count; chunk += kWarps) {
            if (!row.holds(chunk)) continue;
            for (int i = threadIdx.x % 32; i < row.size; i += 32) {
                const uint32_t key = row.key(chunk, i);
                if (key < low || key - low > span) continue;
                atomicAdd((unsigned long long*)&bins.measure[(key - low) >> shift], (unsigned long long)(by_mass ? row.mass(key) : 1));
            }
        }
        __syncthreads();
        // Thread i adds from the top: bin 255 - i.
        const uint64_t own = threadIdx.x < kBins ? bins.measure[kBins - 1 - threadIdx.x] : 0;
        uint64_t whole;
        const uint64_t sum = above + running_sum(own, bins.warps, whole);
        if (threadIdx.x < kBins && sum >= target && sum - own < target) bins.chosen = kBins - 1 - threadIdx.x, bins.above = sum - own;
        __syncthreads();
        if (bins.chosen < 0) return {row.least - 1, above + whole};
        low += (uint32_t)bins.chosen << shift;
        above = bins.above;
        if (shift == 0) return {low, above};
        span = (1u << shift) - 1;
        shift = max(0, shift - 8);
    }
}

// The k-th best of the chunks' best: at least k tokens are as good, so that no worse one is kept.
__device__ uint32_t bound_of(const Chunks& row, int k, int& shared) {
    if (k > row.count) return row.least;
    if (threadIdx.x < row.count) {
        int better = 0;
        for (int i = 0; i < row.count; i++) better += row.best[i] > row.best[threadIdx.x];
        if (better == k - 1) shared = (int)(row.best[threadIdx.x] >> 32);
    }
    __syncthreads();
    return max(row.least, (uint32_t)shared);
}

// The mass of the tokens above the boundary and of the first `ties` on it.
__device__ uint64_t mass_of(const Chunks& row, uint32_t most, uint32_t key, uint64_t ties, Bins& bins) {
    uint64_t equal = 0, on;
    for (int chunk = threadIdx.x / 32; chunk < row.count; chunk += kWarps)
        if (row.holds(chunk))
            for (int i = threadIdx.x % 32; i < row.size; i += 32) equal += row.key(chunk, i) == key;
    running_sum(equal, bins.warps, on);
    // A target out of reach takes all.
    return select(row, most, true, ~0ull, bins).above - (on > ties ? on - ties : 0) * row.mass(key);
}

// Draws among the tokens above the boundary and the first `ties` on it, those lighter than min_p left out, in order of id.
__device__ int draw(const Chunks& row, uint32_t key, uint64_t ties, float min_p, double uniform, uint64_t* masses, int* tied, uint64_t (&warps)[kWarps], int (&choice)[4]) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const uint64_t tie_mass = row.weight(key) >= min_p ? row.mass(key) : 0;
    for (int chunk = warp; chunk < row.count; chunk += kWarps) {
        uint64_t sum = 0;
        int equal = 0;
        if (row.holds(chunk))
            for (int i = lane; i < row.size; i += 32) {
                const uint32_t k = row.key(chunk, i);
                if (k > key && row.weight(k) >= min_p) sum += row.mass(k);
                equal += k == key;
            }
        for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o), equal += __shfl_xor_sync(~0u, equal, o);
        if (lane == 0) masses[chunk] = sum, tied[chunk] = equal;
    }
    __syncthreads();
    const bool mine = threadIdx.x < row.count;
    const uint64_t equal = mine ? tied[threadIdx.x] : 0;
    uint64_t whole;
    const uint64_t ties_before = running_sum(equal, warps, whole) - equal;
    const uint64_t taken = ties_before >= ties ? 0 : min(ties - ties_before, equal);
    const uint64_t own = mine ? masses[threadIdx.x] + taken * tie_mass : 0;
    const uint64_t sum = running_sum(own, warps, whole);
    const uint64_t target = min((uint64_t)(uniform * (double)whole), whole - 1);
    if (own && sum > target && sum - own <= target) choice[0] = threadIdx.x, choice[1] = (int)taken, masses[threadIdx.x] = target - (sum - own);
    __syncthreads();
    if (warp == 0) {
        const int chunk = choice[0];
        uint64_t before = 0, rest = masses[chunk];
        int left = choice[1];
        for (int i = lane; i - lane < row.size; i += 32) {
            const uint32_t k = row.key(chunk, i);
            const unsigned on = __ballot_sync(~0u, k == key);
            uint64_t value = 0;
            if (k > key && row.weight(k) >= min_p) value = row.mass(k);
            if (k == key && __popc(on & ((1u << lane) - 1)) < left) value = tie_mass;
            left = max(0, left - __popc(on));
            uint64_t end = value;
            for (int o = 1; o < 32; o <<= 1) {
                const uint64_t other = __shfl_up_sync(~0u, end, o);
                if (lane >= o) end += other;
            }
            end += before;
            const unsigned found = __ballot_sync(~0u, end > rest);
            if (found) {
                if (lane == 0) choice[2] = chunk * row.size + (i - lane) + __ffs(found) - 1;
                break;
            }
            before = __shfl_sync(~0u, end, 31);
        }
    }
    __syncthreads();
    return choice[2];
}

// tokens[r] is -1 where the best logit is not finite.
extern "C" __global__ void __launch_bounds__(kThreads, 1)
choose_tokens(const float* logits, int stride, int ids, int chunk_size, int chunks, const Row* rows, const uint64_t* best, const float* mass, int* tokens) {
    __shared__ uint64_t bests[kThreads], masses[kThreads], warps[kWarps];
    __shared__ int tied[kThreads], choice[4], bound;
    __shared__ Bins bins;
    launch_dependents();
    wait_for_previous_kernel();
    const int r = blockIdx.x;
    const Row row = rows[r];
    const uint64_t own = threadIdx.x < chunks ? best[(size_t)r * chunks + threadIdx.x] : 0;
    bests[threadIdx.x] = own;
    const uint64_t of_warp = largest_of_warp(own);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = of_warp;
    __syncthreads();
    const uint64_t largest = largest_of_warp(warps[threadIdx.x % kWarps]);
    const uint32_t most = (uint32_t)(largest >> 32);
    const bool finite = most >= kLeastKey && most < kInfinityKey;
    if (!finite || row.temperature == 0 || row.top_k == 1) {
        if (threadIdx.x == 0) tokens[r] = finite ? ~(int)(uint32_t)largest : -1;
        return;
    }
    Chunks held{logits + (size_t)r * stride, bests, ids, chunk_size, chunks, kLeastKey, logit_of(most), row.temperature};
    Boundary boundary{kLeastKey, 0};
    uint64_t ties = ids, total;
    const bool cut = row.top_k > 0 && row.top_k < ids;
    if (cut) {
        held.least = bound_of(held, row.top_k, bound);
        boundary = select(held, most, false, row.top_k, bins);
        ties = boundary.above < row.top_k ? row.top_k - boundary.above : 0;
    }
    if (row.top_p < 1) {
        if (cut) {
            held.least = boundary.key;
            total = mass_of(held, most, boundary.key, ties, bins);
        } else {
            const float share = threadIdx.x < chunks ? mass[(size_t)r * chunks + threadIdx.x] : 0;
            running_sum(share > 0 ? (uint64_t)(share * held.weight((uint32_t)(own >> 32)) * kOne) : 0, warps, total);
            // Lighter tokens cannot matter even all together.
            held.least = held.lightest((float)(total / kOne) * (1 - row.top_p) / ids);
        }
        const uint64_t target = max((uint64_t)(row.top_p * (double)total), (uint64_t)1);
        boundary = select(held, most, true, target, bins);
        const uint64_t each = held.mass(boundary.key);
        ties = each ? (target - boundary.above + each - 1) / each : 0;
    }
    held.least = max(max(held.least, boundary.key), row.min_p > 0 ? held.lightest(row.min_p) : 0);
    const int token = draw(held, boundary.key, ties, row.min_p, row.uniform, masses, tied, warps, choice);
    if (threadIdx.x == 0) tokens[r] = token;
}

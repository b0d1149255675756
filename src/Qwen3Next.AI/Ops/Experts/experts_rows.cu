// Feed-forward for up to 8 rows (decoding): three kernels that stream the weights of the visited networks once.
//     u = norm(x);  f_e(u) = W_down (silu(W_gate u) * (W_up u));  x += sum of w_e f_e(u) over the chosen e in order of id + w_shared f_shared(u)
// Specification: Experts.Cpu.cs. How weights come and are multiplied: weight_stream.cuh; a row's result does not depend on its company.
// Numbers: u and silu(gate) * up are rounded to f16 (2^-11 relative), the latter times 2^-4, which reaches 1e6 and resolves 1e-6; beside bf16 weights
// then to bf16 (2^-8). Products and sums are f32; the router reads u unrounded.
//
// Chain: the last block of router_rows selects the experts. experts_up lets its successor start only when router_rows has ended: experts_down may read
// what was selected, and fetch its weights, before it waits.
//
// Predictions for one H200 (4,275 GB/s, 132 multiprocessors), 80B shape (E 512, K 10, D 2048, I 512), FP8, 1 row:
//   kernel        grid               block  shared                                bytes    time
//   router_rows   ceil((E + 1) / 4)    128  0                                    2.1 MB    0.5 us + start
//   experts_up    1 per processor      512  96 KB, sums and rows                23.1 MB    5.4 us + selection 1 us
//   experts_down  D / 16               512  96 KB, 64 B for row and unit        11.5 MB    2.7 us, of which 2.2 us can pass during experts_up
#include "routing.cuh"
#include "weight_stream.cuh"

#ifndef ROUTED
#define ROUTED bf16
#endif
#ifndef STAGES
#define STAGES 3
#endif
#ifndef SHARED
#define SHARED ROUTED
#endif

// silu(gate) * up is stored times this.
constexpr float kHiddenScale = 1.0f / 16;

// What the selection comes to. Items are the experts that some row chose, the first row's first.
struct Routing {
    int items;
    int experts[kRows * kActive];                    // by item
    float weights[kRows * kActive];                  // by row and order of id
    signed char slots[kRows * kActive][kRows];       // by item and row: the place of the item's expert in the row's order, or -1
};

// A block's copy of what router_rows found; all threads take part, the caller synchronises.
__device__ __forceinline__ void load_routing(Routing& r, const Routing* from) {
    constexpr int kWords = sizeof(Routing) / 4;
#pragma unroll 1
    for (int i = threadIdx.x; i < kWords; i += kStreamThreads) ((int*)&r)[i] = __ldcg((const int*)from + i);
}

// One block fills `result` from the logits of all rows.
__device__ __forceinline__ void route(const float* logits, int rows, Routing* result) {
    __shared__ int chosen[kRows * kActive], first[kRows * kActive];     // by row and order of id
    __shared__ Candidate candidates[kRows][32];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, choices = rows * ACTIVE;
#pragma unroll 1
    for (int row = warp; row < rows; row += blockDim.x / 32) {
        const Candidate choice = choose(logits + row * kLogits, lane, candidates[row]);
        const float weight = weight_of(logits + row * kLogits, choice, lane);
        if (lane < ACTIVE) chosen[row * ACTIVE + lane] = choice.expert, result->weights[row * ACTIVE + lane] = weight;
    }
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < choices; i += blockDim.x) {
        int earlier = 0;
#pragma unroll 1
        for (int j = 0; j < i / kActive * ACTIVE; j++) earlier |= chosen[j] == chosen[i];
        first[i] = !earlier;
    }
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < choices; i += blockDim.x) {
        int item = 0;
#pragma unroll 1
        for (int j = 0; j < i; j++) item += first[j];
        if (i == choices - 1) result->items = item + first[i];
        if (!first[i]) continue;
        result->experts[item] = chosen[i];
#pragma unroll 1
        for (int row = 0; row < kRows; row++) {
            int slot = -1;
#pragma unroll 1
            for (int k = 0; k < ACTIVE && row < rows; k++)
                if (chosen[row * ACTIVE + k] == chosen[i]) slot = k;
            result->slots[item][row] = slot;
        }
    }
}

// ---- logits = W_router u and the shared network's gate, f32; normed = u in f16 where `half`, else bf16; which experts are chosen ----

constexpr int kPanel = 2048;               // columns: 8 pieces of 8 for each lane

// Weights of one output times the norm's, for a panel; zeros where there is none.
__device__ __forceinline__ void router_weights(const bf16* router, const float* norm, const float* shared_gate, int expert, int panel, int width, float (&weights)[8][8]) {
    const bool routed = expert < EXPERTS, gate = expert == EXPERTS && shared_gate != nullptr;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const int c = panel + (i * 32 + threadIdx.x % 32) * 8;
        float factors[8];
#pragma unroll
        for (int j = 0; j < 8; j++) weights[i][j] = 0;
        if (c >= width) continue;
        load_eight(norm + c, factors);
        if (routed) load_values(router + (int64_t)expert * width + c, weights[i]);
        if (gate) load_eight(shared_gate + c, weights[i]);
#pragma unroll
        for (int j = 0; j < 8; j++) weights[i][j] *= factors[j];
    }
}

// A warp computes one logit of all its rows: grid (ceil((EXPERTS + 1) / 4), ceil(rows / 8)). The norm's scale comes last, when it is known. The block
// that ends last chooses the experts where `routing` is given: arrived is 0 before and after. Code is short: that it is read from memory, once a
// layer, takes as long as the sums.
extern "C" __global__ void __launch_bounds__(128)
router_rows(const float* x, const float* norm, float epsilon, const bf16* router, const float* shared_gate, int rows, int width, float* logits,
            int half, bf16* normed, Routing* routing, unsigned* arrived) {
    __shared__ bool last;
    const int lane = threadIdx.x % 32, expert = blockIdx.x * 4 + threadIdx.x / 32;
    const int begin = blockIdx.y * kRows, end = min(begin + kRows, rows);
    float weights[8][8];
    launch_dependents();
    router_weights(router, norm, shared_gate, expert, 0, width, weights);
    wait_for_previous_kernel();
#pragma unroll 1
    for (int row = begin; row < end; row++) {
        const float* const from = x + (int64_t)row * width;
        float dot = 0, square = 0;
#pragma unroll 1
        for (int panel = 0; panel < width; panel += kPanel) {
            if (width > kPanel && (row > begin || panel > 0)) router_weights(router, norm, shared_gate, expert, panel, width, weights);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const int c = panel + (i * 32 + lane) * 8;
                if (c >= width) continue;
                float values[8];
                load_eight(from + c, values);
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    dot = fmaf(weights[i][j], values[j], dot);
                    square = fmaf(values[j], values[j], square);
                }
            }
        }
        const float scale = rsqrtf(warp_sum(square) / width + epsilon);
        dot = warp_sum(dot) * scale;
        if (lane == 0 && (expert < EXPERTS || (expert == EXPERTS && shared_gate))) logits[(int64_t)row * kLogits + expert] = dot;
        // The first threads of the grid's row write u.
#pragma unroll 1
        for (int c = (blockIdx.x * 128 + threadIdx.x) * 8; c < width; c += gridDim.x * 128 * 8) {
            float values[8], factors[8];
            load_eight(from + c, values);
            load_eight(norm + c, factors);
            uint32_t packed[4];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const float low = values[2 * j] * scale * factors[2 * j], high = values[2 * j + 1] * scale * factors[2 * j + 1];
                packed[j] = half ? pack_f16(low, high) : pack_bf16(low, high);
            }
            *(uint4*)(normed + (int64_t)row * width + c) = make_uint4(packed[0], packed[1], packed[2], packed[3]);
        }
    }
    if (EXPERTS == 0 || !routing) return;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicInc(arrived, gridDim.x - 1) == gridDim.x - 1;
    __syncthreads();
    if (!last) return;
    __threadfence();
    route(logits, rows, routing);
}

// ---- hidden = silu(W_gate u) * (W_up u) ----

// Place of a row's hidden values for its k-th expert; k = ACTIVE is the shared network.
__device__ __forceinline__ int64_t hidden_row(int row, int k) { return (int64_t)row * (ACTIVE + 1) + k; }

// Rows 8 unit to 8 unit + 7 of a network's gate, and of its up.
template <class W> __device__ __forceinline__ Group up_group(const Network* network, int eight, int width) {
    const int row_bytes = width * (int)sizeof(W), block = eight * 8 / kScaleBlock * scale_blocks(width);
    const int64_t at = (int64_t)eight * 8 * row_bytes;
    const char *const gate = (const char*)network->gate + at, *const up = (const char*)network->up + at;
    if (sizeof(W) == 2) return {gate, up, nullptr, nullptr, row_bytes, kGroup};
    return {gate, up, network->gate_scales + block, network->up_scales + block, row_bytes, kGroup};
}

// normed: [rows, width] f16. Grid: any number of blocks; groups are eights of hidden values, the shared network's first because its weights can be
// fetched before the wait. Shared: rings, two turns of sums, u.
// Two types take a few registers more.
extern "C" __global__ void __launch_bounds__(kStreamThreads, sizeof(ROUTED) == sizeof(SHARED) ? kStreamBlocks : 1)
experts_up(const Network* networks, const Routing* chosen, const f16* normed, int rows, int width, int expert_width, int shared_width, int hidden_width,
           f16* hidden) {
    extern __shared__ __align__(128) char shared[];
    __shared__ Routing routing;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, shared_groups = shared_width / 8, per_expert = expert_width / 8;
    const int turn_sums = kStreamWarps * rows * kSumStride, stride = activation_stride(width);
    float* const sums = (float*)(shared + kStreamWarps * STAGES * kPlaceBytes);
    char* const inputs = (char*)(sums + 2 * turn_sums);
    // Of a group: its item, and its place within the network.
    const auto is_shared = [&](int group) { return group < shared_groups; };
    const auto item = [&](int group) { return (group - shared_groups) / per_expert; };
    const auto within = [&](int group) { return is_shared(group) ? group : (group - shared_groups) % per_expert; };
    const auto open = [&](int group) {
        if (is_shared(group)) return up_group<SHARED>(networks + EXPERTS, group, width);
        return up_group<ROUTED>(networks + routing.experts[item(group)], within(group), width);
    };

    UnitStream<STAGES, decltype(open)> stream(shared, open, shared_groups);
    int ahead = 0;
#pragma unroll 1
    for (; ahead < STAGES - 1 && stream.more(); ahead++) stream.fetch();
    wait_for_previous_kernel();
    launch_dependents();
#pragma unroll 1
    for (int row = 0; row < rows; row++)
#pragma unroll 1
        for (int c = threadIdx.x * 8; c < (width + 127) / 128 * 128; c += kStreamThreads * 8)
            *(uint4*)(inputs + row * stride + c * 2) = c < width ? *(const uint4*)(normed + (int64_t)row * width + c) : make_uint4(0, 0, 0, 0);
    if (EXPERTS > 0) load_routing(routing, chosen);
    __syncthreads();
    const int groups = shared_groups + (EXPERTS > 0 ? routing.items * per_expert : 0);
    stream.limit = groups;
#pragma unroll 1
    for (; ahead < STAGES - 1; ahead++) stream.fetch();

    for (int group = blockIdx.x, n = 0; group < groups; group += gridDim.x, n++) {
        float sum[4] = {};
        if (is_shared(group)) multiply_group<SHARED>(stream, inputs, rows, width, sum);
        else multiply_group<ROUTED>(stream, inputs, rows, width, sum);
        // Two groups' sums take turns, so that a warp may run ahead by one group; adding them goes round among the warps.
        float* const turn = sums + n % 2 * turn_sums;
        store_sums(turn, rows, sum);
        __syncthreads();
        const int row = (warp + n) % kStreamWarps;
        const int slot = row >= rows ? -1 : is_shared(group) ? ACTIVE : routing.slots[item(group)][row];
        if (slot < 0) continue;
        const float gate = add_sums(turn, rows, row), up = __shfl_xor_sync(~0u, gate, 8);
        if (lane < 8) hidden[hidden_row(row, slot) * hidden_width + within(group) * 8 + lane] = from_float<f16>(gate * sigmoid(gate) * up * kHiddenScale);
    }
}

// ---- x += sum of weight * W_down hidden ----

// 16 rows of a network's down.
template <class W> __device__ __forceinline__ Group down_group(const Network* network, int columns) {
    const int row_bytes = columns * (int)sizeof(W), first = blockIdx.x * kGroup;
    const char* const top = (const char*)network->down + (int64_t)first * row_bytes;
    const float* const scales = sizeof(W) == 2 ? nullptr : network->down_scales + first / kScaleBlock * scale_blocks(columns);
    return {top, top + (int64_t)8 * row_bytes, scales, scales, row_bytes, kGroup};
}

// A block computes 16 columns of x for all rows: grid D / 16. Its warps take the units of all networks in turn, the shared network's first. Results
// wait by row and unit, the shared network's by row and warp, and are added in order of id. Shared: rings, then `results` floats.
extern "C" __global__ void __launch_bounds__(kStreamThreads, kStreamBlocks)
experts_down(const Network* networks, const Routing* chosen, const float* logits, const f16* hidden, int rows, int width, int expert_width, int shared_width,
             int hidden_width, int gated, float* x) {
    extern __shared__ __align__(128) char shared[];
    __shared__ Routing routing;
    float* const results = (float*)(shared + kStreamWarps * STAGES * kPlaceBytes);     // [row][place][16]
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int per_expert = ceiling(expert_width, kUnitColumns<ROUTED>), shared_units = ceiling(shared_width, kUnitColumns<SHARED>);
    const int shared_places = min(shared_units, kStreamWarps), places = ACTIVE * per_expert + shared_places;
    launch_dependents();
    if (EXPERTS > 0) load_routing(routing, chosen);
    __syncthreads();

    const int units = shared_units + (EXPERTS > 0 ? routing.items * per_expert : 0);
    Ring<STAGES> ring(shared);
    int next = warp;
    const auto fetch = [&] {
        if (next < shared_units) ring.fill(down_group<SHARED>(networks + EXPERTS, shared_width), next);
        else if (next < units) ring.fill(down_group<ROUTED>(networks + routing.experts[(next - shared_units) / per_expert], expert_width), (next - shared_units) % per_expert);
        next += kStreamWarps;
        ring.close();
    };
#pragma unroll 1
    for (int i = 0; i < STAGES - 1; i++) fetch();
    wait_for_previous_kernel();

    // A row's values for a unit; none where there is no such row or it did not choose the network.
    const auto load = [&](int unit, uint4 (&h)[4]) {
        const int row = lane / 4;
        if (unit < shared_units) {
            const int column = unit * kUnitColumns<SHARED>;
            const f16* const from = hidden + hidden_row(row, ACTIVE) * hidden_width + column;
            load_activations<SHARED>((const char*)from, row < rows ? shared_width - column : 0, h);
        } else {
            const int item = (unit - shared_units) / max(per_expert, 1), column = (unit - shared_units - item * per_expert) * kUnitColumns<ROUTED>;
            const int slot = row < rows && unit < units ? routing.slots[item][row] : -1;
            const f16* const from = hidden + hidden_row(row, slot) * hidden_width + column;
            load_activations<ROUTED>((const char*)from, slot < 0 ? 0 : expert_width - column, h);
        }
    };
    uint4 h[4];
    load(warp, h);
    float shared_sum[4] = {};
    for (int unit = warp; unit < units; unit += kStreamWarps) {
        ring.wait();
        fetch();
        if (unit < shared_units) {
            multiply_unit<SHARED>(ring.unit(), h, shared_sum);
        } else {
            float sum[4] = {};
            multiply_unit<ROUTED>(ring.unit(), h, sum);
            const int item = (unit - shared_units) / per_expert, within = (unit - shared_units) % per_expert;
#pragma unroll
            for (int j = 0; j < 2; j++) {
                const int row = lane % 4 * 2 + j, slot = row < rows ? routing.slots[item][row] : -1;
                if (slot < 0) continue;
                float* const result = results + (row * places + slot * per_expert + within) * 16 + lane / 4;
                result[0] = sum[j], result[8] = sum[2 + j];
            }
        }
        load(unit + kStreamWarps, h);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int row = lane % 4 * 2 + i % 2;
        if (row < rows && warp < shared_places) results[(row * places + ACTIVE * per_expert + warp) * 16 + lane / 4 + i / 2 * 8] = shared_sum[i];
    }
    __syncthreads();

    // A warp adds one row's: half of the lanes the even places, half the odd ones.
    if (warp >= rows) return;
    const float* const result = results + warp * places * 16 + lane % 16;
    float total = 0;
    for (int k = lane / 16; k < ACTIVE; k += 2) {
        float routed = 0;
        for (int u = 0; u < per_expert; u++) routed += result[(k * per_expert + u) * 16];
        total = fmaf(routing.weights[warp * ACTIVE + k], routed, total);
    }
    float common = 0;
    for (int u = lane / 16; u < shared_places; u += 2) common += result[(ACTIVE * per_expert + u) * 16];
    total = fmaf(gated ? sigmoid(__ldcg(logits + warp * kLogits + EXPERTS)) : 1.0f, common, total);
    total += __shfl_xor_sync(~0u, total, 16);
    if (lane < 16) x[(int64_t)warp * width + blockIdx.x * 16 + lane] += total / kHiddenScale;
}

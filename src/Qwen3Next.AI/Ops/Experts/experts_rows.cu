// Feed-forward for up to 8 rows (decoding): three kernels that stream the weights of the visited networks once.
//     u = norm(x);  f_e(u) = W_down (silu(W_gate u) * (W_up u));  x += sum of w_e f_e(u) over the chosen e in order of id + w_shared f_shared(u)
// Specification: Experts.Cpu.cs. How weights come and are multiplied: weight_stream.cuh; a row's result does not depend on its company.
// Numbers: x * norm and silu(gate) * up are rounded to f16 (2^-11 relative), the former at a scale of its row, the latter times 2^-4, which reaches
// 1e6 and resolves 1e-6; beside bf16 weights then to bf16 (2^-8). Products and sums are f32; the router reads u unrounded.
//
// Every block chooses the experts for itself, from the logits: that costs less than to pass a choice through memory. experts_up lets its successor
// start only when router_rows has ended: experts_down may read logits, choose, and fetch its weights, before it waits.
//
// 80B shape (E 512, K 10, D 2048, I 512), FP8, 1 row; bytes and their time at 4,275 GB/s; measured on one H200 (2026-12-01) in a chain of launches:
//   kernel        grid               block  shared                                       bytes, at least     measured
//   router_rows   ceil((E + 1) / 4)    128  8 KB                                         2.1 MB, 0.5 us       2.3 us
//   experts_up    1 per processor      512  64 KB, sums, rows, places of experts        23.1 MB, 5.4 us      10.3 us
//   experts_down  D / 16               512  64 KB and hidden values, 64 B for row and unit   11.5 MB, 2.7 us  7.4 us
// Of experts_up some 4 us pass before the first weights of a chosen expert have come: logits, choice, addresses, memory, one after the other.
#include "routing.cuh"
#include "weight_stream.cuh"

#ifndef ROUTED
#define ROUTED bf16
#endif
#ifndef SHARED
#define SHARED ROUTED
#endif

// silu(gate) * up is stored times this.
constexpr float kHiddenScale = 1.0f / 16;
constexpr int kChoices = kRows * kActive;

// What the choices of all rows come to. Items are the experts that some row chose, the first row's first.
struct Routing {
    int items, counts[kRows];                        // of items; of those that a row is the first to choose
    uint32_t choosers[EXPERTS / 4 + 1];              // rows that chose an expert: a bit each, a byte for every expert
    uint8_t item_of[EXPERTS + 1];
    __align__(4) signed char slots[kChoices][kRows]; // by item and row: the place of the item's expert in the row's order, or -1
};

// Warp r chooses for row r, all threads take part; `meanwhile` is called when the logits are on their way. weigh(weight) is told the weights of a
// warp's choice, lane by lane; place(item, network), by one lane, where an item's matrices are. candidates: 32 for each row. Ends with a barrier.
template <class Meanwhile, class Weigh, class Place>
__device__ __forceinline__ void route(Routing& r, const float* logits, const Network* networks, int rows, Candidate* candidates, Meanwhile meanwhile,
                                      Weigh weigh, Place place) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const bool chooses = warp < rows && lane < ACTIVE;
    Keys keys;
    if (warp < rows) keys.load(logits + warp * kLogits, lane);
    meanwhile();
    for (int i = threadIdx.x; rows > 1 && i < EXPERTS / 4 + 1; i += kStreamThreads) r.choosers[i] = 0;
    for (int i = threadIdx.x; rows > 1 && i < kChoices * kRows / 4; i += kStreamThreads) ((uint32_t*)r.slots)[i] = 0xffffffffu;
    Candidate choice{0, EXPERTS};
    if (warp < rows) {
        choice = choose(keys, lane, candidates + warp * 32);
        weigh(weight_of(logits + warp * kLogits, choice, lane));
    }
    Network network;
    if (chooses) network = networks[choice.expert];
    if (rows == 1) {        // whose choice is all there is
        if (chooses) place(lane, network), r.slots[lane][0] = (signed char)lane;
        if (threadIdx.x == 0) r.items = ACTIVE;
        __syncthreads();
        return;
    }
    const int expert = choice.expert, shift = expert % 4 * 8;
    __syncthreads();
    if (chooses) atomicOr(&r.choosers[expert / 4], 1u << (shift + warp));
    __syncthreads();
    const bool first = chooses && !(r.choosers[expert / 4] >> shift & ((1u << warp) - 1));
    const unsigned firsts = __ballot_sync(~0u, first);
    if (warp < rows && lane == 0) r.counts[warp] = __popc(firsts);
    __syncthreads();
    if (warp < rows) {
        int before = 0;
        for (int i = 0; i < warp; i++) before += r.counts[i];
        const int item = before + __popc(firsts & ((1u << lane) - 1));
        if (first) r.item_of[expert] = (uint8_t)item, place(item, network);
        if (warp == rows - 1 && lane == 0) r.items = before + r.counts[warp];
    }
    __syncthreads();
    if (chooses) r.slots[r.item_of[expert]][warp] = (signed char)lane;
    __syncthreads();
}

// Quotients of numbers below 2^16 by one divisor below that.
struct Divider {
    uint32_t by, factor;

    __device__ __forceinline__ Divider(int by) : by(max(by, 1)), factor(0xffffffffu / this->by + 1) {}
    __device__ __forceinline__ int quotient(int x) const { return by == 1 ? x : (int)__umulhi((uint32_t)x, factor); }
};

// ---- logits = W_router u and the shared network's gate, f32 ----

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
// reads a row's panel once: more readers of the same few lines would queue for them.
extern "C" __global__ void __launch_bounds__(128)
router_rows(const float* x, const float* norm, float epsilon, const bf16* router, const float* shared_gate, int rows, int width, float* logits) {
    __shared__ float4 shared_x[kPanel / 4];
    const int lane = threadIdx.x % 32, expert = blockIdx.x * 4 + threadIdx.x / 32;
    const int begin = blockIdx.y * kRows, end = min(begin + kRows, rows);
    float weights[8][8];
    launch_dependents();
    router_weights(router, norm, shared_gate, expert, 0, width, weights);
    wait_for_previous_kernel();
    float4 mine[4];
    const auto load = [&](int row, int panel) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int c = panel + (i * 128 + threadIdx.x) * 4;
            mine[i] = c < width && row < end ? *(const float4*)(x + (int64_t)row * width + c) : make_float4(0, 0, 0, 0);
        }
    };
    load(begin, 0);
#pragma unroll 1
    for (int row = begin; row < end; row++) {
        float dot = 0, square = 0;
#pragma unroll 1
        for (int panel = 0; panel < width; panel += kPanel) {
            if (row > begin || panel > 0) __syncthreads();      // the one before is still read
#pragma unroll
            for (int i = 0; i < 4; i++) shared_x[i * 128 + threadIdx.x] = mine[i];
            __syncthreads();
            const bool more = panel + kPanel < width;
            load(more ? row : row + 1, more ? panel + kPanel : 0);
            if (width > kPanel && (row > begin || panel > 0)) router_weights(router, norm, shared_gate, expert, panel, width, weights);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                float values[8];
                load_eight((const float*)(shared_x + (i * 32 + lane) * 2), values);
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
    }
}

// ---- hidden = silu(W_gate u) * (W_up u) ----

// Place of a row's hidden values for its k-th expert; k = ACTIVE is the shared network.
__device__ __forceinline__ int64_t hidden_row(int row, int k) { return (int64_t)row * (ACTIVE + 1) + k; }

struct UpMatrices {
    const void *gate, *up;
    const float *gate_scales, *up_scales;
};

// Rows 8 unit to 8 unit + 7 of a network's gate, and of its up.
template <class W> __device__ __forceinline__ Group up_group(const UpMatrices& of, int eight, int width) {
    const int row_bytes = width * (int)sizeof(W), block = eight * 8 / kScaleBlock * scale_blocks(width);
    const int64_t at = (int64_t)eight * 8 * row_bytes;
    const char *const gate = (const char*)of.gate + at, *const up = (const char*)of.up + at;
    if (sizeof(W) == 2) return {gate, up, nullptr, nullptr, row_bytes, kGroup};
    return {gate, up, of.gate_scales + block, of.up_scales + block, row_bytes, kGroup};
}

// Grid: any number of blocks; groups are eights of hidden values, the shared network's first because its weights can be fetched before the wait.
// Shared: rings, sums, x * norm, matrices of rows * ACTIVE experts.
extern "C" __global__ void __launch_bounds__(kStreamThreads, 1)
experts_up(const Network* networks, const float* logits, const float* x, const float* norm, float epsilon, int rows, int width, int expert_width,
           int shared_width, int hidden_width, f16* hidden) {
    extern __shared__ __align__(128) char shared[];
    __shared__ Routing routing;
    __shared__ UpMatrices common;
    const int shared_groups = shared_width / 8;
    const Divider per_expert(expert_width / 8);
    float* const sums = (float*)(shared + kStreamWarps * kStages * kPlaceBytes);
    const Activations activations((char*)(sums + sum_floats(rows)), width, rows);
    UpMatrices* const matrices = (UpMatrices*)((char*)activations.values + Activations::bytes(width, rows));
    const auto open = [&](int group) {
        if (group < shared_groups) return up_group<SHARED>(common, group, width);
        const int item = per_expert.quotient(group - shared_groups);
        return up_group<ROUTED>(matrices[item], group - shared_groups - item * per_expert.by, width);
    };
    const auto matrices_of = [](const Network& n) { return UpMatrices{n.gate, n.up, n.gate_scales, n.up_scales}; };

    // Every layer has a table of its own, which others have driven out of the L2 cache by now.
    if (threadIdx.x == 0) common = matrices_of(networks[EXPERTS]);
    for (int at = (blockIdx.x + threadIdx.x * gridDim.x) * 128; at < EXPERTS * (int)sizeof(Network); at += kStreamThreads * gridDim.x * 128)
        prefetch_l2((const char*)networks + at);
    if (threadIdx.x * 8 < width) prefetch_l2(norm + threadIdx.x * 8);
    __syncthreads();
    UnitStream<decltype(open)> stream(shared, open, shared_groups);
    int ahead = 0;
#pragma unroll 1
    for (; ahead < kStages && stream.fill(); ahead++) stream.ring.close();
    wait_for_previous_kernel();
    launch_dependents();
    Staging staging(x, nullptr, norm, width, rows);
    if (EXPERTS > 0)
        route(routing, logits, networks, rows, (Candidate*)sums, [&] { staging.load(); }, [](float) {},
              [&](int item, const Network& n) { matrices[item] = matrices_of(n); });
    else staging.load();
    const int groups = shared_groups + (EXPERTS > 0 ? routing.items * per_expert.by : 0);
    stream.limit = groups;
    staging.load_norm();
#pragma unroll 1
    for (; ahead < kStages; ahead++) stream.fetch();
    staging.store(activations);

    for_groups(sums, rows, groups, [&](int group, float (&sum)[4]) {
        if (group < shared_groups) multiply_group<SHARED>(stream, activations, rows, width, sum);
        else multiply_group<ROUTED>(stream, activations, rows, width, sum);
    }, [&](int group, int row, float gate) {
        int slot = ACTIVE, eight = group;
        if (group >= shared_groups) {
            const int item = per_expert.quotient(group - shared_groups);
            slot = routing.slots[item][row], eight = group - shared_groups - item * per_expert.by;
        }
        gate *= inverse_rms(activations, row, width, epsilon);
        const int lane = threadIdx.x % 32;
        const float up = __shfl_xor_sync(~0u, gate, 8);
        if (slot >= 0 && lane < 8) hidden[hidden_row(row, slot) * hidden_width + eight * 8 + lane] = from_float<f16>(gate * sigmoid(gate) * up * kHiddenScale);
    });
}

// ---- x += sum of weight * W_down hidden ----

struct DownMatrix {
    const void* down;
    const float* scales;
};

// 16 rows of a network's down.
template <class W> __device__ __forceinline__ Group down_group(const DownMatrix& of, int columns) {
    const int row_bytes = columns * (int)sizeof(W), first = blockIdx.x * kGroup;
    const char* const top = (const char*)of.down + (int64_t)first * row_bytes;
    const float* const scales = sizeof(W) == 2 ? nullptr : of.scales + first / kScaleBlock * scale_blocks(columns);
    return {top, top + (int64_t)8 * row_bytes, scales, scales, row_bytes, kGroup};
}

// Hidden values lie behind a unit, so many bytes from row to row.
constexpr int kHiddenRow = 272;

// A block computes 16 columns of x for all rows: grid D / 16. Its warps take the units of all networks in turn, the shared network's first. Results
// wait by row and unit, the shared network's by row and warp, and are added in order of id. Shared: rings with hidden values, 16 floats for row and
// place, at least 256 bytes a row, matrices of rows * ACTIVE experts.
extern "C" __global__ void __launch_bounds__(kStreamThreads, 1)
experts_down(const Network* networks, const float* logits, const f16* hidden, int rows, int width, int expert_width, int shared_width, int hidden_width,
             int gated, float* x) {
    extern __shared__ __align__(128) char shared[];
    __shared__ Routing routing;
    __shared__ float weights[kChoices], gates[kRows];
    __shared__ DownMatrix common;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, place_bytes = kPlaceBytes + rows * kHiddenRow - 16;
    const Divider per_expert(ceiling(expert_width, kUnitColumns<ROUTED>));
    const int shared_units = ceiling(shared_width, kUnitColumns<SHARED>), shared_places = min(shared_units, kStreamWarps);
    const int routed_places = ACTIVE * (int)per_expert.by, places = routed_places + shared_places;
    float* const results = (float*)(shared + kStreamWarps * kStages * place_bytes);     // [row][place][16]
    DownMatrix* const matrices = (DownMatrix*)(results + rows * max(places, 4) * 16);
    launch_dependents();

    if (threadIdx.x == 0) common = {networks[EXPERTS].down, networks[EXPERTS].down_scales};
    Ring ring(shared, place_bytes);
    int next = warp, units = shared_units;
    const auto fill = [&](int unit) {
        if (unit < shared_units) ring.fill(down_group<SHARED>(common, shared_width), unit);
        else if (unit < units) {
            const int item = per_expert.quotient(unit - shared_units);
            ring.fill(down_group<ROUTED>(matrices[item], expert_width), unit - shared_units - item * per_expert.by);
        }
    };
    // Row by row what the unit is multiplied with; zeros where a row did not choose the network or the network is not so wide.
    const auto fill_hidden = [&](int unit, int at) {
        if (unit >= units) return;
        const bool of_shared = unit < shared_units;
        const int item = of_shared ? 0 : per_expert.quotient(unit - shared_units);
        const int first = of_shared ? unit * kUnitColumns<SHARED> : (unit - shared_units - item * (int)per_expert.by) * kUnitColumns<ROUTED>;
        const int columns = of_shared ? kUnitColumns<SHARED> : kUnitColumns<ROUTED>, all = of_shared ? shared_width : expert_width;
        for (int i = lane; i < rows * 16; i += 32) {
            const int row = i / 16, column = i % 16 * 8, slot = of_shared ? ACTIVE : routing.slots[item][row];
            const bool there = slot >= 0 && column < columns && first + column < all;
            cp_async<16>(ring.units + at + kPlaceBytes + row * kHiddenRow + column * 2, hidden + hidden_row(row, slot) * hidden_width + first + column, there);
        }
    };
    if (warp < rows && lane == 0) gates[warp] = gated ? sigmoid(__ldcg(logits + warp * kLogits + EXPERTS)) : 1.0f;
    if (EXPERTS > 0) {
        route(routing, logits, networks, rows, (Candidate*)results, [] {},
              [&](float weight) { if (lane < ACTIVE) weights[warp * ACTIVE + lane] = weight; },
              [&](int item, const Network& n) { matrices[item] = {n.down, n.down_scales}; });
        units += routing.items * per_expert.by;
    } else {
        __syncthreads();
    }
#pragma unroll 1
    for (int i = 0; i < kStages; i++, next += kStreamWarps) fill(next), ring.close();
    wait_for_previous_kernel();
#pragma unroll 1
    for (int i = 0; i < kStages; i++) fill_hidden(warp + i * kStreamWarps, i * place_bytes);
    cp_async_commit();
    cp_async_wait<0>();

    float shared_sum[4] = {};
#pragma unroll 1
    for (int unit = warp; unit < units; unit += kStreamWarps) {
        const char* const from = ring.wait();
        const char* const values = from + kPlaceBytes + lane / 4 * kHiddenRow;
        if (unit < shared_units) {
            multiply_unit<SHARED>(from, values, lane / 4 < rows, make_float2(1, 1), shared_sum);
        } else {
            float sum[4] = {};
            multiply_unit<ROUTED>(from, values, lane / 4 < rows, make_float2(1, 1), sum);
            const int item = per_expert.quotient(unit - shared_units), within = unit - shared_units - item * per_expert.by;
#pragma unroll
            for (int j = 0; j < 2; j++) {
                const int row = lane % 4 * 2 + j, slot = row < rows ? routing.slots[item][row] : -1;
                if (slot < 0) continue;
                float* const result = results + (row * places + slot * per_expert.by + within) * 16 + lane / 4;
                const float weight = weights[row * ACTIVE + slot];
                result[0] = weight * sum[j], result[8] = weight * sum[2 + j];
            }
        }
        ring.release();
        fill(next), fill_hidden(next, ring.place), ring.close();
        next += kStreamWarps;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int row = lane % 4 * 2 + i % 2;
        if (row < rows && warp < shared_places) results[(row * places + routed_places + warp) * 16 + lane / 4 + i / 2 * 8] = gates[row] * shared_sum[i];
    }
    __syncthreads();

    // A warp adds one row's: half of the lanes the even places, half the odd ones.
    if (warp >= rows) return;
    const float* const result = results + warp * places * 16 + lane % 16;
    float total = 0;
#pragma unroll 4
    for (int k = lane / 16; k < places; k += 2) total += result[k * 16];
    total += __shfl_xor_sync(~0u, total, 16);
    if (lane < 16) atomicAdd(x + (int64_t)warp * width + blockIdx.x * 16 + lane, total / kHiddenScale);     // the only one for an output
}

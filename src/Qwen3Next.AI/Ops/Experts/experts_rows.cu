// Feed-forward for up to 8 rows (decoding): three kernels that stream the weights of the visited networks once.
//     u = norm(x);  f_e(u) = W_down (silu(W_gate u) * (W_up u));  x += sum of w_e f_e(u) over the chosen e in order of id + w_shared f_shared(u)
// Specification: Experts.Cpu.cs. Weights are operand A of m16n8k16, so that 16 of their rows meet all 8 activation rows for the price of one; column
// n of every product is row n of the step, whoever else is in it, so a row's result does not depend on its company.
// Numbers: u and silu(gate) * up are rounded to bf16 (2^-8 relative), products and sums are f32; the router reads u unrounded.
//
// Chain: the selection of experts is repeated by every block that needs it, which is faster than one block selecting and the others waiting for it.
// experts_up lets its successor start only when router_rows has ended: experts_down may read the logits, and fetch its weights, before it waits.
//
// Predictions for one H200 (4,275 GB/s, 132 multiprocessors), 80B shape (E 512, K 10, D 2048, I 512), FP8, 1 row; not measured:
//   kernel        grid               block  shared                              bytes    time
//   router_rows   ceil((E + 1) / 4)    128  0                                  2.1 MB    0.5 us + start
//   experts_up    2 per processor      256  60 KB                             23.1 MB    5.4 us + selection 1 us
//   experts_down  D / 16               256  100 KB + 64 B for row and part    11.5 MB    2.7 us, of which 2.2 us can pass during experts_up
// Registers and shared memory are such that two blocks of experts_up and one of experts_down fit one multiprocessor.
#include "routing.cuh"

#ifndef ROUTED
#define ROUTED bf16
#endif
#ifndef DOWN_STAGES
#define DOWN_STAGES 6
#endif
#ifndef SHARED
#define SHARED ROUTED
#endif

constexpr int kRows = 8;
constexpr int kUpWarps = 8, kUpStages = 3;
constexpr int kDownWarps = 8, kDownStages = DOWN_STAGES;

// What the selection comes to, in shared memory. Items are the experts that some row chose.
struct Routing {
    int chosen[kRows * kActive];           // by row and order of id
    float weights[kRows * kActive];
    int experts[kRows * kActive];          // by item
    int slots[kRows * kActive][kRows];     // by item and row: the place of the item's expert in the row's order, or -1
    int first[kRows * kActive];            // whether no earlier row chose the same
    int items;
};

// Fills r from the logits of all rows. All threads of the block take part; there are at least as many warps as rows.
__device__ __forceinline__ void route(Routing& r, const float* logits, int rows, bool weights) {
    if (EXPERTS == 0) {
        if (threadIdx.x == 0) r.items = 0;
        __syncthreads();
        return;
    }
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, choices = rows * ACTIVE;
    if (warp < rows) {
        const int expert = choose_experts(logits + warp * kLogits, lane);
        const float weight = weights ? expert_weight(logits + warp * kLogits, expert, lane) : 0.0f;
        if (lane < ACTIVE) {
            r.chosen[warp * ACTIVE + lane] = expert;
            r.weights[warp * ACTIVE + lane] = weight;
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < choices; i += blockDim.x) {
        int first = 1;
        for (int j = 0; j < i / kActive * ACTIVE; j++) first &= r.chosen[j] != r.chosen[i];
        r.first[i] = first;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < choices; i += blockDim.x) {
        int item = 0;
        for (int j = 0; j < i; j++) item += r.first[j];
        if (i == choices - 1) r.items = item + r.first[i];
        if (!r.first[i]) continue;
        r.experts[item] = r.chosen[i];
        for (int row = 0; row < kRows; row++) {
            int slot = -1;
            for (int k = 0; k < ACTIVE && row < rows; k++)
                if (r.chosen[row * ACTIVE + k] == r.chosen[i]) slot = k;
            r.slots[item][row] = slot;
        }
    }
    __syncthreads();
}

// A stage is 128 bytes of each of 16 weight rows, 128 columns of e4m3 or 64 of bf16, which share a scale: four 16-byte chunks of every lane, whose
// rows are `first` of the upper eight and `second` of the lower. It waits in the warp's ring in shared memory; a lane reads what it copied itself.
constexpr int kStageBytes = 2048;
template <class W> constexpr int kStageColumns = 128 / (int)sizeof(W);
template <class W> __device__ __forceinline__ int chunk_column(int half) { return (half * 4 + threadIdx.x % 4) * values_per_load<W>; }

// Columns from `end` on become zeros.
template <class W> __device__ __forceinline__ void copy_stage(char* slot, const W* first, const W* second, int column, int end) {
    char* const to = slot + threadIdx.x % 32 * 16;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const int c = column + chunk_column<W>(half);
        cp_async<16>(to + half * 1024, first + c, c < end);
        cp_async<16>(to + half * 1024 + 512, second + c, c < end);
    }
}

// sum += scales of the halves of the 16 rows * the rows * the activation rows. activations: this lane's row, null where there is none.
template <class W>
__device__ __forceinline__ void multiply_stage(float (&sum)[4], const char* slot, float2 scales, const bf16* activations, int column, int end) {
    const char* const from = slot + threadIdx.x % 32 * 16;
    float parts[2][4] = {};     // two sums, because products that add to one wait for each other
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const uint4 first = *(const uint4*)(from + half * 1024), second = *(const uint4*)(from + half * 1024 + 512);
        const int c = column + chunk_column<W>(half);
#pragma unroll
        for (int i = 0; i < values_per_load<W> / 8; i++) {
            uint32_t a[2][4];
            weight_fragments<sizeof(W), 2>(first, second, i, a);
            const uint4 x = activations && c < end ? *(const uint4*)(activations + c + i * 8) : make_uint4(0, 0, 0, 0);
            const uint32_t low[2] = {x.x, x.y}, high[2] = {x.z, x.w};
            mma_bf16(parts[half], a[0], low);
            mma_bf16(parts[half], a[1], high);
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) sum[i] = fmaf(sizeof(W) == 1 ? i < 2 ? scales.x : scales.y : 1.0f, parts[0][i] + parts[1][i], sum[i]);
}

// A warp's ring of Stages stages and their scales. Every fetch closes one group of copies, an empty one when nothing is left.
template <int Stages> struct Ring {
    char* slots;
    float2* scales;
    int filled = 0, read = 0;

    __device__ __forceinline__ Ring(char* shared, float2 (*scales)[Stages])
        : slots(shared + threadIdx.x / 32 * Stages * kStageBytes), scales(scales[threadIdx.x / 32]) {}

    __device__ __forceinline__ char* fill() const { return slots + filled * kStageBytes; }
    __device__ __forceinline__ void fill_scales(const float* first, const float* second) const {
        if (threadIdx.x % 32 == 0) cp_async<4>(&scales[filled].x, first), cp_async<4>(&scales[filled].y, second);
    }
    __device__ __forceinline__ void close() {
        cp_async_commit();
        filled = filled + 1 == Stages ? 0 : filled + 1;
    }
    // The oldest stage has come, and the slot before it may be filled.
    __device__ __forceinline__ void wait() const {
        cp_async_wait<Stages - 2>();
        __syncwarp();
    }
    __device__ __forceinline__ const char* slot() const { return slots + read * kStageBytes; }
    __device__ __forceinline__ float2 scale() const { return scales[read]; }
    __device__ __forceinline__ void release() { read = read + 1 == Stages ? 0 : read + 1; }
};

// ---- logits = W_router u and the shared network's gate, f32; normed = u in bf16 ----

// A warp computes one logit of all its rows: grid (ceil((EXPERTS + 1) / 4), ceil(rows / 8)). The norm's scale comes last, when it is known.
extern "C" __global__ void __launch_bounds__(128)
router_rows(const float* x, const float* norm, float epsilon, const bf16* router, const float* shared_gate, int rows, int width, float* logits,
            bf16* normed) {
    constexpr int kColumns = 2048;         // of a panel: 8 pieces of 8 for each lane
    const int lane = threadIdx.x % 32, expert = blockIdx.x * 4 + threadIdx.x / 32;
    const bool routed = expert < EXPERTS, gate = expert == EXPERTS && shared_gate != nullptr;
    const int row = blockIdx.y * kRows, count = min(kRows, rows - row);
    float dot[kRows] = {}, square[kRows] = {};
    launch_dependents();
    for (int panel = 0; panel < width; panel += kColumns) {
        float weights[8][8] = {};
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const int c = panel + (i * 32 + lane) * 8;
            if (c >= width) break;
            float factors[8];
            load_eight(norm + c, factors);
            if (routed) load_values(router + (int64_t)expert * width + c, weights[i]);
            if (gate) load_eight(shared_gate + c, weights[i]);
            for (int j = 0; j < 8; j++) weights[i][j] *= factors[j];
        }
        if (panel == 0) wait_for_previous_kernel();
#pragma unroll
        for (int t = 0; t < kRows; t++) {
            if (t >= count) break;
#pragma unroll
            for (int i = 0; i < 8; i++) {
                const int c = panel + (i * 32 + lane) * 8;
                if (c >= width) break;
                float values[8];
                load_eight(x + (int64_t)(row + t) * width + c, values);
                for (int j = 0; j < 8; j++) {
                    dot[t] = fmaf(weights[i][j], values[j], dot[t]);
                    square[t] = fmaf(values[j], values[j], square[t]);
                }
            }
        }
    }
#pragma unroll
    for (int t = 0; t < kRows; t++) {
        if (t >= count) break;
        const float scale = rsqrtf(warp_sum(square[t]) / width + epsilon);
        const float logit = warp_sum(dot[t]) * scale;
        if (lane == 0 && (routed || gate)) logits[(int64_t)(row + t) * kLogits + expert] = logit;
        square[t] = scale;
    }
    // The first threads of the grid's row write u.
    for (int c = (blockIdx.x * 128 + threadIdx.x) * 8; c < width; c += gridDim.x * 128 * 8) {
#pragma unroll
        for (int t = 0; t < kRows; t++) {
            if (t >= count) break;
            const int64_t at = (int64_t)(row + t) * width + c;
            float values[8], factors[8];
            load_eight(x + at, values);
            load_eight(norm + c, factors);
            uint32_t packed[4];
            for (int j = 0; j < 4; j++)
                packed[j] = pack_bf16(values[2 * j] * square[t] * factors[2 * j], values[2 * j + 1] * square[t] * factors[2 * j + 1]);
            *(uint4*)(normed + at) = make_uint4(packed[0], packed[1], packed[2], packed[3]);
        }
    }
}

// ---- hidden = silu(W_gate u) * (W_up u), bf16 ----

// Place of a row's hidden values for its k-th expert; k = ACTIVE is the shared network.
__device__ __forceinline__ int64_t hidden_row(int row, int k) { return (int64_t)row * (ACTIVE + 1) + k; }

// A warp's part of a network's columns, in stages.
template <class W> __device__ __forceinline__ int up_stage(int width, int warp) { return warp * ceiling(width, kStageColumns<W>) / kUpWarps; }

// Fetches rows unit * 8 + group of gate and of up.
template <class W>
__device__ __forceinline__ void fetch_up(Ring<kUpStages>& ring, const Network* network, int unit, int stage, int width) {
    const int64_t row = unit * 8 + threadIdx.x % 32 / 4;
    const int column = stage * kStageColumns<W>;
    copy_stage((char*)ring.fill(), (const W*)network->gate + row * width, (const W*)network->up + row * width, column, width);
    if (sizeof(W) == 2) return;
    const int64_t block = unit * 8 / kScaleBlock * scale_blocks(width) + column / kScaleBlock;
    ring.fill_scales(network->gate_scales + block, network->up_scales + block);
}

// Grid: any number of blocks; units are eights of hidden values, the shared network's first because its weights can be fetched before the wait.
extern "C" __global__ void __launch_bounds__(256, 3)
experts_up(const Network* networks, const float* logits, const bf16* normed, int rows, int width, int expert_width, int shared_width,
           int hidden_width, bf16* hidden) {
    extern __shared__ __align__(128) char rings[];
    __shared__ Routing routing;
    __shared__ float4 partial[2][kUpWarps][32];
    __shared__ float2 scales[kUpWarps][kUpStages];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, shared_units = shared_width / 8, per_expert = expert_width / 8;
    // Of a unit: whether it is the shared network's, its item, its place within the network, and the stages of a warp.
    const auto shared = [&](int unit) { return unit < shared_units; };
    const auto item = [&](int unit) { return (unit - shared_units) / per_expert; };
    const auto within = [&](int unit) { return shared(unit) ? unit : (unit - shared_units) % per_expert; };
    const auto stage_of = [&](int unit, int warp) { return shared(unit) ? up_stage<SHARED>(width, warp) : up_stage<ROUTED>(width, warp); };

    Ring<kUpStages> ring(rings, scales);
    int next = blockIdx.x, next_stage = stage_of(next, warp), units = shared_units, ahead = 0;
    const auto more = [&] {
        for (; next < units && next_stage == stage_of(next, warp + 1); next_stage = stage_of(next, warp)) next += gridDim.x;
        return next < units;
    };
    const auto fetch = [&] {
        if (more()) {
            if (shared(next)) fetch_up<SHARED>(ring, networks + EXPERTS, within(next), next_stage, width);
            else fetch_up<ROUTED>(ring, networks + routing.experts[item(next)], within(next), next_stage, width);
            next_stage++;
        }
        ring.close();
    };
    for (; ahead < kUpStages - 1 && more(); ahead++) fetch();
    wait_for_previous_kernel();
    launch_dependents();
    route(routing, logits, rows, false);
    units = shared_units + routing.items * per_expert;
    for (; ahead < kUpStages - 1; ahead++) fetch();

    const bf16* activations = lane / 4 < rows ? normed + (int64_t)(lane / 4) * width : nullptr;
    for (int unit = blockIdx.x, turn = 0; unit < units; unit += gridDim.x, turn ^= 1) {
        float sum[4] = {};
        for (int stage = stage_of(unit, warp); stage < stage_of(unit, warp + 1); stage++) {
            ring.wait();
            fetch();
            if (shared(unit)) multiply_stage<SHARED>(sum, ring.slot(), ring.scale(), activations, stage * kStageColumns<SHARED>, width);
            else multiply_stage<ROUTED>(sum, ring.slot(), ring.scale(), activations, stage * kStageColumns<ROUTED>, width);
            ring.release();
        }
        // Two units' sums take turns, so that a warp may run ahead by one unit.
        partial[turn][warp][lane] = make_float4(sum[0], sum[1], sum[2], sum[3]);
        __syncthreads();
        const int i = threadIdx.x % 8, row = threadIdx.x / 8;
        const int slot = row >= rows ? -1 : shared(unit) ? ACTIVE : routing.slots[item(unit)][row];
        if (slot < 0) continue;
        float gate = 0, up = 0;
#pragma unroll
        for (int w = 0; w < kUpWarps; w++) {
            const float* of = (const float*)&partial[turn][w][i * 4 + row / 2] + row % 2;
            gate += of[0];
            up += of[2];
        }
        hidden[hidden_row(row, slot) * hidden_width + within(unit) * 8 + i] = from_float<bf16>(gate * sigmoid(gate) * up);
    }
}

// ---- x += sum of weight * W_down hidden ----

template <class W>
__device__ __forceinline__ void fetch_down(Ring<kDownStages>& ring, const Network* network, int column, int end, int columns) {
    const int64_t row = blockIdx.x * 16 + threadIdx.x % 32 / 4;
    const W* const first = (const W*)network->down + row * columns;
    copy_stage(ring.fill(), first, first + (int64_t)8 * columns, column, end);
    if (sizeof(W) == 2) return;
    const float* const scale = network->down_scales + (int64_t)(blockIdx.x * 16 / kScaleBlock) * scale_blocks(columns) + column / kScaleBlock;
    ring.fill_scales(scale, scale);
}

// A block computes 16 columns of x for all rows: grid D / 16. Every warp takes parts of `routed_part` or `shared_part` columns of one network; what
// they give is summed in order of id at the end. Shared: rings, then (ACTIVE * routed parts + shared parts) * rows * 16 floats.
extern "C" __global__ void __launch_bounds__(kDownWarps * 32, 3)
experts_down(const Network* networks, const float* logits, const bf16* hidden, int rows, int width, int expert_width, int shared_width,
             int hidden_width, int routed_part, int shared_part, int gated, float* x) {
    extern __shared__ __align__(128) char rings[];
    __shared__ Routing routing;
    __shared__ float2 scales[kDownWarps][kDownStages];
    float* const results = (float*)(rings + kDownWarps * kDownStages * kStageBytes);     // [row][part][16]
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int routed_parts = ceiling(expert_width, routed_part), shared_parts = ceiling(shared_width, shared_part);
    const int row_parts = ACTIVE * routed_parts + shared_parts;
    launch_dependents();
    route(routing, logits, rows, true);

    // Of a part: whether it is the shared network's, its item, its place within the network, and its columns.
    const int parts = shared_parts + routing.items * routed_parts;
    const auto shared = [&](int part) { return part < shared_parts; };
    const auto item = [&](int part) { return (part - shared_parts) / routed_parts; };
    const auto within = [&](int part) { return shared(part) ? part : (part - shared_parts) % routed_parts; };
    const auto begin = [&](int part) { return within(part) * (shared(part) ? shared_part : routed_part); };
    const auto end = [&](int part) {
        return shared(part) ? min(begin(part) + shared_part, shared_width) : min(begin(part) + routed_part, expert_width);
    };
    const auto step = [&](int part) { return shared(part) ? kStageColumns<SHARED> : kStageColumns<ROUTED>; };

    Ring<kDownStages> ring(rings, scales);
    int next = warp, next_column = next < parts ? begin(next) : 0;
    const auto fetch = [&] {
        if (next < parts) {
            if (shared(next)) fetch_down<SHARED>(ring, networks + EXPERTS, next_column, end(next), shared_width);
            else fetch_down<ROUTED>(ring, networks + routing.experts[item(next)], next_column, end(next), expert_width);
            next_column += step(next);
            if (next_column >= end(next) && (next += kDownWarps) < parts) next_column = begin(next);
        }
        ring.close();
    };
    for (int i = 0; i < kDownStages - 1; i++) fetch();
    wait_for_previous_kernel();

    for (int part = warp; part < parts; part += kDownWarps) {
        const int row = lane / 4, slot = row >= rows ? -1 : shared(part) ? ACTIVE : routing.slots[item(part)][row];
        const bf16* const activations = slot >= 0 ? hidden + hidden_row(row, slot) * hidden_width : nullptr;
        float sum[4] = {};
        for (int column = begin(part); column < end(part); column += step(part)) {
            ring.wait();
            fetch();
            if (shared(part)) multiply_stage<SHARED>(sum, ring.slot(), ring.scale(), activations, column, end(part));
            else multiply_stage<ROUTED>(sum, ring.slot(), ring.scale(), activations, column, end(part));
            ring.release();
        }
#pragma unroll
        for (int j = 0; j < 2; j++) {
            const int target = lane % 4 * 2 + j;
            const int place = target >= rows ? -1 : shared(part) ? ACTIVE : routing.slots[item(part)][target];
            if (place < 0) continue;
            float* const result = results + (target * row_parts + place * routed_parts + within(part)) * 16;
            result[lane / 4] = sum[j];
            result[lane / 4 + 8] = sum[2 + j];
        }
    }
    __syncthreads();

    for (int i = threadIdx.x; i < rows * 16; i += kDownWarps * 32) {
        const int row = i / 16;
        const float* result = results + row * row_parts * 16 + i % 16;
        float total = 0;
        for (int k = 0; k < ACTIVE; k++) {
            float routed = 0;
            for (int p = 0; p < routed_parts; p++) routed += result[(k * routed_parts + p) * 16];
            total = fmaf(routing.weights[row * ACTIVE + k], routed, total);
        }
        float shared = 0;
        for (int p = 0; p < shared_parts; p++) shared += result[(ACTIVE * routed_parts + p) * 16];
        total = fmaf(gated ? sigmoid(__ldcg(logits + row * kLogits + EXPERTS)) : 1.0f, shared, total);
        x[(int64_t)row * width + blockIdx.x * 16 + i % 16] += total;
    }
}

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
//   kernel        grid              block  shared                   bytes     time
//   router_rows   ceil((E + 1) / 4)   128  0                        2.1 MB    0.5 us + start
//   experts_up    2 per processor     256  10 KB                   23.1 MB    5.4 us + selection 1 us
//   experts_down  D / 16              384  64 B per row and part   11.5 MB    2.7 us
#include "routing.cuh"

#ifndef ROUTED
#define ROUTED bf16
#endif
#ifndef SHARED
#define SHARED ROUTED
#endif

constexpr int kRows = 8;
constexpr int kUpWarps = 8;
constexpr int kDownWarps = 12;

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

// 16-byte pieces of a lane in 8 + 8 weight rows of a block of 128 columns, and the columns where they start.
template <class W> constexpr int kPieces = 128 / (4 * values_per_load<W>);
template <class W> __device__ __forceinline__ int piece_column(int piece) {
    return (piece * 4 + threadIdx.x % 4) * values_per_load<W>;
}

// first and second: this lane's rows of the two halves. Columns beyond the matrix give zeros.
template <class W> __device__ __forceinline__ void load_weights(uint4* pieces, const W* first, const W* second, int column, int columns) {
#pragma unroll
    for (int j = 0; j < kPieces<W>; j++) {
        const int c = column + piece_column<W>(j);
        pieces[2 * j] = c < columns ? load_once((const uint4*)(first + c)) : make_uint4(0, 0, 0, 0);
        pieces[2 * j + 1] = c < columns ? load_once((const uint4*)(second + c)) : make_uint4(0, 0, 0, 0);
    }
}

// sum += 16 weight rows times the activation rows over 128 columns. activations: this lane's row, null where there is none.
template <class W>
__device__ __forceinline__ void multiply_block(float (&sum)[4], const uint4* pieces, const bf16* activations, int column, int columns) {
#pragma unroll
    for (int j = 0; j < kPieces<W>; j++) {
        const int c = column + piece_column<W>(j);
#pragma unroll
        for (int half = 0; half < values_per_load<W> / 8; half++) {
            uint32_t a[2][4];
            weight_fragments<sizeof(W), 2>(pieces[2 * j], pieces[2 * j + 1], half, a);
            const uint4 x = activations && c < columns ? *(const uint4*)(activations + c + half * 8) : make_uint4(0, 0, 0, 0);
            const uint32_t first[2] = {x.x, x.y}, second[2] = {x.z, x.w};
            mma_bf16(sum, a[0], first);
            mma_bf16(sum, a[1], second);
        }
    }
}

// As multiply_block for several blocks, with their scales for the first and the second half.
template <class W, int Blocks>
__device__ __forceinline__ void multiply_blocks(float (&sum)[4], const uint4* pieces, const float (*scales)[2], const bf16* activations,
                                                int column, int columns) {
#pragma unroll
    for (int b = 0; b < Blocks; b++) {
        float block[4] = {};
        multiply_block<W>(block, pieces + b * 2 * kPieces<W>, activations, column + b * 128, columns);
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] = fmaf(sizeof(W) == 1 ? scales[b][i / 2] : 1.0f, block[i], sum[i]);
    }
}

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

// The weights a lane has in flight: 8 pieces, which are 2 blocks of 128 columns of e4m3 or 1 of bf16.
struct Flight {
    uint4 pieces[8];
    float scales[2][2];
};
template <class W> constexpr int kBlocks = 8 / (2 * kPieces<W>);
template <class W> constexpr int kPanel = kUpWarps * kBlocks<W> * 128;
template <class W> __device__ __forceinline__ int up_column(int panel) { return panel * kPanel<W> + threadIdx.x / 32 * kBlocks<W> * 128; }

// Rows unit * 8 + group of gate and of up.
template <class W> __device__ __forceinline__ void fetch_up(Flight& f, const Network* network, int unit, int panel, int width) {
    const int64_t row = unit * 8 + threadIdx.x % 32 / 4;
    const int column = up_column<W>(panel);
    const W *gate = (const W*)network->gate + row * width, *up = (const W*)network->up + row * width;
#pragma unroll
    for (int b = 0; b < kBlocks<W>; b++) {
        load_weights<W>(f.pieces + b * 2 * kPieces<W>, gate, up, column + b * 128, width);
        if (sizeof(W) == 2 || column + b * 128 >= width) continue;
        const int64_t at = row / 128 * scale_blocks(width) + column / 128 + b;
        f.scales[b][0] = network->gate_scales[at];
        f.scales[b][1] = network->up_scales[at];
    }
}

template <class W> __device__ __forceinline__ void multiply_up(float (&sum)[4], const Flight& f, const bf16* activations, int panel, int width) {
    multiply_blocks<W, kBlocks<W>>(sum, f.pieces, f.scales, activations, up_column<W>(panel), width);
}

// Grid: any number of blocks; units are eights of hidden values, the shared network's first because its weights can be fetched before the wait.
extern "C" __global__ void __launch_bounds__(256, 2)
experts_up(const Network* networks, const float* logits, const bf16* normed, int rows, int width, int expert_width, int shared_width,
           int hidden_width, bf16* hidden) {
    __shared__ Routing routing;
    __shared__ float4 partial[2][kUpWarps][32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, shared_units = shared_width / 8, per_expert = expert_width / 8;
    Flight flight = {};
    // Of a unit: whether it is the shared network's, its item, its place within the network, and the panels it takes.
    const auto shared = [&](int unit) { return unit < shared_units; };
    const auto item = [&](int unit) { return (unit - shared_units) / per_expert; };
    const auto within = [&](int unit) { return shared(unit) ? unit : (unit - shared_units) % per_expert; };
    const auto panels = [&](int unit) { return ceiling(width, shared(unit) ? kPanel<SHARED> : kPanel<ROUTED>); };
    const auto fetch = [&](int unit, int panel) {
        if (shared(unit)) fetch_up<SHARED>(flight, networks + EXPERTS, within(unit), panel, width);
        else fetch_up<ROUTED>(flight, networks + routing.experts[item(unit)], within(unit), panel, width);
    };

    int unit = blockIdx.x;
    const bool early = shared(unit);
    if (early) fetch(unit, 0);
    wait_for_previous_kernel();
    launch_dependents();
    route(routing, logits, rows, false);
    const int units = shared_units + routing.items * per_expert;
    if (!early && unit < units) fetch(unit, 0);

    const bf16* activations = lane / 4 < rows ? normed + (int64_t)(lane / 4) * width : nullptr;
    float sum[4] = {};
    for (int panel = 0, turn = 0; unit < units;) {
        if (shared(unit)) multiply_up<SHARED>(sum, flight, activations, panel, width);
        else multiply_up<ROUTED>(sum, flight, activations, panel, width);
        const bool complete = panel + 1 == panels(unit);
        const int next = complete ? unit + gridDim.x : unit;
        panel = complete ? 0 : panel + 1;
        if (next < units) fetch(next, panel);      // on their way while this unit is summed
        if (!complete) continue;

        partial[turn][warp][lane] = make_float4(sum[0], sum[1], sum[2], sum[3]);
        __syncthreads();
        const int i = threadIdx.x % 8, row = threadIdx.x / 8;
        const int slot = row >= rows ? -1 : shared(unit) ? ACTIVE : routing.slots[item(unit)][row];
        if (slot >= 0) {
            float gate = 0, up = 0;
#pragma unroll
            for (int w = 0; w < kUpWarps; w++) {
                const float* of = (const float*)&partial[turn][w][i * 4 + row / 2] + row % 2;
                gate += of[0];
                up += of[2];
            }
            hidden[hidden_row(row, slot) * hidden_width + within(unit) * 8 + i] = from_float<bf16>(gate * sigmoid(gate) * up);
        }
        turn = 1 - turn;
        unit = next;
#pragma unroll
        for (int j = 0; j < 4; j++) sum[j] = 0;
    }
}

// ---- x += sum of weight * W_down hidden ----

// The columns whose weights a lane has in flight: 16 pieces.
template <class W> constexpr int kDownBlocks = 16 / (2 * kPieces<W>);
template <class W> constexpr int kDownColumns = kDownBlocks<W> * 128;

struct DownFlight {
    uint4 pieces[16];
    float scales[4][2];
};

template <class W> __device__ __forceinline__ void fetch_down(DownFlight& f, const Network* network, int column, int end, int columns) {
    const int64_t row = blockIdx.x * 16 + threadIdx.x % 32 / 4;
    const W* first = (const W*)network->down + row * columns;
#pragma unroll
    for (int b = 0; b < kDownBlocks<W>; b++) {
        load_weights<W>(f.pieces + b * 2 * kPieces<W>, first, first + (int64_t)8 * columns, column + b * 128, end);
        if (sizeof(W) == 2 || column + b * 128 >= end) continue;
        f.scales[b][0] = f.scales[b][1] = network->down_scales[row / 128 * scale_blocks(columns) + column / 128 + b];
    }
}

// A block computes 16 columns of x for all rows: grid D / 16. Every warp takes parts of `routed_part` or `shared_part` columns of one network; what
// they give is summed in order of id at the end. Shared: (ACTIVE * routed parts + shared parts) * rows * 16 floats.
extern "C" __global__ void __launch_bounds__(kDownWarps * 32, 1)
experts_down(const Network* networks, const float* logits, const bf16* hidden, int rows, int width, int expert_width, int shared_width,
             int hidden_width, int routed_part, int shared_part, int gated, float* x) {
    extern __shared__ float results[];             // [row][part][16]
    __shared__ Routing routing;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int routed_parts = ceiling(expert_width, routed_part), shared_parts = ceiling(shared_width, shared_part);
    const int row_parts = ACTIVE * routed_parts + shared_parts;
    launch_dependents();
    route(routing, logits, rows, true);

    const int parts = shared_parts + routing.items * routed_parts;
    DownFlight flight = {};
    int column = 0, end = 0;
    const auto begin = [&](int part) {
        const bool shared = part < shared_parts;
        column = shared ? part * shared_part : (part - shared_parts) % routed_parts * routed_part;
        end = min(column + (shared ? shared_part : routed_part), shared ? shared_width : expert_width);
    };
    const auto fetch = [&](int part) {
        if (part < shared_parts) fetch_down<SHARED>(flight, networks + EXPERTS, column, end, shared_width);
        else fetch_down<ROUTED>(flight, networks + routing.experts[(part - shared_parts) / routed_parts], column, end, expert_width);
    };

    int part = warp;
    if (part < parts) begin(part), fetch(part);
    wait_for_previous_kernel();
    float sum[4] = {};
    while (part < parts) {
        const bool shared = part < shared_parts;
        const int row = lane / 4, item = shared ? 0 : (part - shared_parts) / routed_parts;
        const int slot = row >= rows ? -1 : shared ? ACTIVE : routing.slots[item][row];
        const bf16* activations = slot >= 0 ? hidden + hidden_row(row, slot) * hidden_width : nullptr;
        if (shared) multiply_blocks<SHARED, kDownBlocks<SHARED>>(sum, flight.pieces, flight.scales, activations, column, end);
        else multiply_blocks<ROUTED, kDownBlocks<ROUTED>>(sum, flight.pieces, flight.scales, activations, column, end);

        const int done = part;
        column += shared ? kDownColumns<SHARED> : kDownColumns<ROUTED>;
        const bool complete = column >= end;
        if (complete) part += kDownWarps;
        if (part < parts) {
            if (complete) begin(part);
            fetch(part);
        }
        if (!complete) continue;
#pragma unroll
        for (int j = 0; j < 2; j++) {
            const int target = lane % 4 * 2 + j;
            const int place = target >= rows ? -1 : shared ? ACTIVE : routing.slots[item][target];
            if (place < 0) continue;
            const int at = shared ? ACTIVE * routed_parts + done : place * routed_parts + (done - shared_parts) % routed_parts;
            float* const result = results + (target * row_parts + at) * 16;
            result[lane / 4] = sum[j];
            result[lane / 4 + 8] = sum[2 + j];
        }
#pragma unroll
        for (int j = 0; j < 4; j++) sum[j] = 0;
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

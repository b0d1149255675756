// Feed-forward for more than 8 rows: rows are grouped by the experts they visit, and tiles of up to TOKENS of them meet an expert's weights on
// tensor cores. Nothing returns to the host: grids are upper bounds, and blocks without work end at once.
//     u = norm(x);  f_e(u) = W_down (silu(W_gate u) * (W_up u));  x += sum of w_e f_e(u) over the chosen e in order of id + w_shared f_shared(u)
// Specification: Experts.Cpu.cs. A (row, k) pair, k-th expert of the row in order of id or k = ACTIVE for the shared network, has place
// row * (ACTIVE + 1) + k in `hidden` and `outputs`; `order` has a list of places for every expert and the shared network, with room for all rows.
// Numbers: u, silu(gate) * up and the networks' outputs are rounded to bf16 (2^-8 relative each), the former two to f16 (2^-11) beside FP8 weights;
// sums are f32. For the router u is bf16 plus a bf16 remainder (2^-16 relative), because a choice among 512 nearly equal logits must not hang on rounding.
//
// Kernels in order: norm_rows, router_tiles (above 64 rows; up to there router_rows, before), choose_rows, up_tiles, down_tiles, combine_rows.
// Of all together 3.8 ms at T = 8,192 on one H200 (2026-12-01), 155 TFLOP/s: tiles of 128 are two thirds full there. Predictions, kernel by kernel
// (4,275 GB/s; 450 TFLOP/s by mma.sync), 80B shape, FP8, T rows:
//   kernel        grid                          block      T = 32: bytes, time      T = 8,192: work, time
//   choose_rows   ceil(T / 8)                   256        5 us                     17 MB, 10 us
//   up_tiles      I / 64, tiles                 128, 256   510 MB, 120 us           344 GFLOP + 34, 0.84 ms
//   down_tiles    D / 128, tiles                128, 256   255 MB, 60 us            172 GFLOP + 17, 0.42 ms
//   combine_rows  T                             256        1 us                     500 MB, 0.12 ms
#include "routing.cuh"

#ifndef ROUTED
#define ROUTED bf16
#endif
#ifndef SHARED
#define SHARED ROUTED
#endif

constexpr int kPlaces = ACTIVE + 1;
constexpr int kChooseThreads = 256;    // of a block of choose_rows, whose warps take a row each

// Inputs of networks of that type are f16. What lies between up and down is then stored divided by 16: silu(gate) * up may exceed 65,504, and
// loses nothing that counts below 10^-6.
template <class W> constexpr bool kHalf = sizeof(W) == 1;
template <class W> constexpr float kHiddenScale = kHalf<W> ? 16.0f : 1.0f;
template <class W> __device__ __forceinline__ uint16_t hidden_bits(float x) {
    return kHalf<W> ? from_float<f16>(x * (1 / kHiddenScale<W>)).bits : from_float<bf16>(x).bits;
}

// Up to TOKENS entries of `order` for one network.
struct Tile {
    int network, first, count;
};

// ---- u = norm(x) as bf16 and its remainder and, beside networks of FP8, as f16; the shared network's gate logit. Grid: rows ----

extern "C" __global__ void __launch_bounds__(256)
norm_rows(const float* x, const float* norm, float epsilon, const float* shared_gate, int width, bf16* normed, bf16* remainder, f16* halves, float* logits) {
    __shared__ float sums[2][8];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    launch_dependents();
    wait_for_previous_kernel();
    x += (int64_t)blockIdx.x * width;
    float square = 0, dot = 0;
    for (int c = threadIdx.x * 8; c < width; c += 256 * 8) {
        float values[8], factors[8], gates[8] = {};
        load_eight(x + c, values);
        load_eight(norm + c, factors);
        if (shared_gate) load_eight(shared_gate + c, gates);
#pragma unroll
        for (int i = 0; i < 8; i++) square = fmaf(values[i], values[i], square), dot = fmaf(values[i] * factors[i], gates[i], dot);
    }
    square = warp_sum(square), dot = warp_sum(dot);
    if (lane == 0) sums[0][warp] = square, sums[1][warp] = dot;
    __syncthreads();
    square = dot = 0;
    for (int i = 0; i < 8; i++) square += sums[0][i], dot += sums[1][i];
    const float scale = rsqrtf(square / width + epsilon);
    if (threadIdx.x == 0) logits[(int64_t)blockIdx.x * kLogits + EXPERTS] = dot * scale;
    for (int c = threadIdx.x * 8; c < width; c += 256 * 8) {
        float values[8], factors[8];
        load_eight(x + c, values);
        load_eight(norm + c, factors);
        uint32_t high[4], low[4], half[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float u = values[2 * i] * scale * factors[2 * i], v = values[2 * i + 1] * scale * factors[2 * i + 1];
            high[i] = pack_bf16(u, v);
            const float2 rounded = unpack_bf16(high[i]);
            low[i] = pack_bf16(u - rounded.x, v - rounded.y);
            half[i] = pack_f16(u, v);
        }
        *(uint4*)(normed + (int64_t)blockIdx.x * width + c) = make_uint4(high[0], high[1], high[2], high[3]);
        *(uint4*)(remainder + (int64_t)blockIdx.x * width + c) = make_uint4(low[0], low[1], low[2], low[3]);
        if (kHalf<ROUTED> || kHalf<SHARED>) *(uint4*)(halves + (int64_t)blockIdx.x * width + c) = make_uint4(half[0], half[1], half[2], half[3]);
    }
}

// ---- logits = W_router u. Grid (ceil(EXPERTS / 64), ceil(rows / 64)) ----

typedef Gemm<64, 64, 32, 32, 2, 2> RouterGemm;

__device__ __forceinline__ const char* row_of(const void* matrix, int64_t row, int bytes) { return (const char*)matrix + row * bytes; }

extern "C" __global__ void __launch_bounds__(RouterGemm::kThreads)
router_tiles(const bf16* normed, const bf16* remainder, const bf16* router, int rows, int width, float* logits) {
    extern __shared__ __align__(128) char shared[];
    launch_dependents();
    const int expert = blockIdx.x * RouterGemm::Features, row = blockIdx.y * RouterGemm::Tokens;
    const auto weights = [&](int f) { return expert + f < EXPERTS ? row_of(router, expert + f, width * 2) : nullptr; };
    const auto none = [](int) { return (const float*)nullptr; };
    RouterGemm high, low;
    high.run(weights, [&](int t) { return row + t < rows ? row_of(normed, row + t, width * 2) : nullptr; }, none, none, 0, width, shared);
    low.run(weights, [&](int t) { return row + t < rows ? row_of(remainder, row + t, width * 2) : nullptr; }, none, none, 0, width, shared);
#pragma unroll
    for (int m = 0; m < RouterGemm::M; m++)
#pragma unroll
        for (int n = 0; n < RouterGemm::N; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int e = expert + RouterGemm::feature(m, i), t = row + RouterGemm::token(n, i);
                if (e < EXPERTS && t < rows) logits[(int64_t)t * kLogits + e] = high.sums[m][n][i] + low.sums[m][n][i];
            }
}

// ---- Which rows visit which network ----

// Lists the tiles, the shared network's first, then by expert; counts become 0 again.
__device__ __forceinline__ void plan_tiles(int* counts, int rows, bool shared, Tile* tiles, int* tile_count) {
    constexpr int kPerThread = ceiling(EXPERTS, kChooseThreads) > 0 ? ceiling(EXPERTS, kChooseThreads) : 1;
    __shared__ int sums[kChooseThreads / 32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = threadIdx.x * kPerThread;
    int count[kPerThread], mine = 0;
#pragma unroll
    for (int i = 0; i < kPerThread; i++) {
        count[i] = first + i < EXPERTS ? __ldcg(counts + first + i) : 0;
        mine += ceiling(count[i], TOKENS);
    }
#pragma unroll
    for (int i = 0; i < kPerThread; i++)
        if (first + i < EXPERTS) counts[first + i] = 0;
    int next = mine;    // the sum up to this thread
    for (int offset = 1; offset < 32; offset *= 2) {
        const int other = __shfl_up_sync(~0u, next, offset);
        if (lane >= offset) next += other;
    }
    if (lane == 31) sums[warp] = next;
    __syncthreads();
    const int shared_tiles = shared ? ceiling(rows, TOKENS) : 0;
    next += shared_tiles - mine;
    for (int w = 0; w < warp; w++) next += sums[w];
    for (int i = threadIdx.x; i < shared_tiles; i += kChooseThreads) tiles[i] = {EXPERTS, EXPERTS * rows + i * TOKENS, min(TOKENS, rows - i * TOKENS)};
    for (int i = 0; i < kPerThread; i++)
        for (int t = 0; t < count[i]; t += TOKENS) tiles[next++] = {first + i, (first + i) * rows + t, min(TOKENS, count[i] - t)};
    if (threadIdx.x == kChooseThreads - 1) *tile_count = next;
}

// A warp chooses one row's experts and puts the row into their lists; the block that ends last plans the tiles. A list's order is that of arrival,
// which no row's result depends on.
// weights [rows, ACTIVE + 1], the shared network's last; order [EXPERTS + 1, rows]; counts [EXPERTS] and then the blocks that have ended: 0 before
// and after.
extern "C" __global__ void __launch_bounds__(kChooseThreads)
choose_rows(const float* logits, int rows, int gated, int shared, float* weights, int* counts, int* order, Tile* tiles, int* tile_count) {
    __shared__ Candidate candidates[kChooseThreads / 32][32];
    __shared__ bool last;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = blockIdx.x * (kChooseThreads / 32) + warp;
    launch_dependents();
    wait_for_previous_kernel();
    if (row < rows) {
        const float* of = logits + (int64_t)row * kLogits;
        float* to = weights + (int64_t)row * kPlaces;
        if (EXPERTS > 0) {
            Keys keys;
            keys.load(of, lane);
            const Candidate choice = choose(keys, lane, candidates[warp]);
            if (lane < ACTIVE) order[(int64_t)choice.expert * rows + atomicAdd(counts + choice.expert, 1)] = row * kPlaces + lane;
            const float weight = weight_of(of, choice, lane);
            if (lane < ACTIVE) to[lane] = weight;
        }
        if (lane == 0) {
            to[ACTIVE] = gated ? sigmoid(__ldcg(of + EXPERTS)) : 1.0f;
            order[(int64_t)EXPERTS * rows + row] = row * kPlaces + ACTIVE;
        }
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(counts + EXPERTS, 1) == gridDim.x - 1;
    __syncthreads();
    if (!last) return;
    __threadfence();
    plan_tiles(counts, rows, shared, tiles, tile_count);
    if (threadIdx.x == 0) counts[EXPERTS] = 0;
}

// ---- hidden = silu(W_gate u) * (W_up u) for the places of a tile. Grid (ceil(I / 64), most tiles) ----

constexpr int kWarpTokens = TOKENS < 32 ? TOKENS : 32;
constexpr int kWarpFeatures = TOKENS < 128 ? 32 : 64;
template <class W> using TileGemm = Gemm<128, TOKENS, kWarpFeatures, kWarpTokens, (int)sizeof(W), 2>;
constexpr int kThreads = TileGemm<bf16>::kThreads;

// Sixteen rows of gate, then the sixteen of up that they meet, and so on: both are sums of one lane.
template <class W>
__device__ __forceinline__ void up_tile(const Network& network, const Tile& tile, const int* order, const void* inputs, int width, int inner,
                                        int hidden_width, char* shared, uint16_t* hidden) {
    typedef TileGemm<W> G;
    const int unit = blockIdx.x * 64;
    if (unit >= inner) return;
    const auto of = [&](int f) { return unit + f / 32 * 16 + f % 16; };
    const auto gate = [](int f) { return f % 32 < 16; };
    const auto weights = [&](int f) { return of(f) < inner ? row_of(gate(f) ? network.gate : network.up, of(f), width * (int)sizeof(W)) : nullptr; };
    const auto scales = [&](int f) { return (gate(f) ? network.gate_scales : network.up_scales) + of(f) / 128 * scale_blocks(width); };
    const auto row = [&](int t) { return t < tile.count ? row_of(inputs, order[tile.first + t] / kPlaces, width * 2) : nullptr; };
    G g;
    g.run(weights, row, scales, [](int) { return (const float*)nullptr; }, 0, width, shared);
#pragma unroll
    for (int n = 0; n < G::N; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int t = G::token(n, i);
            if (t >= tile.count) continue;
            uint16_t* const to = hidden + (int64_t)order[tile.first + t] * hidden_width;
#pragma unroll
            for (int m = 0; m < G::M; m += 2) {
                const float a = g.sums[m][n][i], b = g.sums[m + 1][n][i];
                if (of(G::feature(m, i)) < inner) to[of(G::feature(m, i))] = hidden_bits<W>(a * sigmoid(a) * b);
            }
        }
}

extern "C" __global__ void __launch_bounds__(kThreads)
up_tiles(const Network* networks, const Tile* tiles, const int* tile_count, const int* order, const bf16* normed, const f16* halves, int width,
         int expert_width, int shared_width, int hidden_width, uint16_t* hidden) {
    extern __shared__ __align__(128) char shared[];
    launch_dependents();
    wait_for_previous_kernel();
    if (blockIdx.y >= *tile_count) return;
    const Tile tile = tiles[blockIdx.y];
    const Network network = networks[tile.network];
    const void* const inputs = (tile.network == EXPERTS ? kHalf<SHARED> : kHalf<ROUTED>) ? (const void*)halves : normed;
    if (tile.network == EXPERTS) up_tile<SHARED>(network, tile, order, inputs, width, shared_width, hidden_width, shared, hidden);
    else up_tile<ROUTED>(network, tile, order, inputs, width, expert_width, hidden_width, shared, hidden);
}

// ---- outputs = W_down hidden for the places of a tile. Grid (ceil(D / 128), most tiles) ----

template <class W>
__device__ __forceinline__ void down_tile(const Network& network, const Tile& tile, const int* order, const uint16_t* hidden, int width, int inner,
                                          int hidden_width, char* shared, bf16* outputs) {
    typedef TileGemm<W> G;
    const int column = blockIdx.x * 128;
    const auto weights = [&](int f) { return column + f < width ? row_of(network.down, column + f, inner * (int)sizeof(W)) : nullptr; };
    const auto scales = [&](int f) { return network.down_scales + (column + f) / 128 * scale_blocks(inner); };
    const auto inputs = [&](int t) { return t < tile.count ? row_of(hidden, order[tile.first + t], hidden_width * 2) : nullptr; };
    G g;
    g.run(weights, inputs, scales, [](int) { return (const float*)nullptr; }, 0, inner, shared);
#pragma unroll
    for (int n = 0; n < G::N; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int t = G::token(n, i);
            if (t >= tile.count) continue;
            bf16* const to = outputs + (int64_t)order[tile.first + t] * width + column;
#pragma unroll
            for (int m = 0; m < G::M; m++)
                if (column + G::feature(m, i) < width) to[G::feature(m, i)] = from_float<bf16>(g.sums[m][n][i] * kHiddenScale<W>);
        }
}

extern "C" __global__ void __launch_bounds__(kThreads)
down_tiles(const Network* networks, const Tile* tiles, const int* tile_count, const int* order, const uint16_t* hidden, int width, int expert_width,
           int shared_width, int hidden_width, bf16* outputs) {
    extern __shared__ __align__(128) char shared[];
    launch_dependents();
    wait_for_previous_kernel();
    if (blockIdx.y >= *tile_count) return;
    const Tile tile = tiles[blockIdx.y];
    const Network network = networks[tile.network];
    if (tile.network == EXPERTS) down_tile<SHARED>(network, tile, order, hidden, width, shared_width, hidden_width, shared, outputs);
    else down_tile<ROUTED>(network, tile, order, hidden, width, expert_width, hidden_width, shared, outputs);
}

// ---- x += sum of weight * output in order of id, then the shared network's. Grid: rows ----

extern "C" __global__ void __launch_bounds__(256)
combine_rows(const bf16* outputs, const float* weights, int shared, int width, float* x) {
    launch_dependents();
    wait_for_previous_kernel();
    const bf16* const of = outputs + (int64_t)blockIdx.x * kPlaces * width;
    const float* const scales = weights + (int64_t)blockIdx.x * kPlaces;
    x += (int64_t)blockIdx.x * width;
    for (int c = threadIdx.x * 8; c < width; c += 256 * 8) {
        float total[8] = {}, values[8];
        for (int k = 0; k < ACTIVE + shared; k++) {
            load_values(of + (int64_t)k * width + c, values);
#pragma unroll
            for (int i = 0; i < 8; i++) total[i] = fmaf(scales[k], values[i], total[i]);
        }
        load_eight(x + c, values);
        *(float4*)(x + c) = make_float4(values[0] + total[0], values[1] + total[1], values[2] + total[2], values[3] + total[3]);
        *(float4*)(x + c + 4) = make_float4(values[4] + total[4], values[5] + total[5], values[6] + total[6], values[7] + total[7]);
    }
}

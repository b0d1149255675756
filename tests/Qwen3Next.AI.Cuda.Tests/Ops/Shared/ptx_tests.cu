// One small kernel for each thing that Ops/Shared/ptx.cuh and dtype.cuh promise.
#include "dtype.cuh"

// d [16, 8] = a [16, K] times b [8, K] transposed, one warp, fragments read as the comments in ptx.cuh say.
template <class Multiply> __device__ __forceinline__ void product(const uint32_t* a, const uint32_t* b, float* d, Multiply multiply) {
    constexpr int kRegisters = 8;   // of a row
    const int group = threadIdx.x / 4, member = threadIdx.x % 4;
    uint32_t left[4], right[2];
    for (int h = 0; h < 2; h++) {
        for (int i = 0; i < 2; i++) left[i + 2 * h] = a[(group + 8 * i) * kRegisters + 4 * h + member];
        right[h] = b[group * kRegisters + 4 * h + member];
    }
    float sums[4] = {1, 1, 1, 1};
    multiply(sums, left, right);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) d[(group + 8 * i) * 8 + 2 * member + j] = sums[2 * i + j];
}

extern "C" __global__ void product_bf16(const uint32_t* a, const uint32_t* b, float* d) {
    product(a, b, d, [](float (&s)[4], const uint32_t (&l)[4], const uint32_t (&r)[2]) { mma_bf16(s, l, r); });
}

extern "C" __global__ void product_f16(const uint32_t* a, const uint32_t* b, float* d) {
    product(a, b, d, [](float (&s)[4], const uint32_t (&l)[4], const uint32_t (&r)[2]) { mma_f16(s, l, r); });
}

extern "C" __global__ void product_tf32(const uint32_t* a, const uint32_t* b, float* d) {
    product(a, b, d, [](float (&s)[4], const uint32_t (&l)[4], const uint32_t (&r)[2]) { mma_tf32(s, l, r); });
}

#if __CUDA_ARCH__ >= 890
extern "C" __global__ void product_e4m3(const uint32_t* a, const uint32_t* b, float* d) {
    product(a, b, d, [](float (&s)[4], const uint32_t (&l)[4], const uint32_t (&r)[2]) { mma_e4m3(s, l, r); });
}
#endif

// The bf16 product again, through shared memory: a row by row; b column by column, or row by row and transposed on the way.
extern "C" __global__ void product_ldmatrix(const uint4* a, const uint4* b, float* d, int transposed) {
    __shared__ uint4 left[16 * 2], right[16];   // [16, 16] bf16; [8, 16] or [16, 8] bf16
    const int lane = threadIdx.x, group = lane / 4, member = lane % 4;
    left[lane] = a[lane];
    if (lane < 16) right[lane] = b[lane];
    __syncwarp();
    uint32_t l[4], r[2];
    ldmatrix(l, &left[lane % 16 * 2 + lane / 16]);
    if (transposed) {
        ldmatrix_trans(r, &right[lane % 16]);
    } else {
        uint32_t one[1], other[1];
        ldmatrix(one, &right[lane % 8 * 2]);
        ldmatrix(other, &right[lane % 8 * 2 + 1]);
        r[0] = one[0], r[1] = other[0];
    }
    float sums[4] = {};
    mma_bf16(sums, l, r);
    for (int i = 0; i < 4; i++) d[(group + i / 2 * 8) * 8 + 2 * member + i % 2] = sums[i];
}

// out: the value as bf16, f16 and e4m3, converted back. One thread a value.
extern "C" __global__ void round_trips(const float* x, float* out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[3 * i] = to_float(from_float<bf16>(x[i]));
    out[3 * i + 1] = to_float(from_float<f16>(x[i]));
    out[3 * i + 2] = to_float(from_float<e4m3>(x[i]));
}

// The values of 16-byte loads: n bytes of each type.
template <class T> __device__ void widen(const uint8_t* bytes, float* out, int n) {
    for (int at = threadIdx.x * 16; at < n; at += blockDim.x * 16) {
        float x[values_per_load<T>];
        load_values(reinterpret_cast<const T*>(bytes + at), x);
        for (int i = 0; i < values_per_load<T>; i++) out[at / sizeof(T) + i] = x[i];
    }
}
extern "C" __global__ void widen_f32(const uint8_t* bytes, float* out, int n) { widen<float>(bytes, out, n); }
extern "C" __global__ void widen_bf16(const uint8_t* bytes, float* out, int n) { widen<bf16>(bytes, out, n); }
extern "C" __global__ void widen_f16(const uint8_t* bytes, float* out, int n) { widen<f16>(bytes, out, n); }
extern "C" __global__ void widen_e4m3(const uint8_t* bytes, float* out, int n) { widen<e4m3>(bytes, out, n); }

// The same by words of four, through pairs of f16.
extern "C" __global__ void widen_e4m3_to_f16(const uint8_t* bytes, float* out, int n) {
    for (int at = threadIdx.x * 4; at < n; at += blockDim.x * 4) {
        uint32_t pairs[2];
        e4m3_to_f16(*(const uint32_t*)(bytes + at), pairs[0], pairs[1]);
        for (int i = 0; i < 4; i++) out[at + i] = half_value((uint16_t)(pairs[i / 2] >> (i % 2 * 16)));
    }
}

// out: 2^x, log2 x, 1 / x, tanh x.
extern "C" __global__ void fast_functions(const float* x, float4* out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = make_float4(exp2_approx(x[i]), log2_approx(x[i]), rcp_approx(x[i]), tanh_approx(x[i]));
}

// Reverses every tile of blockDim.x values; the next tile is under way meanwhile. The last `short_by` values are not there: zeros.
extern "C" __global__ void reverse_cp_async(const float* in, float* out, int tiles, int short_by) {
    extern __shared__ __align__(16) float stages[];
    const int n = blockDim.x, t = threadIdx.x;
    auto fetch = [&](int tile) {
        const int at = tile * n + t;
        if (tile < tiles) cp_async<4>(stages + tile % 2 * n + t, in + at, at < tiles * n - short_by);
        cp_async_commit();
    };
    fetch(0);
    for (int tile = 0; tile < tiles; tile++) {
        fetch(tile + 1);
        cp_async_wait<1>();
        __syncthreads();
        out[tile * n + t] = stages[tile % 2 * n + n - 1 - t];
        __syncthreads();
    }
}

#if __CUDA_ARCH__ >= 900
// The same with bulk copies into a ring of three stages, and the previous kernel waited for.
extern "C" __global__ void reverse_bulk(const float* in, float* out, int tiles) {
    extern __shared__ __align__(128) float ring[];
    __shared__ __align__(8) uint64_t full[3];
    const int n = blockDim.x, t = threadIdx.x;
    auto fetch = [&](int tile) {
        mbarrier_arrive_expect(&full[tile % 3], n * sizeof(float));
        bulk_load(ring + tile % 3 * n, in + tile * n, n * sizeof(float), &full[tile % 3]);
    };
    launch_dependents();
    if (t == 0) {
        for (int i = 0; i < 3; i++) mbarrier_init(&full[i], 1);
        mbarrier_fence_init();
        wait_for_previous_kernel();
        for (int tile = 0; tile < min(3, tiles); tile++) fetch(tile);
    }
    __syncthreads();
    for (int tile = 0; tile < tiles; tile++) {
        while (!mbarrier_try_wait(&full[tile % 3], tile / 3 & 1)) {}
        out[tile * n + t] = ring[tile % 3 * n + n - 1 - t];
        fence_async_shared();
        __syncthreads();
        if (t == 0 && tile + 3 < tiles) fetch(tile + 3);
    }
}
#endif

// Warp 0 fills a buffer that warp 1 empties; barrier 1 says full, barrier 2 says empty.
extern "C" __global__ void hand_over(int* out, int rounds) {
    __shared__ int buffer[32];
    const int lane = threadIdx.x % 32;
    for (int round = 0; round < rounds; round++) {
        if (threadIdx.x < 32) {
            if (round > 0) barrier_sync(2, 64);
            buffer[lane] = round * 100 + lane;
            barrier_arrive(1, 64);
        } else {
            barrier_sync(1, 64);
            out[round * 32 + lane] = buffer[31 - lane];
            if (round + 1 < rounds) barrier_arrive(2, 64);
        }
    }
}

// What lanes tell each other; 14 results of a lane.
extern "C" __global__ void warp_functions(int* out) {
    const int lane = threadIdx.x, square = lane * lane;
    int* mine = out + 14 * lane;
    mine[0] = __shfl_sync(~0u, square, 5);
    mine[1] = __shfl_sync(~0u, square, lane + 1, 8);
    mine[2] = __shfl_xor_sync(~0u, square, 3);
    mine[3] = __shfl_up_sync(~0u, square, 2);
    mine[4] = __shfl_down_sync(~0u, square, 4, 16);
    mine[5] = (int)__ballot_sync(~0u, lane % 3 == 0);
    mine[6] = __any_sync(~0u, lane == 40) * 2 + __any_sync(~0u, lane == 31);
    mine[7] = __all_sync(~0u, lane < 32) * 2 + __all_sync(~0u, lane < 31);
    mine[8] = __reduce_add_sync(~0u, square);
    mine[9] = (int)__reduce_max_sync(~0u, (unsigned)(lane ^ 21));
    mine[10] = (int)__match_any_sync(~0u, lane % 4);
    // Halves of the warp go different ways, one of them in two parts.
    if (lane < 16) mine[11] = __shfl_xor_sync(0x0000ffffu, lane, 1);
    else if (lane < 24) mine[11] = __reduce_add_sync(0x00ff0000u, lane);
    else mine[11] = (int)__ballot_sync(0xff000000u, lane & 1);
    mine[12] = __float2int_rn(__shfl_sync(~0u, 0.5f + lane, lane ^ 1));
    const double wide = __shfl_down_sync(~0u, lane + 1e-9, 1);
    mine[13] = wide == (lane < 31 ? lane + 1 : lane) + 1e-9;
}

// What a block agrees on: sums over its threads by shuffles, shared memory, atomics and counting barriers. grid: any; out [grid, 4].
extern "C" __global__ void block_sums(const int* x, int* out) {
    __shared__ int parts[32], total;
    const int value = x[blockIdx.x * blockDim.x + threadIdx.x], warps = blockDim.x / 32;
    int sum = value;
    for (int step = 16; step; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
    if (threadIdx.x == 0) total = 0;
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    __syncthreads();
    atomicAdd(&total, value);
    sum = 0;
    for (int i = 0; i < warps; i++) sum += parts[i];
    const int positive = __syncthreads_count(value > 0), any = __syncthreads_or(value == 7), all = __syncthreads_and(value < 1000);
    if (threadIdx.x > 0) return;
    out[4 * blockIdx.x] = sum;
    out[4 * blockIdx.x + 1] = total;
    out[4 * blockIdx.x + 2] = positive;
    out[4 * blockIdx.x + 3] = (any != 0) * 2 + (all != 0);
}

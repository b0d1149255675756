// Keys and values in shared memory as operands of mma_bf16: bf16, or e4m3 that each warp widens in registers. A tile is rows of HEAD_DIM elements,
// 16 bytes more than their size apart, so that eight rows lie in different banks.
// Products may order the channels as suits the type: keys fix the order in which queries are stored, values the order of the sums' columns.
#pragma once
#include "heads.cuh"

template <class T> constexpr int kRowBytes = HEAD_DIM * (int)sizeof(T) + 16;

template <class T> struct KvTile;

template <> struct KvTile<bf16> {
    // Where channels c to c + 3 of a query go, c a multiple of 4.
    static __device__ __forceinline__ void store_query(bf16* row, int c, const float (&x)[4]) { store_four(row + c, x); }

    // Operands b for keys `row` to row + 15 (two products of 8), channels 16 step to 16 step + 15.
    static __device__ __forceinline__ void load_keys(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        const int lane = threadIdx.x % 32;
        uint32_t r[4];
        ldmatrix(r, tile + (row + lane / 16 * 8 + lane % 8) * kRowBytes<bf16> + 32 * step + lane / 8 % 2 * 16);
        b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
    }

    // Operands b for values of keys `row` to row + 15, columns of two products of 8, of channels 16 step to 16 step + 15.
    static __device__ __forceinline__ void load_values(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        const int lane = threadIdx.x % 32;
        uint32_t r[4];
        ldmatrix_trans(r, tile + (row + lane % 16) * kRowBytes<bf16> + 32 * step + lane / 16 * 16);
        b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
    }

    // One row of what the products of load_values made, channels 16 step to 16 step + 15: `low` and `high` are the lane's pairs of the two products.
    static __device__ __forceinline__ void store_sums(float* row, int step, const float* low, const float* high) {
        float* to = row + 16 * step + 2 * (threadIdx.x % 4);
        *reinterpret_cast<float2*>(to) = make_float2(low[0], low[1]);
        *reinterpret_cast<float2*>(to + 8) = make_float2(high[0], high[1]);
    }
};

// ldmatrix moves pairs of bytes, so a lane gets four neighbouring channels of a key, and two of each of two neighbouring values.
template <> struct KvTile<e4m3> {
    static __device__ __forceinline__ void store_query(bf16* row, int c, const float (&x)[4]) {
        bf16* pair = row + c / 16 * 16 + c % 16 / 2;
        *reinterpret_cast<uint32_t*>(pair) = pack_bf16(x[0], x[2]);
        *reinterpret_cast<uint32_t*>(pair + 8) = pack_bf16(x[1], x[3]);
    }

    static __device__ __forceinline__ void load_keys(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        uint32_t r[2];
        ldmatrix(r, tile + (row + threadIdx.x % 16) * kRowBytes<e4m3> + 16 * step);
        e4m3_to_bf16(r[0], b[0][0], b[0][1]);
        e4m3_to_bf16(r[1], b[1][0], b[1][1]);
    }

    static __device__ __forceinline__ void load_values(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        uint32_t r[2];
        ldmatrix_trans(r, tile + (row + threadIdx.x % 16) * kRowBytes<e4m3> + 16 * step);
        e4m3_to_bf16(r[0], b[0][0], b[1][0]);
        e4m3_to_bf16(r[1], b[0][1], b[1][1]);
    }

    static __device__ __forceinline__ void store_sums(float* row, int step, const float* low, const float* high) {
        *reinterpret_cast<float4*>(row + 16 * step + 4 * (threadIdx.x % 4)) = make_float4(low[0], high[0], low[1], high[1]);
    }
};

// Eight stored values as bf16.
__device__ __forceinline__ uint4 eight_bf16(const float* x) {
    const float4 low = *reinterpret_cast<const float4*>(x), high = *reinterpret_cast<const float4*>(x + 4);
    return make_uint4(pack_bf16(low.x, low.y), pack_bf16(low.z, low.w), pack_bf16(high.x, high.y), pack_bf16(high.z, high.w));
}
__device__ __forceinline__ uint4 eight_bf16(const e4m3* x) {
    const uint2 codes = *reinterpret_cast<const uint2*>(x);
    uint32_t even[2], odd[2];
    e4m3_to_bf16(codes.x, even[0], odd[0]);
    e4m3_to_bf16(codes.y, even[1], odd[1]);
    return make_uint4(__byte_perm(even[0], odd[0], 0x5410), __byte_perm(even[0], odd[0], 0x7632), __byte_perm(even[1], odd[1], 0x5410), __byte_perm(even[1], odd[1], 0x7632));
}
__device__ __forceinline__ uint4 eight_bf16(const bf16* x) { return *reinterpret_cast<const uint4*>(x); }

// All threads of the block make a tile of bf16 from one of the stored type.
template <int Keys, int Threads, class T> __device__ __forceinline__ void convert_tile(const unsigned char* stored, unsigned char* tile) {
    constexpr int kRowPieces = HEAD_DIM / 8;
    for (int i = threadIdx.x; i < Keys * kRowPieces; i += Threads) {
        const int row = i / kRowPieces, c = i % kRowPieces * 8;
        *reinterpret_cast<uint4*>(tile + row * kRowBytes<bf16> + 2 * c) = eight_bf16(reinterpret_cast<const T*>(stored + row * kRowBytes<T>) + c);
    }
}

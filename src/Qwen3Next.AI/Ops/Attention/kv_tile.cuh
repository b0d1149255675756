// Keys and values in shared memory as operands of mma_bf16, by stored type. A tile is rows of HEAD_DIM elements, kRowBytes apart: 16 bytes more than
// their size, so that eight rows lie in different banks.
// Products may order the channels as suits the stored type: keys fix the order in which queries are stored, values the order of the sums' columns.
#pragma once
#include "heads.cuh"

template <class T> struct KvTile;

template <> struct KvTile<bf16> {
    static constexpr int kRowBytes = HEAD_DIM * 2 + 16;

    // Where channels c to c + 3 of a query go, c a multiple of 4.
    static __device__ __forceinline__ void store_query(bf16* row, int c, const float (&x)[4]) { store_four(row + c, x); }

    // Operands b for keys `row` to row + 15 (two products of 8), channels 16 step to 16 step + 15.
    static __device__ __forceinline__ void load_keys(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        const int lane = threadIdx.x % 32;
        uint32_t r[4];
        ldmatrix(r, tile + (row + lane / 16 * 8 + lane % 8) * kRowBytes + 32 * step + lane / 8 % 2 * 16);
        b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
    }

    // Operands b for values of keys `row` to row + 15, columns of two products of 8, of channels 16 step to 16 step + 15.
    static __device__ __forceinline__ void load_values(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        const int lane = threadIdx.x % 32;
        uint32_t r[4];
        ldmatrix_trans(r, tile + (row + lane % 16) * kRowBytes + 32 * step + lane / 16 * 16);
        b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
    }

    // The channel of column 2 member + i of product n of those that load_values makes, n < HEAD_DIM / 8.
    static __device__ __forceinline__ int channel(int n, int member, int i) { return 8 * n + 2 * member + i; }
};

// As bf16, rounded on the way to the products.
template <> struct KvTile<float> {
    static constexpr int kRowBytes = HEAD_DIM * 4 + 16;

    static __device__ __forceinline__ void store_query(bf16* row, int c, const float (&x)[4]) { store_four(row + c, x); }

    static __device__ __forceinline__ void load_keys(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        const int group = threadIdx.x % 32 / 4, member = threadIdx.x % 4;
        for (int i = 0; i < 2; i++)
            for (int h = 0; h < 2; h++) {
                const float2 x = *reinterpret_cast<const float2*>(tile + (row + 8 * i + group) * kRowBytes + (16 * step + 8 * h + 2 * member) * 4);
                b[i][h] = pack_bf16(x.x, x.y);
            }
    }

    static __device__ __forceinline__ void load_values(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        const int group = threadIdx.x % 32 / 4, member = threadIdx.x % 4;
        for (int i = 0; i < 2; i++)
            for (int h = 0; h < 2; h++) {
                const unsigned char* x = tile + (row + 8 * h + 2 * member) * kRowBytes + (16 * step + 8 * i + group) * 4;
                b[i][h] = pack_bf16(*reinterpret_cast<const float*>(x), *reinterpret_cast<const float*>(x + kRowBytes));
            }
    }

    static __device__ __forceinline__ int channel(int n, int member, int i) { return 8 * n + 2 * member + i; }
};

// ldmatrix moves pairs of bytes, so a lane gets four neighbouring channels of a key, and two of each of two neighbouring values.
template <> struct KvTile<e4m3> {
    static constexpr int kRowBytes = HEAD_DIM + 16;

    static __device__ __forceinline__ void store_query(bf16* row, int c, const float (&x)[4]) {
        bf16* pair = row + c / 16 * 16 + c % 16 / 2;
        *reinterpret_cast<uint32_t*>(pair) = pack_bf16(x[0], x[2]);
        *reinterpret_cast<uint32_t*>(pair + 8) = pack_bf16(x[1], x[3]);
    }

    static __device__ __forceinline__ void load_keys(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        uint32_t r[2];
        ldmatrix(r, tile + (row + threadIdx.x % 16) * kRowBytes + 16 * step);
        e4m3_to_bf16(r[0], b[0][0], b[0][1]);
        e4m3_to_bf16(r[1], b[1][0], b[1][1]);
    }

    static __device__ __forceinline__ void load_values(uint32_t (&b)[2][2], const unsigned char* tile, int row, int step) {
        uint32_t r[2];
        ldmatrix_trans(r, tile + (row + threadIdx.x % 16) * kRowBytes + 16 * step);
        e4m3_to_bf16(r[0], b[0][0], b[1][0]);
        e4m3_to_bf16(r[1], b[0][1], b[1][1]);
    }

    static __device__ __forceinline__ int channel(int n, int member, int i) { return n / 2 * 16 + 4 * member + 2 * i + n % 2; }
};

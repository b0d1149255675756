// What the attention kernels share: norm and rotation of a head, the way to a key's page, tiles of rows and splits of keys.
#pragma once
#include "dtype.cuh"

// Positions of a page.
constexpr int kPageKeys = 16;

// Keys of a split at least; fewer would cost more in joining than they save in reading.
constexpr int kLeastSplit = 32;

// Stands for the maximum of no scores. Finite, so that differences of it are numbers; a masked score lies so far below it that its weight is 0.
constexpr float kNoMaximum = -1e30f, kMasked = -3e38f;

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(~0u, x, offset);
    return x;
}

__device__ __forceinline__ void store_four(float* p, const float (&x)[4]) { *reinterpret_cast<float4*>(p) = make_float4(x[0], x[1], x[2], x[3]); }
__device__ __forceinline__ void store_four(bf16* p, const float (&x)[4]) {
    *reinterpret_cast<uint2*>(p) = make_uint2(pack_bf16(x[0], x[1]), pack_bf16(x[2], x[3]));
}
__device__ __forceinline__ void store_four(e4m3* p, const float (&x)[4]) { *reinterpret_cast<uint32_t*>(p) = pack_e4m3(x[0], x[1], x[2], x[3]); }

// x_c / sqrt(mean(x^2) + epsilon) * weight_c, then (a, b) = (x_c, x_{c + R/2}) -> (a cos - b sin, b cos + a sin) for c < R/2.
// One warp; store(c, four values) is called for channels c to c + 3, c = 4 lane + 128 i. cos_sin: [R] of the row; R is a multiple of 8.
template <class Store>
__device__ __forceinline__ void norm_rotate(const float* x, const float* weight, float epsilon, const float* cos_sin, int rotary, Store store) {
    const int lane = threadIdx.x % 32, half = rotary / 2;
    float sum = 0;
    for (int c = 4 * lane; c < HEAD_DIM; c += 128) {
        float v[4];
        load_values(x + c, v);
        sum += v[0] * v[0] + v[1] * v[1] + v[2] * v[2] + v[3] * v[3];
    }
    const float scale = rsqrtf(warp_sum(sum) / HEAD_DIM + epsilon);
    for (int c = 4 * lane; c < HEAD_DIM; c += 128) {
        float y[4], w[4];
        load_values(x + c, y);
        load_values(weight + c, w);
        for (int i = 0; i < 4; i++) y[i] *= scale * w[i];
        if (c < rotary) {
            const int pair = c < half ? c + half : c - half, angle = c < half ? c : pair;
            float other[4], cosine[4], sine[4];
            load_values(x + pair, other);
            load_values(weight + pair, w);
            load_values(cos_sin + angle, cosine);
            load_values(cos_sin + half + angle, sine);
            for (int i = 0; i < 4; i++) y[i] = y[i] * cosine[i] + (c < half ? -sine[i] : sine[i]) * (other[i] * (scale * w[i]));
        }
        store(c, y);
    }
}

// First element of a head's page in [blocks, kv_heads, kPageKeys, HEAD_DIM].
__device__ __forceinline__ int64_t page_offset(int block, int kv_head, int kv_heads) {
    return ((int64_t)block * kv_heads + kv_head) * (kPageKeys * HEAD_DIM);
}

// One warp puts a head's new key (normed and rotated) or value (as it is) where its position has its place.
struct Appender {
    const float* key_norm;
    float epsilon;
    int rotary, kv_head, kv_heads;

    __device__ __forceinline__ void key(const float* x, const float* cos_sin, KV* keys, int block, int position) const {
        KV* to = keys + page_offset(block, kv_head, kv_heads) + position % kPageKeys * HEAD_DIM;
        norm_rotate(x, key_norm, epsilon, cos_sin, rotary, [=](int c, const float (&y)[4]) { store_four(to + c, y); });
    }

    __device__ __forceinline__ void value(const float* x, KV* values, int block, int position) const {
        KV* to = values + page_offset(block, kv_head, kv_heads) + position % kPageKeys * HEAD_DIM;
        for (int c = 4 * (threadIdx.x % 32); c < HEAD_DIM; c += 128) {
            float v[4];
            load_values(x + c, v);
            store_four(to + c, v);
        }
    }
};

// Divides four channels of a head by the sum of weights and applies the sigmoid of their gates, if there are any.
__device__ __forceinline__ void finish_four(float4 sum, float total, const float* gate, float* to) {
    float y[4] = {sum.x / total, sum.y / total, sum.z / total, sum.w / total};
    if (gate != nullptr) {
        float g[4];
        load_values(gate, g);
        for (int i = 0; i < 4; i++) y[i] /= 1 + expf(-g[i]);
    }
    store_four(to, y);
}

// Rows of one sequence that are computed together; rows = 0: none.
struct RowTile {
    int sequence, first, rows;
};

// Tile number `index` among those that cover the sequences of least to most rows, `size` rows at a time. Whole warps call it.
__device__ __forceinline__ RowTile find_tile(int index, int size, int least, int most, const int* sequence_start, int sequences) {
    const int lane = threadIdx.x % 32;
    for (int base = 0; base < sequences; base += 32) {
        const int n = base + lane;
        const int first = n < sequences ? sequence_start[n] : 0, rows = n < sequences ? sequence_start[n + 1] - first : 0;
        const int tiles = rows >= least && rows <= most ? (rows + size - 1) / size : 0;
        int end = tiles;
#pragma unroll
        for (int offset = 1; offset < 32; offset *= 2) {
            const int before = __shfl_up_sync(~0u, end, offset);
            if (lane >= offset) end += before;
        }
        const uint32_t behind = __ballot_sync(~0u, index < end);
        if (behind != 0) {
            const int owner = __ffs(behind) - 1, skipped = (index - (end - tiles)) * size;
            return {base + owner, __shfl_sync(~0u, first + skipped, owner), __shfl_sync(~0u, min(rows - skipped, size), owner)};
        }
        index -= __shfl_sync(~0u, end, 31);
    }
    return {0, 0, 0};
}

// Keys [begin, end) of one of `splits` equal shares of whole pages.
struct KeyRange {
    int begin, end;
};

__device__ __forceinline__ KeyRange split_keys(int keys, int split, int splits) {
    const int pages = (keys + kPageKeys - 1) / kPageKeys;
    const int share = max((pages + splits - 1) / splits * kPageKeys, kLeastSplit);
    const int begin = (int)min((int64_t)share * split, (int64_t)keys);
    return {begin, min(begin + share, keys)};
}

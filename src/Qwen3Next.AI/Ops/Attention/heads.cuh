// What the attention kernels share: norm and rotation of a head, the way to a key's page, tiles of rows and splits of keys.
#pragma once
#include "dtype.cuh"

// Positions of a page.
constexpr int kPageKeys = 16;

// Pages of a split at least: as many as a block takes at a time. Fewer would cost more in joining than they save in reading.
constexpr int kLeastPages = 4;

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

// Of N heads at once, so that their loads overlap: x_c / sqrt(mean(x^2) + epsilon) * weight_c, then for c < R/2
// (a, b) = (x_c, x_{c + R/2}) -> (a cos - b sin, b cos + a sin). One warp; store(n, c, four values) is called for channels c to c + 3,
// c = 4 lane + 128 i. x[n]: nullptr gives zeros. cos_sin: [R] of each head's row; R is a multiple of 8.
template <int N, class Store>
__device__ __forceinline__ void norm_rotate(const float* const (&x)[N], const float* weight, float epsilon, const float* const (&cos_sin)[N], int rotary, Store store) {
    constexpr int kSlices = (HEAD_DIM + 127) / 128;
    const int lane = threadIdx.x % 32, half = rotary / 2;
    float values[N][kSlices][4] = {}, scale[N];
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < kSlices; i++)
            if (x[n] != nullptr && 4 * lane + 128 * i < HEAD_DIM) load_values(x[n] + 4 * lane + 128 * i, values[n][i]);
#pragma unroll
    for (int n = 0; n < N; n++) {
        float sum = 0;
#pragma unroll
        for (int i = 0; i < kSlices; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) sum += values[n][i][j] * values[n][i][j];
        scale[n] = rsqrtf(warp_sum(sum) / HEAD_DIM + epsilon);
    }
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < kSlices; i++) {
            const int c = 4 * lane + 128 * i;
            if (c >= HEAD_DIM) continue;
            float (&y)[4] = values[n][i], w[4];
            load_values(weight + c, w);
#pragma unroll
            for (int j = 0; j < 4; j++) y[j] *= scale[n] * w[j];
            if (x[n] != nullptr && c < rotary) {
                const int pair = c < half ? c + half : c - half, angle = c < half ? c : pair;
                float other[4], cosine[4], sine[4];
                load_values(x[n] + pair, other);
                load_values(weight + pair, w);
                load_values(cos_sin[n] + angle, cosine);
                load_values(cos_sin[n] + half + angle, sine);
#pragma unroll
                for (int j = 0; j < 4; j++) y[j] = y[j] * cosine[j] + (c < half ? -sine[j] : sine[j]) * (other[j] * (scale[n] * w[j]));
            }
            store(n, c, y);
        }
}

// First element of a head's page in [blocks, kv_heads, kPageKeys, HEAD_DIM].
__device__ __forceinline__ int64_t page_offset(int block, int kv_head, int kv_heads) {
    return ((int64_t)block * kv_heads + kv_head) * (kPageKeys * HEAD_DIM);
}

// The raw projection [T, width] of a step: of each query head the query and, where heads are gated, its gate; from key_column on keys, then values.
struct Projection {
    const float* rows;
    int width, query_stride, key_column;
    const float* cos_sin;  // [T, rotary]
    int rotary;
    float epsilon;

    __device__ __forceinline__ const float* query(int64_t t, int head) const { return rows + t * width + head * query_stride; }
    __device__ __forceinline__ const float* gate(int64_t t, int head) const { return query_stride > HEAD_DIM ? query(t, head) + HEAD_DIM : nullptr; }
    __device__ __forceinline__ const float* key_or_value(int64_t t, int part) const { return rows + t * width + key_column + part * HEAD_DIM; }
    __device__ __forceinline__ const float* angles(int64_t t) const { return cos_sin + t * rotary; }
};

// One warp puts a row's key (normed and rotated) or value (as it is) into its place in the pages, and in `staged` too unless that is null.
// part: kv_head for the key, kv_heads + kv_head for the value.
__device__ __forceinline__ void append_head(const Projection& projection, const float* key_norm, KV* keys, KV* values, int part, int kv_heads, int64_t t, int block,
                                            int position, KV* staged) {
    const bool is_key = part < kv_heads;
    KV* to = (is_key ? keys : values) + page_offset(block, is_key ? part : part - kv_heads, kv_heads) + position % kPageKeys * HEAD_DIM;
    const auto store = [=](int, int c, const float (&y)[4]) {
        store_four(to + c, y);
        if (staged != nullptr) store_four(staged + c, y);
    };
    const float *x[1] = {projection.key_or_value(t, part)}, *angles[1] = {projection.angles(t)};
    if (is_key) {
        norm_rotate(x, key_norm, projection.epsilon, angles, projection.rotary, store);
        return;
    }
    for (int c = 4 * (threadIdx.x % 32); c < HEAD_DIM; c += 128) {
        float v[4];
        load_values(x[0] + c, v);
        store(0, c, v);
    }
}

// Channels c to c + 3 of a head: divided by the sum of weights, times the sigmoid of their gates, if there are any.
__device__ __forceinline__ void finish_four(float4 sum, float total, const float* gate, int c, float* head) {
    float y[4] = {sum.x / total, sum.y / total, sum.z / total, sum.w / total};
    if (gate != nullptr) {
        float g[4];
        load_values(gate + c, g);
        for (int i = 0; i < 4; i++) y[i] /= 1 + expf(-g[i]);
    }
    store_four(head + c, y);
}

// How work is cut up: the sequences of least to most rows, `size` rows (a tile) at a time, and the keys of a tile into splits, so that all splits
// are about 1 / shares of what is read in all. shares = 0: one split.
struct Cut {
    int size, least, most, shares;
    const int *sequence_start, *positions;
    int sequences;
};

// A tile of rows of one sequence, and one of its splits. rows = 0: none.
struct Part {
    int sequence, first, rows;
    int split, splits;
    int index;  // among all parts; the splits of a tile follow one another
};

// What a lane knows of the sequence it looks at.
struct Pieces {
    int first, rows, tiles, pages;

    __device__ __forceinline__ Pieces(const Cut& cut, int sequence) : first(0), rows(0), tiles(0), pages(0) {
        if (sequence >= cut.sequences) return;
        first = cut.sequence_start[sequence], rows = cut.sequence_start[sequence + 1] - first;
        if (rows < cut.least || rows > cut.most) return;
        tiles = (rows + cut.size - 1) / cut.size;
        pages = (cut.positions[first] + rows + kPageKeys - 1) / kPageKeys;
    }
};

__device__ __forceinline__ int warp_scan(int x) {
#pragma unroll
    for (int offset = 1; offset < 32; offset *= 2) {
        const int before = __shfl_up_sync(~0u, x, offset);
        if (threadIdx.x % 32 >= offset) x += before;
    }
    return x;
}

// Part number `index`; with ByTile the first part of tile number `index`. Whole warps call it.
template <bool ByTile> __device__ __forceinline__ Part find_part(const Cut& cut, int index) {
    const int lane = threadIdx.x % 32;
    int share = 1 << 30;
    if (cut.shares > 0) {
        int pages = 0;
        for (int base = 0; base < cut.sequences; base += 32) {
            const Pieces pieces(cut, base + lane);
            pages += pieces.tiles * pieces.pages;
        }
        pages = __shfl_sync(~0u, warp_scan(pages), 31);
        share = max((pages + cut.shares - 1) / cut.shares, kLeastPages);
    }
    int parts_before = 0;
    for (int base = 0; base < cut.sequences; base += 32) {
        const Pieces pieces(cut, base + lane);
        const int splits = max((pieces.pages + share - 1) / share, 1), parts = pieces.tiles * splits, parts_end = warp_scan(parts);
        const int units = ByTile ? pieces.tiles : parts, end = ByTile ? warp_scan(units) : parts_end;
        const uint32_t behind = __ballot_sync(~0u, index < end);
        if (behind != 0) {
            const int owner = __ffs(behind) - 1, unit = index - (end - units), tile = ByTile ? unit : unit / splits;
            const int first_part = parts_before + parts_end - parts + tile * splits;
            return {base + owner, __shfl_sync(~0u, pieces.first + tile * cut.size, owner), __shfl_sync(~0u, min(pieces.rows - tile * cut.size, cut.size), owner),
                    __shfl_sync(~0u, ByTile ? 0 : unit % splits, owner), __shfl_sync(~0u, splits, owner), __shfl_sync(~0u, ByTile ? first_part : first_part + unit % splits, owner)};
        }
        index -= __shfl_sync(~0u, end, 31);
        parts_before += __shfl_sync(~0u, parts_end, 31);
    }
    return {0, 0, 0, 0, 1, 0};
}

// Keys [begin, end) of one of `splits` equal shares of whole pages.
struct KeyRange {
    int begin, end;
};

__device__ __forceinline__ KeyRange split_keys(int keys, int split, int splits) {
    const int pages = (keys + kPageKeys - 1) / kPageKeys, share = (pages + splits - 1) / splits * kPageKeys;
    const int begin = (int)min((int64_t)share * split, (int64_t)keys);
    return {begin, min(begin + share, keys)};
}

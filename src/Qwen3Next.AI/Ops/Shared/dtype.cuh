// Stored number types and their way to and from f32. Sums are f32 everywhere; these types are for memory and matrix operands.
#pragma once
#include "ptx.cuh"

// 8 exponent and 7 mantissa bits: the upper half of an f32.
struct bf16 {
    uint16_t bits;
};

// 4 exponent and 3 mantissa bits, largest value 448, no infinity.
struct e4m3 {
    uint8_t bits;
};

// IEEE half precision.
struct f16 {
    uint16_t bits;
};

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((uint32_t)x.bits << 16); }
__device__ __forceinline__ float to_float(f16 x) { return half_value(x.bits); }
__device__ __forceinline__ float to_float(e4m3 x) {
    float values[4];
    unpack_e4m3(x.bits, values);
    return values[0];
}

// To nearest, ties to even; e4m3 saturates.
template <class T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return {(uint16_t)pack_bf16(x, 0.0f)}; }
template <> __device__ __forceinline__ f16 from_float<f16>(float x) { return {half_bits(x)}; }
template <> __device__ __forceinline__ e4m3 from_float<e4m3>(float x) { return {(uint8_t)pack_e4m3(x, 0.0f, 0.0f, 0.0f)}; }

// The two values of a word, the lower half first.
__device__ __forceinline__ float2 unpack_bf16(uint32_t packed) {
    return make_float2(__uint_as_float(packed << 16), __uint_as_float(packed & 0xffff0000u));
}

// Four e4m3 values as pairs of bf16, exactly and in few instructions: bytes 0 and 2, bytes 1 and 3. The NaN of e4m3 becomes 480.
__device__ __forceinline__ void e4m3_to_bf16(uint32_t packed, uint32_t& even, uint32_t& odd) {
    // The bf16 whose exponent and mantissa fields hold the bits is 2^-120 of the value, subnormal or not.
    constexpr uint32_t kScale = 0x7b807b80;
    even = mul_bf16x2((packed & 0x007f007f) << 4 | (packed & 0x00800080) << 8, kScale);
    odd = mul_bf16x2((packed & 0x7f007f00) >> 4 | (packed & 0x80008000), kScale);
}

// Values of one 16-byte load: 4 f32, 8 bf16 or f16, 16 e4m3.
template <class T> constexpr int values_per_load = 16 / (int)sizeof(T);

__device__ __forceinline__ void unpack(uint4 v, float (&x)[4]) {
    x[0] = __uint_as_float(v.x), x[1] = __uint_as_float(v.y), x[2] = __uint_as_float(v.z), x[3] = __uint_as_float(v.w);
}
template <class T> __device__ __forceinline__ void unpack(uint4 v, float (&x)[8]) {
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        x[2 * i] = to_float(T{(uint16_t)words[i]});
        x[2 * i + 1] = to_float(T{(uint16_t)(words[i] >> 16)});
    }
}
template <class T> __device__ __forceinline__ void unpack(uint4 v, float (&x)[16]) {
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float four[4];
        unpack_e4m3(words[i], four);
#pragma unroll
        for (int j = 0; j < 4; j++) x[4 * i + j] = four[j];
    }
}

// The values of one 16-byte load of T, as in: float x[values_per_load<T>]; load_values(p, x);
template <class T> __device__ __forceinline__ void load_values(const T* p, float (&x)[values_per_load<T>]) {
    const uint4 v = *reinterpret_cast<const uint4*>(p);
    if constexpr (sizeof(T) == 4) unpack(v, x);
    else unpack<T>(v, x);
}

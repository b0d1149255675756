// Arithmetic intrinsics. The fast ones are exact here: a kernel may not depend on how a GPU rounds them.
#pragma once

namespace emulator {
template <class To, class From> inline To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "same width");
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
}
}  // namespace emulator

inline unsigned __float_as_uint(float x) { return emulator::bits_as<unsigned>(x); }
inline int __float_as_int(float x) { return emulator::bits_as<int>(x); }
inline float __uint_as_float(unsigned x) { return emulator::bits_as<float>(x); }
inline float __int_as_float(int x) { return emulator::bits_as<float>(x); }
inline long long __double_as_longlong(double x) { return emulator::bits_as<long long>(x); }
inline double __longlong_as_double(long long x) { return emulator::bits_as<double>(x); }

// A NaN loses, as in CUDA's min and max.
#define EMULATED_FLOAT_ORDER(type)                                                                                     \
    inline type max(type a, type b) { return a > b || b != b ? a : b; }                                                \
    inline type min(type a, type b) { return a < b || b != b ? a : b; }
EMULATED_FLOAT_ORDER(float)
EMULATED_FLOAT_ORDER(double)
#undef EMULATED_FLOAT_ORDER
inline float max(float a, int b) { return max(a, (float)b); }
inline double max(float a, double b) { return max((double)a, b); }
inline double max(double a, float b) { return max(a, (double)b); }
inline double min(float a, double b) { return min((double)a, b); }
inline double min(double a, float b) { return min(a, (double)b); }

#define EMULATED_ORDER(left, right, type)                                                                              \
    inline type max(left a, right b) { return (type)a > (type)b ? (type)a : (type)b; }                                 \
    inline type min(left a, right b) { return (type)a < (type)b ? (type)a : (type)b; }
EMULATED_ORDER(int, int, int)
EMULATED_ORDER(unsigned, unsigned, unsigned)
EMULATED_ORDER(int, unsigned, unsigned)
EMULATED_ORDER(unsigned, int, unsigned)
EMULATED_ORDER(long, long, long)
EMULATED_ORDER(unsigned long, unsigned long, unsigned long)
EMULATED_ORDER(long, unsigned long, unsigned long)
EMULATED_ORDER(unsigned long, long, unsigned long)
EMULATED_ORDER(long long, long long, long long)
EMULATED_ORDER(unsigned long long, unsigned long long, unsigned long long)
EMULATED_ORDER(long long, unsigned long long, unsigned long long)
EMULATED_ORDER(unsigned long long, long long, unsigned long long)
#undef EMULATED_ORDER

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return exp10f(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline void __sincosf(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __tanf(float x) { return tanf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return (float)(1.0 / sqrt((double)x)); }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
// These are never fused with a neighbour, so the compiler must not see one operation through the other.
inline __noinline__ float __fadd_rn(float x, float y) { return x + y; }
inline __noinline__ float __fsub_rn(float x, float y) { return x - y; }
inline __noinline__ float __fmul_rn(float x, float y) { return x * y; }

inline float __int2float_rn(int x) { return (float)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
inline float __ll2float_rn(long long x) { return (float)x; }
inline int __float2int_rn(float x) { return x >= 2147483648.0f ? 2147483647 : x < -2147483648.0f ? -2147483647 - 1 : x != x ? 0 : (int)rintf(x); }
inline int __float2int_rz(float x) { return __float2int_rn(truncf(x)); }
inline int __float2int_rd(float x) { return __float2int_rn(floorf(x)); }
inline int __float2int_ru(float x) { return __float2int_rn(ceilf(x)); }
inline unsigned __float2uint_rn(float x) { return !(x > 0) ? 0 : x >= 4294967296.0f ? 4294967295u : (unsigned)rintf(x); }
inline unsigned __float2uint_rz(float x) { return __float2uint_rn(truncf(x)); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
    unsigned r = 0;
    for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i);
    return r;
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const uint64_t bytes = (uint64_t)y << 32 | x;
    unsigned r = 0;
    for (int i = 0; i < 4; i++) {
        const unsigned s = selector >> (4 * i) & 0xf;
        unsigned byte = (unsigned)(bytes >> (8 * (s & 7))) & 0xff;
        if (s & 8) byte = byte & 0x80 ? 0xff : 0;
        r |= byte << (8 * i);
    }
    return r;
}
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((uint64_t)x * y >> 32); }
inline int __mulhi(int x, int y) { return (int)((int64_t)x * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned long long)((unsigned __int128)x * y >> 64); }
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) { return (unsigned)(((uint64_t)high << 32 | low) << (shift & 31) >> 32); }
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) { return (unsigned)(((uint64_t)high << 32 | low) >> (shift & 31)); }
inline int __dp4a(int x, int y, int sum) {
    for (int i = 0; i < 4; i++) sum += (int)(int8_t)(x >> (8 * i)) * (int8_t)(y >> (8 * i));
    return sum;
}
inline unsigned __dp4a(unsigned x, unsigned y, unsigned sum) {
    for (int i = 0; i < 4; i++) sum += (x >> (8 * i) & 0xff) * (y >> (8 * i) & 0xff);
    return sum;
}
inline int __mul24(int x, int y) { return x * y; }
inline unsigned __usad(unsigned x, unsigned y, unsigned sum) { return sum + (x > y ? x - y : y - x); }

// The functions of Ops/Shared/ptx.cuh, whose text for a GPU is inline PTX.
#pragma once

inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    emulator::MatrixOperands operands{d, a, b};
    emulator::meet(~0u, &operands, emulator::runtime->mma_bf16);
}
inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    emulator::MatrixOperands operands{d, a, b};
    emulator::meet(~0u, &operands, emulator::runtime->mma_f16);
}
inline void mma_e4m3(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    emulator::MatrixOperands operands{d, a, b};
    emulator::meet(~0u, &operands, emulator::runtime->mma_e4m3);
}
inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    emulator::MatrixOperands operands{d, a, b};
    emulator::meet(~0u, &operands, emulator::runtime->mma_tf32);
}

template <int N> inline void ldmatrix(uint32_t (&r)[N], const void* row) {
    emulator::MatrixLoad load{r, row, N};
    emulator::meet(~0u, &load, emulator::runtime->ldmatrix);
}
template <int N> inline void ldmatrix_trans(uint32_t (&r)[N], const void* row) {
    emulator::MatrixLoad load{r, row, N};
    emulator::meet(~0u, &load, emulator::runtime->ldmatrix_trans);
}

template <int Bytes> inline void cp_async(void* shared, const void* global, bool valid = true) {
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async moves 4, 8 or 16 bytes");
    emulator::runtime->cp_async(shared, global, Bytes, valid ? Bytes : 0);
}
inline void cp_async_commit() { emulator::runtime->cp_async_commit(); }
template <int PendingGroups> inline void cp_async_wait() { emulator::runtime->cp_async_wait(PendingGroups); }

inline void mbarrier_init(uint64_t* barrier, uint32_t arrivals) { emulator::runtime->mbarrier_init(barrier, arrivals); }
inline void mbarrier_fence_init() {}
inline void mbarrier_arrive(uint64_t* barrier) { emulator::runtime->mbarrier_arrive(barrier, 1, 0); }
inline void mbarrier_arrive_expect(uint64_t* barrier, uint32_t bytes) { emulator::runtime->mbarrier_arrive(barrier, 1, bytes); }
inline bool mbarrier_try_wait(uint64_t* barrier, uint32_t parity) {
    if (emulator::runtime->mbarrier_test(barrier, parity)) return true;
    emulator::runtime->yield();
    return emulator::runtime->mbarrier_test(barrier, parity);
}
inline void bulk_load(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) { emulator::runtime->bulk_load(shared, global, bytes, barrier); }
inline void fence_async_shared() {}

inline void launch_dependents() {}
inline void wait_for_previous_kernel() { emulator::runtime->wait_for_previous_kernel(); }

inline void barrier_sync(int id, int threads) { emulator::runtime->barrier(id, threads, emulator::BarrierKind::sync, false); }
inline void barrier_arrive(int id, int threads) { emulator::runtime->barrier(id, threads, emulator::BarrierKind::arrive, false); }

inline void prefetch_l2(const void*) {}
template <class T> inline T load_once(const T* p) { return *emulator::aligned(p); }

inline float exp2_approx(float x) { return exp2f(x); }
inline float log2_approx(float x) { return log2f(x); }
inline float rcp_approx(float x) { return 1.0f / x; }
inline float tanh_approx(float x) { return tanhf(x); }

namespace emulator {
// Round to nearest, ties to even; NaN stays NaN.
inline uint32_t bf16_bits(float x) {
    const uint32_t u = bits_as<uint32_t>(x);
    return x != x ? 0x7fff : (u + 0x7fff + (u >> 16 & 1)) >> 16;
}

// The nearest tf32, ties away from zero: 10 mantissa bits.
inline uint32_t tf32_bits(float x) { return (bits_as<uint32_t>(x) + 0x1000) & 0xffffe000; }
}  // namespace emulator

inline uint32_t pack_bf16(float low, float high) { return emulator::bf16_bits(low) | emulator::bf16_bits(high) << 16; }
inline uint32_t mul_bf16x2(uint32_t x, uint32_t y) {
    const auto half = [](uint32_t bits) { return emulator::bits_as<float>(bits << 16); };
    return pack_bf16(half(x) * half(y), half(x >> 16) * half(y >> 16));
}
inline uint32_t to_tf32(float x) { return emulator::tf32_bits(x); }
inline float half_value(uint16_t bits) {
    _Float16 value;
    memcpy(&value, &bits, 2);
    return (float)value;
}
inline uint16_t half_bits(float x) {
    const _Float16 value = (_Float16)x;
    uint16_t bits;
    memcpy(&bits, &value, 2);
    return bits;
}
inline uint32_t pack_f16(float low, float high) { return half_bits(low) | (uint32_t)half_bits(high) << 16; }
inline void e4m3_to_f16(uint32_t packed, uint32_t& low, uint32_t& high) {
    // The f16 whose exponent and mantissa fields hold the bits is 2^-8 of the value, subnormal or not.
    const auto value = [&](int i) {
        const uint32_t bits = packed >> (8 * i) & 0xff;
        return 256.0f * half_value((uint16_t)((bits & 0x80) << 8 | (bits & 0x7f) << 7));
    };
    low = pack_f16(value(0), value(1)), high = pack_f16(value(2), value(3));
}

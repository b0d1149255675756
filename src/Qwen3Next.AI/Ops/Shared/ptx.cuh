// Every instruction that CUDA C++ has no word for, one small function each; inline PTX stands nowhere else.
// Names and operands follow the PTX ISA. Under QWEN3NEXT_EMULATED the host emulator declares the same functions in plain C++.
#pragma once
#ifndef QWEN3NEXT_EMULATED

typedef unsigned char uint8_t;
typedef signed char int8_t;
typedef unsigned short uint16_t;
typedef short int16_t;
typedef unsigned int uint32_t;
typedef int int32_t;
typedef unsigned long long uint64_t;
typedef long long int64_t;

// An address in shared memory, as instructions take it.
__device__ __forceinline__ uint32_t shared_address(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

// ---- Matrix products of a warp: d += a b, f32 sums. Lane = 4 * group + member, group 0 to 7. All 32 lanes take part. ----
// d[2 i + j] is row group + 8 i, column 2 * member + j.

// m16n8k16, bf16. a[i + 2 h]: row group + 8 i, columns 8 h + 2 * member and the next. b[h]: rows 8 h + 2 * member and the next, column group.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The same of f16.
__device__ __forceinline__ void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// m16n8k8, tf32 (see to_tf32). a[i + 2 h]: row group + 8 i, column member + 4 h. b[h]: row member + 4 h, column group.
__device__ __forceinline__ void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#if __CUDA_ARCH__ >= 890
// m16n8k32, e4m3, sm_89 and later. a[i + 2 h]: row group + 8 i, columns 16 h + 4 * member and three more. b[h]: rows 16 h + 4 * member and three more, column group.
__device__ __forceinline__ void mma_e4m3(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

// Loads N (1, 2 or 4) 8 x 8 matrices of 16-bit values from shared memory. Lane 8 m + r names row r of matrix m (16 bytes, so aligned);
// r[m] gets row group, columns 2 * member and the next. With _trans the matrices are transposed on the way.
template <int N> __device__ __forceinline__ void ldmatrix(uint32_t (&r)[N], const void* row) {
    static_assert(N == 1 || N == 2 || N == 4, "1, 2 or 4 matrices");
    const uint32_t at = shared_address(row);
    if constexpr (N == 1) asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(at) : "memory");
    if constexpr (N == 2) asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(at) : "memory");
    if constexpr (N == 4)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}
template <int N> __device__ __forceinline__ void ldmatrix_trans(uint32_t (&r)[N], const void* row) {
    static_assert(N == 1 || N == 2 || N == 4, "1, 2 or 4 matrices");
    const uint32_t at = shared_address(row);
    if constexpr (N == 1) asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(at) : "memory");
    if constexpr (N == 2) asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(at) : "memory");
    if constexpr (N == 4)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}

// ---- Copies from global to shared memory that run beside the thread ----

// Both addresses are multiples of Bytes. An invalid source is not read: zeros are stored.
template <int Bytes> __device__ __forceinline__ void cp_async(void* shared, const void* global, bool valid = true) {
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async moves 4, 8 or 16 bytes");
    if constexpr (Bytes == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(valid ? 16 : 0) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(shared)), "l"(global), "n"(Bytes), "r"(valid ? Bytes : 0) : "memory");
}

// Closes the thread's group of copies.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most that many of the thread's latest groups are unfinished. Other threads see the data after a barrier.
template <int PendingGroups> __device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(PendingGroups) : "memory"); }

#if __CUDA_ARCH__ >= 900
// ---- Hopper: barriers in shared memory, 8 bytes each, and bulk copies that complete on them ----

// One thread initialises, then fences, then the block meets. A phase ends when `arrivals` arrivals and all expected bytes have come.
__device__ __forceinline__ void mbarrier_init(uint64_t* barrier, uint32_t arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void mbarrier_fence_init() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
__device__ __forceinline__ void mbarrier_arrive(uint64_t* barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}
// An arrival that makes the phase wait for that many bytes of bulk copies too.
__device__ __forceinline__ void mbarrier_arrive_expect(uint64_t* barrier, uint32_t bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
}
// True when the phase of that parity has ended; parities alternate from 0. May wait a little.
__device__ __forceinline__ bool mbarrier_try_wait(uint64_t* barrier, uint32_t parity) {
    uint32_t ended;
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
                 : "=r"(ended) : "r"(shared_address(barrier)), "r"(parity) : "memory");
    return ended != 0;
}

// Copies `bytes`, a multiple of 16 between addresses that are, and counts them on the barrier. One thread issues it for the block.
__device__ __forceinline__ void bulk_load(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                 ::"r"(shared_address(shared)), "l"(global), "r"(bytes), "r"(shared_address(barrier)) : "memory");
}

// Ordinary accesses to shared memory before it come before bulk copies after it: needed when a buffer is refilled.
__device__ __forceinline__ void fence_async_shared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
#endif

// ---- The kernel before and the kernel after (programmatic dependent launch); nothing before sm_90, where kernels do not overlap ----

// From here on the next kernel's blocks may start as soon as there is room.
__device__ __forceinline__ void launch_dependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
// Returns when all kernels before this one have ended and what they wrote can be seen.
__device__ __forceinline__ void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// ---- Barriers of a part of the block: id 1 to 15 (0 is __syncthreads), threads a multiple of 32 ----
__device__ __forceinline__ void barrier_sync(int id, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory"); }
__device__ __forceinline__ void barrier_arrive(int id, int threads) { asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory"); }

// ---- Loads ----
__device__ __forceinline__ void prefetch_l2(const void* p) { asm volatile("prefetch.global.L2 [%0];" ::"l"(p)); }

// A value that this kernel reads once and nobody writes meanwhile, such as weights: leaves the first-level cache to others. 16 bytes.
template <class T> __device__ __forceinline__ T load_once(const T* p) {
    static_assert(sizeof(T) == 16, "16 bytes");
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
    return *reinterpret_cast<T*>(&v);
}

// ---- Fast functions, a few units in the last place off; tanh 2^-11 relative ----
__device__ __forceinline__ float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
__device__ __forceinline__ float log2_approx(float x) {
    float y;
    asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
__device__ __forceinline__ float rcp_approx(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
__device__ __forceinline__ float tanh_approx(float x) {
    float y;
    asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// ---- Conversions, to nearest even; what two and four values make is in dtype.cuh ----
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
    uint32_t packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

__device__ __forceinline__ uint32_t pack_f16(float low, float high) {
    uint32_t packed;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

// Products of both halves, each rounded once.
__device__ __forceinline__ uint32_t mul_bf16x2(uint32_t x, uint32_t y) {
    uint32_t product;
    asm("{ .reg .b32 zero; mov.b32 zero, 0x80008000; fma.rn.bf16x2 %0, %1, %2, zero; }" : "=r"(product) : "r"(x), "r"(y));
    return product;
}

// The operand of mma_tf32: 10 mantissa bits, ties away from zero.
__device__ __forceinline__ uint32_t to_tf32(float x) {
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

__device__ __forceinline__ float half_value(uint16_t bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
__device__ __forceinline__ uint16_t half_bits(float x) {
    uint16_t bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}

// Four e4m3 values in a word as two pairs of f16, exactly.
__device__ __forceinline__ void e4m3_to_f16(uint32_t packed, uint32_t& low, uint32_t& high) {
#if __CUDA_ARCH__ >= 890
    asm("{ .reg .b16 l, h; mov.b32 {l, h}, %2; cvt.rn.f16x2.e4m3x2 %0, l; cvt.rn.f16x2.e4m3x2 %1, h; }" : "=r"(low), "=r"(high) : "r"(packed));
#else
    // The f16 whose exponent and mantissa fields hold the bits is 2^-8 of the value, subnormal or not.
    asm("{ .reg .b32 s, m; prmt.b32 s, %2, 0, 0x1404; and.b32 m, s, 0x7f007f00; shr.u32 m, m, 1; lop3.b32 s, s, 0x80008000, m, 0xea; mul.f16x2 %0, s, %3;"
        " prmt.b32 s, %2, 0, 0x3424; and.b32 m, s, 0x7f007f00; shr.u32 m, m, 1; lop3.b32 s, s, 0x80008000, m, 0xea; mul.f16x2 %1, s, %3; }"
        : "=r"(low), "=r"(high) : "r"(packed), "r"(0x5c005c00));
#endif
}

#if __CUDA_ARCH__ >= 890
// Four e4m3 values in a word, lowest byte first. Beyond 448 saturates.
__device__ __forceinline__ uint32_t pack_e4m3(float x0, float x1, float x2, float x3) {
    uint16_t low, high;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(low) : "f"(x1), "f"(x0));
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(high) : "f"(x3), "f"(x2));
    return low | (uint32_t)high << 16;
}
__device__ __forceinline__ void unpack_e4m3(uint32_t packed, float (&x)[4]) {
    uint32_t low, high;
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(low) : "h"((uint16_t)packed));
    asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(high) : "h"((uint16_t)(packed >> 16)));
    x[0] = half_value((uint16_t)low), x[1] = half_value((uint16_t)(low >> 16));
    x[2] = half_value((uint16_t)high), x[3] = half_value((uint16_t)(high >> 16));
}
#endif

#endif

#if defined(QWEN3NEXT_EMULATED) || __CUDA_ARCH__ < 890
// Before sm_89 in integer arithmetic. An e4m3 value is 2^120 times the float whose exponent and mantissa fields hold its bits.
__device__ __forceinline__ float e4m3_value(uint32_t bits) {
    const float magnitude = __uint_as_float((bits & 0x7f) << 20) * __uint_as_float(247u << 23);
    return __uint_as_float(__float_as_uint((bits & 0x7f) == 0x7f ? __uint_as_float(0x7fc00000u) : magnitude) | (bits & 0x80) << 24);
}
__device__ __forceinline__ uint32_t e4m3_bits(float x) {
    const uint32_t sign = __float_as_uint(x) >> 24 & 0x80, magnitude = __float_as_uint(x) & 0x7fffffff;
    if (magnitude > 0x7f800000u) return sign | 0x7f;
    // Below 2^-6 steps are 2^-9 wide: adding 2^14 makes the hardware round at that bit.
    if (magnitude < 121u << 23) return sign | (__float_as_uint(__uint_as_float(magnitude) + 16384.0f) - (141u << 23));
    const uint32_t rounded = (magnitude + 0x7ffff + (magnitude >> 20 & 1)) >> 20;
    return sign | min(rounded - (120u << 3), 0x7eu);
}
__device__ __forceinline__ uint32_t pack_e4m3(float x0, float x1, float x2, float x3) {
    return e4m3_bits(x0) | e4m3_bits(x1) << 8 | e4m3_bits(x2) << 16 | e4m3_bits(x3) << 24;
}
__device__ __forceinline__ void unpack_e4m3(uint32_t packed, float (&x)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) x[i] = e4m3_value(packed >> (8 * i));
}
#endif

// Loads and stores with cache hints, atomics, fences. One thread runs at a time, so plain operations are atomic.
#pragma once

namespace emulator {
template <class T> inline const T* aligned(const T* p) {
    if ((uintptr_t)p % alignof(T)) runtime->fail(kErrorMisaligned, "an address is not a multiple of the size of what is loaded or stored there");
    return p;
}
}  // namespace emulator

#define EMULATED_LOAD(name) template <class T> inline T name(const T* p) { return *emulator::aligned(p); }
EMULATED_LOAD(__ldg)
EMULATED_LOAD(__ldcg)
EMULATED_LOAD(__ldca)
EMULATED_LOAD(__ldcs)
EMULATED_LOAD(__ldlu)
EMULATED_LOAD(__ldcv)
#undef EMULATED_LOAD

#define EMULATED_STORE(name) template <class T> inline void name(T* p, T value) { *(T*)emulator::aligned(p) = value; }
EMULATED_STORE(__stwb)
EMULATED_STORE(__stcg)
EMULATED_STORE(__stcs)
EMULATED_STORE(__stwt)
#undef EMULATED_STORE

#define EMULATED_ATOMIC(name, operation)                                                                               \
    template <class T> inline T name(T* p, decltype(T{}) value) {                                                      \
        const T old = *emulator::aligned(p);                                                                           \
        *p = operation;                                                                                                \
        return old;                                                                                                    \
    }
EMULATED_ATOMIC(atomicAdd, (T)(old + value))
EMULATED_ATOMIC(atomicSub, (T)(old - value))
EMULATED_ATOMIC(atomicExch, value)
EMULATED_ATOMIC(atomicMax, old > value ? old : value)
EMULATED_ATOMIC(atomicMin, old < value ? old : value)
EMULATED_ATOMIC(atomicAnd, old & value)
EMULATED_ATOMIC(atomicOr, old | value)
EMULATED_ATOMIC(atomicXor, old ^ value)
EMULATED_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
EMULATED_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
#undef EMULATED_ATOMIC

template <class T> inline T atomicCAS(T* p, decltype(T{}) compare, decltype(T{}) value) {
    const T old = *emulator::aligned(p);
    if (old == compare) *p = value;
    return old;
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline void __nanosleep(unsigned) { emulator::runtime->yield(); }
inline long long clock64() { return (long long)__builtin_ia32_rdtsc(); }
inline int clock() { return (int)__builtin_ia32_rdtsc(); }
[[noreturn]] inline void __trap() { emulator::runtime->fail(emulator::kErrorLaunchFailed, "__trap"); }
#undef assert
#define assert(condition) ((condition) ? (void)0 : emulator::runtime->fail(emulator::kErrorAssert, "assert(" #condition ")"))

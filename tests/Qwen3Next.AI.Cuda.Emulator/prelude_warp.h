// Where threads meet: barriers, shuffles, votes, reductions.
#pragma once

namespace emulator {

[[noreturn]] inline void fail_meeting(const char* message) { runtime->fail(kErrorLaunchFailed, message); }

// The meeting of the lanes of that mask, a new one if they have none.
inline int find_meeting(Warp& warp, uint32_t mask) {
    for (uint32_t rest = warp.meetings; rest; rest &= rest - 1)
        if (warp.mask[__builtin_ctz(rest)] == mask) return __builtin_ctz(rest);
    const int meeting = __builtin_ctz(~warp.meetings);
    warp.meetings |= 1u << meeting;
    warp.mask[meeting] = mask;
    warp.arrived[meeting] = 0;
    return meeting;
}

// All lanes of `mask` that have not ended come together; the last one completes for all, from payloads that lie on their stacks.
inline void meet(uint32_t mask, void* payload, Complete complete) {
    Runtime& r = *runtime;
    const Thread& self = *r.self;
    Warp& warp = r.warps[self.warp];
    const uint32_t bit = 1u << self.lane;
    if (!(mask & bit)) fail_meeting("a lane calls a warp intrinsic with a mask that leaves it out");
    warp.payload[self.lane] = payload;
    warp.complete[self.lane] = complete;
    const int meeting = find_meeting(warp, mask);
    const uint32_t arrived = warp.arrived[meeting] |= bit, members = mask & warp.live;
    if (arrived != members) {
        warp.ready &= ~bit;
        r.block();
        return;
    }
    for (uint32_t rest = members; rest; rest &= rest - 1)
        if (warp.complete[__builtin_ctz(rest)] != complete) fail_meeting("lanes of a warp meet in different intrinsics");
    warp.meetings &= ~(1u << meeting);
    complete(warp.payload, members);
    warp.ready |= members;
}

struct Shuffle {
    uint64_t value, result;
    int source;
};

inline void complete_shuffle(void* const* lanes, uint32_t members) {
    for (uint32_t rest = members; rest; rest &= rest - 1) {
        Shuffle& lane = *(Shuffle*)lanes[__builtin_ctz(rest)];
        // Reading a lane that takes no part gives anything on a GPU; here a NaN.
        lane.result = members >> lane.source & 1 ? ((Shuffle*)lanes[lane.source])->value : ~0ull;
    }
}

template <class T> inline T shuffle(uint32_t mask, T value, int source) {
    static_assert(sizeof(T) <= 8, "shuffles move 4 or 8 bytes");
    Shuffle lane{0, 0, source};
    memcpy(&lane.value, &value, sizeof(T));
    meet(mask, &lane, complete_shuffle);
    memcpy(&value, &lane.result, sizeof(T));
    return value;
}

inline int lane() { return (int)runtime->self->lane; }

struct Vote {
    uint64_t value;
    uint32_t result;
};

inline void complete_ballot(void* const* lanes, uint32_t members) {
    uint32_t result = 0;
    for (uint32_t rest = members; rest; rest &= rest - 1) result |= (((Vote*)lanes[__builtin_ctz(rest)])->value ? 1u : 0) << __builtin_ctz(rest);
    for (uint32_t rest = members; rest; rest &= rest - 1) ((Vote*)lanes[__builtin_ctz(rest)])->result = result;
}

inline void complete_match(void* const* lanes, uint32_t members) {
    for (uint32_t rest = members; rest; rest &= rest - 1) {
        Vote& vote = *(Vote*)lanes[__builtin_ctz(rest)];
        vote.result = 0;
        for (uint32_t other = members; other; other &= other - 1)
            if (((Vote*)lanes[__builtin_ctz(other)])->value == vote.value) vote.result |= other & -other;
    }
}

template <class T, class Operation> struct Reduction {
    static void complete(void* const* lanes, uint32_t members) {
        T result = *(T*)lanes[__builtin_ctz(members)];
        for (uint32_t rest = members & (members - 1); rest; rest &= rest - 1) result = Operation::apply(result, *(T*)lanes[__builtin_ctz(rest)]);
        for (uint32_t rest = members; rest; rest &= rest - 1) *(T*)lanes[__builtin_ctz(rest)] = result;
    }
};

inline void complete_nothing(void* const*, uint32_t) {}

}  // namespace emulator

inline void __syncwarp(unsigned mask = ~0u) { emulator::meet(mask, nullptr, emulator::complete_nothing); }

template <class T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
    return emulator::shuffle(mask, value, (emulator::lane() & ~(width - 1)) | (source & (width - 1)));
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
    const int lane = emulator::lane(), source = lane ^ bits;
    return emulator::shuffle(mask, value, source < (lane & ~(width - 1)) + width ? source : lane);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32) {
    const int lane = emulator::lane(), source = lane - (int)distance;
    return emulator::shuffle(mask, value, source >= (lane & ~(width - 1)) ? source : lane);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32) {
    const int lane = emulator::lane(), source = lane + (int)distance;
    return emulator::shuffle(mask, value, source < (lane & ~(width - 1)) + width ? source : lane);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
    emulator::Vote vote{predicate != 0, 0};
    emulator::meet(mask, &vote, emulator::complete_ballot);
    return vote.result;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
inline unsigned __activemask() { return emulator::runtime->warps[emulator::runtime->self->warp].live; }
template <class T> inline unsigned __match_any_sync(unsigned mask, T value) {
    emulator::Vote vote{0, 0};
    memcpy(&vote.value, &value, sizeof(T));
    emulator::meet(mask, &vote, emulator::complete_match);
    return vote.result;
}

#define EMULATED_REDUCTION(name, operation, expression)                                                                \
    namespace emulator {                                                                                               \
    struct operation {                                                                                                      \
        template <class T> static T apply(T a, T b) { return expression; }                                             \
    };                                                                                                                 \
    }                                                                                                                  \
    inline unsigned __reduce_##name##_sync(unsigned mask, unsigned value) {                                            \
        emulator::meet(mask, &value, emulator::Reduction<unsigned, emulator::operation>::complete);                         \
        return value;                                                                                                  \
    }                                                                                                                  \
    inline int __reduce_##name##_sync(unsigned mask, int value) {                                                      \
        emulator::meet(mask, &value, emulator::Reduction<int, emulator::operation>::complete);                              \
        return value;                                                                                                  \
    }
EMULATED_REDUCTION(add, Sum, a + b)
EMULATED_REDUCTION(min, Least, a < b ? a : b)
EMULATED_REDUCTION(max, Most, a > b ? a : b)
EMULATED_REDUCTION(and, BitAnd, a & b)
EMULATED_REDUCTION(or, BitOr, a | b)
EMULATED_REDUCTION(xor, BitXor, a ^ b)
#undef EMULATED_REDUCTION

namespace emulator {
inline int block_size() { return (int)(runtime->thread_count.x * runtime->thread_count.y * runtime->thread_count.z); }
inline int barrier_count(bool predicate) { return runtime->barrier(0, block_size(), BarrierKind::sync, predicate); }
}  // namespace emulator

inline void __syncthreads() { emulator::barrier_count(false); }
inline int __syncthreads_count(int predicate) { return emulator::barrier_count(predicate != 0); }
inline int __syncthreads_or(int predicate) { return emulator::barrier_count(predicate != 0) != 0; }
inline int __syncthreads_and(int predicate) { return emulator::barrier_count(predicate == 0) == 0; }

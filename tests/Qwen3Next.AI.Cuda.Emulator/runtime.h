// What the emulator and the kernels compiled for it share: the state of the one block that runs.
// A kernel's shared object reaches it through `emulator::runtime`, which the loader sets.
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulator {

constexpr int kMaxThreads = 1024, kMaxWarps = 32, kBarriers = 16;

struct Index3 {
    unsigned x, y, z;
};

// A thread of the block: a fiber with a stack of its own.
struct Thread {
    void* stack;   // where it stopped, while it is not running
    Index3 index;
    uint32_t warp, lane;
};

// What lanes leave for each other when they meet: payloads lie on the stacks of the lanes that wait.
using Complete = void (*)(void* const* payloads, uint32_t members);

struct Warp {
    uint32_t ready, live;
    void* payload[32];
    Complete complete[32];   // by lane: what it meets for
    uint32_t meetings;       // under way, a bit each; several masks may hold a lane that is still to come
    uint32_t mask[32], arrived[32];
};

enum class BarrierKind { sync, arrive };

struct Runtime {
    Thread* self;
    Index3 thread_count, block_index, grid_size;
    char* dynamic_shared;
    uint32_t dynamic_bytes;
    uint32_t ready_warps;
    Warp warps[kMaxWarps];

    // Stops the running thread until its ready bit is set again.
    void (*block)();
    // Lets others run, then returns: for loops that poll.
    void (*yield)();
    // Ends the launch with an error.
    [[noreturn]] void (*fail)(int code, const char* message);
    // Returns how many threads gave a true predicate.
    int (*barrier)(int id, int threads, BarrierKind kind, bool predicate);
    void (*cp_async)(void* shared, const void* global, int bytes, int valid);
    void (*cp_async_commit)();
    void (*cp_async_wait)(int pending_groups);
    void (*mbarrier_init)(uint64_t* barrier, uint32_t count);
    void (*mbarrier_arrive)(uint64_t* barrier, uint32_t count, uint32_t expected_bytes);
    bool (*mbarrier_test)(uint64_t* barrier, uint32_t parity);
    void (*bulk_load)(void* shared, const void* global, uint32_t bytes, uint64_t* barrier);
    void (*wait_for_previous_kernel)();
    Complete mma_bf16, mma_f16, mma_e4m3, mma_tf32, ldmatrix, ldmatrix_trans;
};

// Operands of one matrix instruction, by lane.
struct MatrixOperands {
    float* d;
    const uint32_t *a, *b;
};

struct MatrixLoad {
    uint32_t* registers;
    const void* row;
    int count;   // 1, 2 or 4 matrices; lanes 0 to 8 * count - 1 have their rows
};

// A compiled source, found by the symbol `emulated_module`.
struct KernelEntry {
    const char* name;
    void (*call)(void** arguments);
    int parameter_count;
    const int* parameter_bytes;
    int max_threads;
};

struct Module {
    const KernelEntry* kernels;
    int kernel_count;
    char *shared_begin, *shared_end;   // all __shared__ variables of the source
    Runtime** runtime;
};

constexpr int kErrorIllegalAddress = 700, kErrorAssert = 710, kErrorIllegalInstruction = 715, kErrorMisaligned = 716, kErrorLaunchFailed = 719, kErrorTimeout = 702;

}  // namespace emulator

// The parts of the emulator among themselves. All of it runs under one lock, one launch at a time.
#pragma once
#include "runtime.h"
#include <string>
#include <vector>

namespace emulator {

// Set from the environment when the library is loaded (QWEN3NEXT_EMULATOR_ and the name in capitals), or by emulator_configure.
struct Settings {
    long seed = 0;               // 0: threads and blocks in order; else an order of its own for each seed
    long poison = 1;             // fresh device memory and shared memory is filled with NaN
    long guarded = 1;            // a device allocation ends at an inaccessible page
    long private_memory = 0;     // device memory is inaccessible outside launches and copies
    long memory_mib = 16384;     // what the device says it has
    long capability = 90;        // compute capability, times ten
    long multiprocessors = 4;    // what the device says it has
    long idle = 0;               // nothing is compiled, run or copied: for asking what a model would load
    long timeout_seconds = 300;  // a launch that takes longer is ended with an error
};
extern Settings settings;

uint64_t random_number();

// ---- memory.cpp ----
constexpr int kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2;
int allocate(void** address, size_t bytes);
int release(void* address);
bool is_device_range(const void* address, size_t bytes);
size_t allocated_bytes();
std::string describe(const void* address);

// Device memory is accessible while one of these lives.
struct Access {
    Access();
    ~Access();
};

// ---- scheduler.cpp ----
struct Launch {
    const KernelEntry* kernel;
    const Module* module;
    Index3 grid, block;
    uint32_t dynamic_bytes;
    bool overlaps;
    std::vector<std::vector<char>> arguments;
};

extern Runtime the_runtime;

// A thread got further: those that poll may go on.
void note_progress();

// Runs all blocks. An error code, and what happened in `report`.
int run(Launch& launch, std::string& report);

// ---- async.cpp ----
void install_async();
void reset_async();             // at a block's start: nothing is under way
bool unfinished_bulk_loads();
bool is_shared(const void* address, size_t bytes);

// ---- matrix.cpp ----
void install_matrix();

}  // namespace emulator

// Copies that run beside the threads. They are done as late as the kernel allows, at the wait for them; with a seed, some of them at once.
// Late finds a missing wait, early a buffer that is overwritten while others read it.
#include "emulator.h"
#include <cstring>

namespace emulator {
namespace {

struct Copy {
    void* to;
    const void* from;
    int bytes, valid;
};

// One thread's copies; groups are closed at `ends`.
struct Copies {
    std::vector<Copy> list;
    std::vector<size_t> ends;
    size_t done = 0, groups_done = 0;
};

struct BulkLoad {
    void* to;
    const void* from;
    uint32_t bytes;
    uint64_t* barrier;
};

struct MemoryBarrier {
    uint64_t arrivals : 20, pending : 20;
    int64_t transactions : 23;
    uint64_t phase : 1;
};
static_assert(sizeof(MemoryBarrier) == 8, "as large as the PTX object");

Copies copies[kMaxThreads];
bool copies_used;
std::vector<BulkLoad> bulk_loads;

[[noreturn]] void fail(const char* message) { the_runtime.fail(kErrorLaunchFailed, message); }

void check_shared(const void* address, size_t bytes, const char* message) {
    if (!is_shared(address, bytes)) fail(message);
}

Copies& own() { return copies[the_runtime.self->warp * 32 + the_runtime.self->lane]; }

void perform(const Copy& copy) {
    memcpy(copy.to, copy.from, copy.valid);
    memset((char*)copy.to + copy.valid, 0, copy.bytes - copy.valid);
}

bool at_once() { return settings.seed && random_number() & 1; }

void cp_async(void* shared, const void* global, int bytes, int valid) {
    check_shared(shared, bytes, "cp.async to an address that is not in shared memory");
    if (((uintptr_t)shared | (valid ? (uintptr_t)global : 0)) % bytes) the_runtime.fail(kErrorMisaligned, "cp.async at an address that is not a multiple of its size");
    const Copy copy{shared, global, bytes, valid};
    if (at_once()) return perform(copy);
    copies_used = true;
    own().list.push_back(copy);
}

void cp_async_commit() {
    copies_used = true;
    own().ends.push_back(own().list.size());
}

void cp_async_wait(int pending_groups) {
    Copies& mine = own();
    while (mine.ends.size() - mine.groups_done > (size_t)pending_groups)
        for (const size_t end = mine.ends[mine.groups_done++]; mine.done < end; mine.done++) perform(mine.list[mine.done]);
    if (mine.groups_done < mine.ends.size() || mine.done < mine.list.size()) return;
    mine.list.clear();
    mine.ends.clear();
    mine.done = mine.groups_done = 0;
}

MemoryBarrier& opened(uint64_t* address) {
    check_shared(address, 8, "an mbarrier that is not in shared memory");
    auto& barrier = *(MemoryBarrier*)address;
    if (barrier.arrivals == 0 || barrier.arrivals == 0xfffff) fail("an mbarrier is used that nobody initialised");
    return barrier;
}

void end_phase_if_complete(MemoryBarrier& barrier) {
    if (barrier.pending || barrier.transactions) return;
    barrier.phase ^= 1;
    barrier.pending = barrier.arrivals;
    note_progress();
}

void mbarrier_init(uint64_t* address, uint32_t count) {
    check_shared(address, 8, "an mbarrier that is not in shared memory");
    if ((uintptr_t)address % 8) the_runtime.fail(kErrorMisaligned, "an mbarrier at an address that is not a multiple of 8");
    if (count == 0 || count >= 0xfffff) fail("an mbarrier for no or too many arrivals");
    *(MemoryBarrier*)address = {count, count, 0, 0};
}

void mbarrier_arrive(uint64_t* address, uint32_t count, uint32_t expected_bytes) {
    MemoryBarrier& barrier = opened(address);
    if (barrier.pending < count) fail("more threads arrive at an mbarrier than it was made for");
    barrier.transactions += expected_bytes;
    barrier.pending -= count;
    end_phase_if_complete(barrier);
}

void perform(const BulkLoad& load) {
    memcpy(load.to, load.from, load.bytes);
    MemoryBarrier& barrier = opened(load.barrier);
    barrier.transactions -= load.bytes;
    end_phase_if_complete(barrier);
}

bool mbarrier_test(uint64_t* address, uint32_t parity) {
    const MemoryBarrier& barrier = opened(address);
    if (barrier.phase != parity) return true;
    for (size_t i = 0; i < bulk_loads.size() && barrier.phase == parity;) {
        if (bulk_loads[i].barrier != address) {
            i++;
            continue;
        }
        perform(bulk_loads[i]);
        bulk_loads.erase(bulk_loads.begin() + (long)i);
    }
    return barrier.phase != parity;
}

void bulk_load(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
    check_shared(shared, bytes, "a bulk copy to addresses that are not in shared memory");
    if (((uintptr_t)shared | (uintptr_t)global | bytes) % 16) the_runtime.fail(kErrorMisaligned, "a bulk copy whose addresses or size are not multiples of 16");
    opened(barrier);
    const BulkLoad load{shared, global, bytes, barrier};
    if (at_once()) perform(load);
    else bulk_loads.push_back(load);
}

}  // namespace

void install_async() {
    the_runtime.cp_async = cp_async;
    the_runtime.cp_async_commit = cp_async_commit;
    the_runtime.cp_async_wait = cp_async_wait;
    the_runtime.mbarrier_init = mbarrier_init;
    the_runtime.mbarrier_arrive = mbarrier_arrive;
    the_runtime.mbarrier_test = mbarrier_test;
    the_runtime.bulk_load = bulk_load;
}

void reset_async() {
    bulk_loads.clear();
    if (!copies_used) return;
    for (Copies& of_thread : copies) of_thread = {};
    copies_used = false;
}

bool unfinished_bulk_loads() { return !bulk_loads.empty(); }

}  // namespace emulator

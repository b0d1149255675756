// Device memory: pages of an address range that is never used twice, so that late and stray accesses fault.
#include "emulator.h"
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

namespace emulator {
namespace {

constexpr size_t kPage = 4096, kArena = (size_t)16 << 40, kPoisonFile = 4 << 20, kAlignment = 256;

struct Allocation {
    size_t bytes;
    char* pages;
    size_t page_bytes;   // without the page after them that nobody may touch
};

std::map<uintptr_t, Allocation> allocations, released;
char *arena, *arena_next;
size_t in_use;
int access_depth;

void protect_all(int protection) {
    for (auto& [address, allocation] : allocations) mprotect(allocation.pages, allocation.page_bytes, protection);
}

// Pages of NaN that cost nothing until they are used: copies on write of one file in memory.
bool map_poison(char* pages, size_t bytes) {
    static const int file = [] {
        const int created = memfd_create("poison", 0);
        const std::string nan(kPoisonFile, (char)0xff);
        return created >= 0 && write(created, nan.data(), nan.size()) == (ssize_t)nan.size() ? created : -1;
    }();
    for (size_t at = 0; at < bytes; at += kPoisonFile)
        if (mmap(pages + at, std::min(kPoisonFile, bytes - at), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, 0) == MAP_FAILED) return false;
    return true;
}

const Allocation* below(const std::map<uintptr_t, Allocation>& map, uintptr_t address, uintptr_t* start) {
    auto after = map.upper_bound(address);
    if (after == map.begin()) return nullptr;
    *start = std::prev(after)->first;
    return &std::prev(after)->second;
}

}  // namespace

int allocate(void** address, size_t bytes) {
    if (bytes == 0) return kInvalidValue;
    if (in_use + bytes > (size_t)settings.memory_mib << 20) return kOutOfMemory;
    if (!arena) {
        void* range = mmap(nullptr, kArena, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (range == MAP_FAILED) return kOutOfMemory;
        arena = arena_next = (char*)range;
    }
    const size_t page_bytes = (bytes + kPage - 1) / kPage * kPage;
    if (arena_next + page_bytes + kPage > arena + kArena) return kOutOfMemory;
    if (settings.poison ? !map_poison(arena_next, page_bytes) : mprotect(arena_next, page_bytes, PROT_READ | PROT_WRITE)) return kOutOfMemory;
    // Up against the page after it, at a multiple of 16: what vector accesses need. Without guards as a GPU aligns.
    char* start = settings.guarded ? arena_next + page_bytes - (bytes + 15) / 16 * 16 : arena_next;
    static_assert(kPage % kAlignment == 0, "pages are aligned as device memory is");
    allocations[(uintptr_t)start] = {bytes, arena_next, page_bytes};
    if (settings.private_memory && !access_depth) mprotect(arena_next, page_bytes, PROT_NONE);
    arena_next += page_bytes + kPage;
    in_use += bytes;
    *address = start;
    return kSuccess;
}

int release(void* address) {
    auto found = allocations.find((uintptr_t)address);
    if (found == allocations.end()) return kInvalidValue;
    mmap(found->second.pages, found->second.page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    in_use -= found->second.bytes;
    released.insert(allocations.extract(found));
    return kSuccess;
}

bool is_device_range(const void* address, size_t bytes) {
    uintptr_t start;
    const Allocation* allocation = below(allocations, (uintptr_t)address, &start);
    return allocation && (uintptr_t)address + bytes <= start + allocation->bytes;
}

size_t allocated_bytes() { return in_use; }

std::string describe(const void* address) {
    char text[256];
    uintptr_t start;
    const auto at = (uintptr_t)address;
    if (const Allocation* freed = below(released, at, &start); freed && at < start + freed->bytes) {
        snprintf(text, sizeof text, "%p, byte %zu of an allocation of %zu bytes that is freed", address, (size_t)(at - start), freed->bytes);
    } else if (const Allocation* near = below(allocations, at, &start); near && at < start + near->bytes + kPage) {
        snprintf(text, sizeof text, "%p, byte %zu of an allocation of %zu bytes", address, (size_t)(at - start), near->bytes);
    } else if (auto next = allocations.upper_bound(at); next != allocations.end() && at >= (uintptr_t)next->second.pages - kPage) {
        snprintf(text, sizeof text, "%p, %zu bytes before an allocation of %zu bytes", address, (size_t)(next->first - at), next->second.bytes);
    } else {
        snprintf(text, sizeof text, "%p, where no device memory is", address);
    }
    return text;
}

Access::Access() {
    if (settings.private_memory && access_depth++ == 0) protect_all(PROT_READ | PROT_WRITE);
}

Access::~Access() {
    if (settings.private_memory && --access_depth == 0) protect_all(PROT_NONE);
}

}  // namespace emulator

// Runs a grid: block after block, each thread a fiber that runs until it has to wait for others.
#include "emulator.h"
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <numeric>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// Saves the callee-saved registers and the stack pointer in *rdi, then goes on where the stack rsi was left.
// Returning by a jump through a register lets the processor predict the target: fibers mostly stop where others did.
asm(R"(
.text
.p2align 4
.type emulator_switch, @function
emulator_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
emulator_resume:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    pop %rcx
    jmp *%rcx
)");
extern "C" __attribute__((visibility("hidden"))) void emulator_switch(void** save, void* load);
extern "C" __attribute__((visibility("hidden"))) void emulator_resume();

namespace emulator {

Runtime the_runtime;

namespace {

// A stack holds the fiber's frames and, now and then, a signal's. Neighbours are shifted by some cache lines, so that their tops do not
// compete for the same ones. Only what is used becomes memory.
constexpr size_t kStackBytes = 128 << 10, kStackShift = 320, kGuard = 4096;
constexpr size_t kSharedBytes = 256 << 10;

Thread threads[kMaxThreads];
char* stacks;
char* shared_end;
void* host_stack;
Launch* current;
void* argument_pointers[64];
uint32_t live_threads;
int warp_count;
bool waited_for_previous;
long polls;
volatile sig_atomic_t inside;
pid_t inside_thread;
int failure;
char failure_text[768];

struct Meeting {
    uint32_t waiting[kMaxWarps];
    int arrived, expected, trues, result;
} meetings[kBarriers];

struct sigaction previous_handlers[64];

void start_thread();

void prepare_stack(int index) {
    char* top = stacks + (index + 1) * (kStackBytes + kGuard) - (index % 16) * kStackShift - 64;
    void** frame = (void**)((uintptr_t)top & ~(uintptr_t)15);
    *--frame = nullptr;   // where a return address would be: a fiber never returns
    *--frame = (void*)start_thread;
    frame -= 6;
    memset(frame, 0, 6 * sizeof(void*));
    threads[index].stack = frame;
}

Thread* thread_of(int warp, uint32_t bit_set) { return &threads[warp * 32 + __builtin_ctz(bit_set)]; }

// Who runs next: lanes of the running warp after this one, then its others, then the next warps. Null when nobody can.
Thread* next_ready(bool leave_warp) {
    Runtime& r = the_runtime;
    if (settings.seed) {
        int ready = 0;
        for (int w = 0; w < warp_count; w++) ready += __builtin_popcount(r.warps[w].ready);
        if (!ready) return nullptr;
        int pick = (int)(random_number() % ready);
        for (int w = 0;; w++) {
            uint32_t bits = r.warps[w].ready;
            if (pick >= __builtin_popcount(bits)) {
                pick -= __builtin_popcount(bits);
                continue;
            }
            while (pick--) bits &= bits - 1;
            return thread_of(w, bits);
        }
    }
    const int warp = (int)r.self->warp;
    const uint32_t ready = r.warps[warp].ready, later = ready & (~1u << r.self->lane);
    if (!leave_warp && ready) return thread_of(warp, later ? later : ready);
    for (int i = 1; i <= warp_count; i++) {
        const int w = (warp + i) % warp_count;
        if (const uint32_t bits = w == warp && later ? later : r.warps[w].ready) return thread_of(w, bits);
    }
    return nullptr;
}

[[noreturn]] void leave_to_host() {
    void* abandoned;
    emulator_switch(&abandoned, host_stack);
    __builtin_unreachable();
}

// " (thread x y z of block x y z)" of the running thread.
void place(char* text, size_t size) {
    const Index3 t = the_runtime.self->index, b = the_runtime.block_index;
    snprintf(text, size, "kernel %s, block (%u, %u, %u), thread (%u, %u, %u)", current->kernel->name, b.x, b.y, b.z, t.x, t.y, t.z);
}

[[noreturn]] void fail(int code, const char* message) {
    char where[256];
    place(where, sizeof where);
    failure = code;
    snprintf(failure_text, sizeof failure_text, "%s: %s", where, message);
    leave_to_host();
}

[[noreturn]] void fail_deadlock() {
    char text[512];
    int length = snprintf(text, sizeof text, "no thread can go on; %u of %u have not ended", live_threads,
                          the_runtime.thread_count.x * the_runtime.thread_count.y * the_runtime.thread_count.z);
    for (int id = 0; id < kBarriers; id++)
        if (meetings[id].arrived && length < 400)
            length += snprintf(text + length, sizeof text - length, "; %d wait at barrier %d for %d", meetings[id].arrived, id, meetings[id].expected);
    for (int w = 0; w < warp_count; w++)
        for (uint32_t rest = the_runtime.warps[w].meetings; rest && length < 400; rest &= rest - 1)
            length += snprintf(text + length, sizeof text - length, "; lanes %08x of warp %d wait for %08x", the_runtime.warps[w].arrived[__builtin_ctz(rest)], w,
                               the_runtime.warps[w].mask[__builtin_ctz(rest)] & the_runtime.warps[w].live);
    fail(kErrorLaunchFailed, text);
}

void go_to(Thread* to) {
    Thread* from = the_runtime.self;
    if (to == from) return;
    the_runtime.self = to;
    emulator_switch(&from->stack, to->stack);
}

void block() {
    polls = 0;
    Thread* to = next_ready(false);
    if (!to) fail_deadlock();
    go_to(to);
}

void yield() {
    if (++polls > 20000000) fail(kErrorTimeout, "all threads poll for something that does not come");
    go_to(next_ready(true));
}

int barrier(int id, int expected, BarrierKind kind, bool predicate) {
    if (id < 0 || id >= kBarriers) fail(kErrorLaunchFailed, "a barrier's id is not 0 to 15");
    Runtime& r = the_runtime;
    Meeting& m = meetings[id];
    if (m.arrived && m.expected != expected) fail(kErrorLaunchFailed, "threads give one barrier different counts of threads");
    m.expected = expected;
    m.trues += predicate;
    const uint32_t bit = 1u << r.self->lane;
    if (++m.arrived < expected) {
        if (kind == BarrierKind::arrive) return 0;
        m.waiting[r.self->warp] |= bit;
        r.warps[r.self->warp].ready &= ~bit;
        block();
        return m.result;
    }
    m.result = m.trues;
    m.arrived = m.trues = 0;
    for (int w = 0; w < kMaxWarps; w++) {
        r.warps[w].ready |= m.waiting[w];
        m.waiting[w] = 0;
    }
    return m.result;
}

// A lane that ends may be the last that others of its warp waited for.
void end_lane(Warp& warp, uint32_t bit) {
    warp.live &= ~bit;
    warp.ready &= ~bit;
    for (uint32_t rest = warp.meetings; rest; rest &= rest - 1) {
        const int meeting = __builtin_ctz(rest);
        const uint32_t members = warp.mask[meeting] & warp.live;
        if (warp.arrived[meeting] != members) continue;
        warp.meetings &= ~(1u << meeting);
        warp.complete[__builtin_ctz(members)](warp.payload, members);
        warp.ready |= members;
    }
}

void start_thread() {
    current->kernel->call(argument_pointers);
    polls = 0;
    end_lane(the_runtime.warps[the_runtime.self->warp], 1u << the_runtime.self->lane);
    if (--live_threads == 0) leave_to_host();
    Thread* to = next_ready(false);
    if (!to) fail_deadlock();
    void* abandoned;
    the_runtime.self = to;
    emulator_switch(&abandoned, to->stack);
}

void prepare_block(const Launch& launch) {
    Runtime& r = the_runtime;
    const Index3 size = launch.block;
    live_threads = size.x * size.y * size.z;
    warp_count = (int)(live_threads + 31) / 32;
    memset(meetings, 0, sizeof meetings);
    for (uint32_t i = 0; i < live_threads; i++) {
        threads[i].index = {i % size.x, i / size.x % size.y, i / (size.x * size.y)};
        prepare_stack((int)i);
    }
    for (uint32_t w = 0; w * 32 < live_threads; w++) {
        Warp& warp = r.warps[w];
        warp.meetings = 0;
        warp.ready = warp.live = live_threads - w * 32 >= 32 ? ~0u : (1u << (live_threads - w * 32)) - 1;
    }
    if (settings.poison) {
        memset(r.dynamic_shared, 0xff, launch.dynamic_bytes);
        memset(launch.module->shared_begin, 0xff, launch.module->shared_end - launch.module->shared_begin);
    }
    reset_async();
    r.self = settings.seed ? &threads[random_number() % live_threads] : &threads[0];
}

// Ends the launch from inside a signal: the interrupted fiber is left, the host goes on.
void return_to_host(void* context) {
    auto& registers = ((ucontext_t*)context)->uc_mcontext.gregs;
    registers[REG_RSP] = (greg_t)host_stack;
    registers[REG_RIP] = (greg_t)&emulator_resume;
}

void on_signal(int signal, siginfo_t* info, void* context) {
    if (!inside || syscall(SYS_gettid) != inside_thread) {
        const struct sigaction& previous = previous_handlers[signal];
        if (previous.sa_flags & SA_SIGINFO) previous.sa_sigaction(signal, info, context);
        else if (previous.sa_handler == SIG_DFL) ::signal(signal, SIG_DFL);
        else if (previous.sa_handler != SIG_IGN) previous.sa_handler(signal);
        return;
    }
    char where[256];
    place(where, sizeof where);
    if (signal == SIGALRM) {
        failure = kErrorTimeout;
        snprintf(failure_text, sizeof failure_text, "%s: still running after %ld s", where, settings.timeout_seconds);
    } else if (signal == SIGILL || signal == SIGFPE || (signal == SIGSEGV && info->si_code == SI_KERNEL)) {
        // The processor refuses aligned vector accesses at odd addresses without saying where.
        failure = signal == SIGSEGV ? kErrorMisaligned : kErrorIllegalInstruction;
        snprintf(failure_text, sizeof failure_text, "%s: %s", where, signal == SIGSEGV ? "a misaligned or impossible address" : "an undefined operation, such as a division by zero");
    } else {
        failure = kErrorIllegalAddress;
        const bool write = ((ucontext_t*)context)->uc_mcontext.gregs[REG_ERR] & 2;
        snprintf(failure_text, sizeof failure_text, "%s: %s %s", where, write ? "writes" : "reads", describe(info->si_addr).c_str());
    }
    return_to_host(context);
}

void install_handlers() {
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM}) sigaction(signal, &action, &previous_handlers[signal]);
}

void set_up() {
    if (stacks) return;
    stacks = (char*)mmap(nullptr, kMaxThreads * (kStackBytes + kGuard), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < kMaxThreads; i++) {
        mprotect(stacks + i * (kStackBytes + kGuard), kGuard, PROT_NONE);
        threads[i].warp = i / 32, threads[i].lane = i % 32;
    }
    char* shared = (char*)mmap(nullptr, kSharedBytes + kGuard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared_end = shared + kSharedBytes;
    mprotect(shared_end, kGuard, PROT_NONE);
    the_runtime.block = block;
    the_runtime.yield = yield;
    the_runtime.fail = fail;
    the_runtime.barrier = barrier;
    the_runtime.wait_for_previous_kernel = [] { waited_for_previous = true; };
    install_async();
    install_matrix();
    install_handlers();
}

// A timer that signals this thread once the launch has taken too long.
struct Deadline {
    timer_t timer{};
    bool armed = false;

    Deadline() {
        sigevent event{};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = SIGALRM;
        event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
        armed = settings.timeout_seconds > 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
        itimerspec after{};
        after.it_value.tv_sec = settings.timeout_seconds;
        if (armed) timer_settime(timer, 0, &after, nullptr);
    }
    ~Deadline() {
        if (armed) timer_delete(timer);
    }
};

void set_failure(const char* message) {
    failure = kErrorLaunchFailed;
    snprintf(failure_text, sizeof failure_text, "kernel %s: %s", current->kernel->name, message);
}

}  // namespace

void note_progress() { polls = 0; }

bool is_shared(const void* address, size_t bytes) {
    const char* first = (const char*)address;
    return (first >= the_runtime.dynamic_shared && first + bytes <= the_runtime.dynamic_shared + the_runtime.dynamic_bytes) ||
           (first >= current->module->shared_begin && first + bytes <= current->module->shared_end);
}

int run(Launch& launch, std::string& report) {
    set_up();
    Runtime& r = the_runtime;
    *launch.module->runtime = &r;
    current = &launch;
    failure = 0;
    for (size_t i = 0; i < launch.arguments.size(); i++) argument_pointers[i] = launch.arguments[i].data();
    r.thread_count = launch.block, r.grid_size = launch.grid;
    // Dynamic shared memory ends at an inaccessible page; its start is aligned as the kernels ask for.
    r.dynamic_shared = shared_end - (launch.dynamic_bytes + 127) / 128 * 128;
    r.dynamic_bytes = launch.dynamic_bytes;
    const uint64_t blocks = (uint64_t)launch.grid.x * launch.grid.y * launch.grid.z;
    std::vector<uint32_t> order;
    if (settings.seed) {
        order.resize(blocks);
        std::iota(order.begin(), order.end(), 0u);
        for (uint64_t i = blocks; i > 1; i--) std::swap(order[i - 1], order[random_number() % i]);
    }
    Access access;
    Deadline deadline;
    inside_thread = (pid_t)syscall(SYS_gettid);
    waited_for_previous = false;
    for (uint64_t i = 0; i < blocks && !failure; i++) {
        const uint32_t b = order.empty() ? (uint32_t)i : order[i];
        r.block_index = {b % launch.grid.x, b / launch.grid.x % launch.grid.y, b / launch.grid.x / launch.grid.y};
        prepare_block(launch);
        inside = 1;
        emulator_switch(&host_stack, r.self->stack);
        inside = 0;
        if (!failure && unfinished_bulk_loads()) set_failure("a block ended before it had waited for all its bulk copies");
    }
    if (!failure && launch.overlaps && !waited_for_previous) set_failure("started while the kernel before it may run, and never waited for that");
    if (failure) report = failure_text;
    return failure;
}

}  // namespace emulator

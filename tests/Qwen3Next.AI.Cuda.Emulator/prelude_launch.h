// How the launcher calls a kernel: arguments by address, types from the kernel's own signature.
#pragma once
#include <utility>

namespace emulator {

template <auto kernel> struct Trampoline;

template <class... P, void (*kernel)(P...)> struct Trampoline<kernel> {
    static constexpr int count = sizeof...(P);
    static constexpr int bytes[] = {(int)sizeof(P)..., 0};
    static void call(void** arguments) { spread(arguments, std::index_sequence_for<P...>{}); }
    template <size_t... I> static void spread(void** arguments, std::index_sequence<I...>) { kernel(*(P*)arguments[I]...); }
};

template <class... Rest> constexpr int max_threads(int threads, Rest...) { return threads; }

}  // namespace emulator

// Ends of the section of __shared__ variables; absent when a source has none.
extern char __start_emulated_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_emulated_shared[] __attribute__((weak, visibility("hidden")));

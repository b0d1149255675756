// Included before every kernel source: CUDA C++ as far as kernels here use it, for one thread at a time.
#pragma once
#include "runtime.h"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <math.h>

namespace emulator {
__attribute__((visibility("hidden"))) inline Runtime* runtime;
}

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static __attribute__((section("emulated_shared")))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define __grid_constant__

#define threadIdx (::emulator::runtime->self->index)
#define blockIdx (::emulator::runtime->block_index)
#define blockDim (::emulator::runtime->thread_count)
#define gridDim (::emulator::runtime->grid_size)
constexpr int warpSize = 32;

#include "prelude_types.h"
#include "prelude_math.h"
#include "prelude_memory.h"
#include "prelude_warp.h"
#include "prelude_ptx.h"
#include "prelude_launch.h"

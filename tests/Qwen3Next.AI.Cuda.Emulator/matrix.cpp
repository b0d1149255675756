// Matrix instructions: the last lane to come computes for the warp. Fragment layouts are those of the PTX ISA:
// lane = 4 * group + member; a row of the result belongs to a group, two columns of it to a member.
#include "emulator.h"
#include <cmath>
#include <cstring>

namespace emulator {
namespace {

float as_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct Float8Table {
    float values[256];
    Float8Table() {
        for (int i = 0; i < 256; i++) {
            const int exponent = i >> 3 & 15, mantissa = i & 7;
            const float magnitude = (i & 127) == 127 ? NAN : exponent ? std::ldexp(8.0f + mantissa, exponent - 10) : std::ldexp((float)mantissa, -9);
            values[i] = i & 128 ? -magnitude : magnitude;
        }
    }
} float8;

// The values that one 32-bit register holds.
struct Bf16 {
    static constexpr int per_register = 2;
    static void unpack(uint32_t r, float* x) { x[0] = as_float(r << 16), x[1] = as_float(r & 0xffff0000u); }
};
struct F16 {
    static constexpr int per_register = 2;
    static void unpack(uint32_t r, float* x) {
        _Float16 halves[2];
        memcpy(halves, &r, sizeof r);
        x[0] = (float)halves[0], x[1] = (float)halves[1];
    }
};
struct E4m3 {
    static constexpr int per_register = 4;
    static void unpack(uint32_t r, float* x) {
        for (int i = 0; i < 4; i++) x[i] = float8.values[r >> (8 * i) & 0xff];
    }
};
struct Tf32 {
    static constexpr int per_register = 1;
    static void unpack(uint32_t r, float* x) { x[0] = as_float(r & 0xffffe000u); }
};

// Eight columns of a row, in one register of the processor.
typedef float Row __attribute__((vector_size(32)));

template <class Type> void multiply(void* const* lanes, uint32_t members) {
    if (members != ~0u) the_runtime.fail(kErrorLaunchFailed, "a matrix product needs all 32 lanes of a warp");
    constexpr int p = Type::per_register, depth = 8 * p;
    float a[16][depth], b[depth][8];
    Row d[16];
    for (int lane = 0; lane < 32; lane++) {
        const auto operands = *(const MatrixOperands*)lanes[lane];
        const int group = lane / 4, member = lane % 4;
        for (int half = 0; half < 2; half++) {
            const int k = half * 4 * p + member * p;
            Type::unpack(operands.a[2 * half], &a[group][k]);
            Type::unpack(operands.a[2 * half + 1], &a[group + 8][k]);
            float column[p];
            Type::unpack(operands.b[half], column);
            for (int i = 0; i < p; i++) b[k + i][group] = column[i];
            memcpy((float*)&d[group + 8 * half] + 2 * member, operands.d + 2 * half, 2 * sizeof(float));
        }
    }
    for (int k = 0; k < depth; k++) {
        Row columns;
        memcpy(&columns, b[k], sizeof columns);
#pragma GCC unroll 16
        for (int row = 0; row < 16; row++) d[row] += a[row][k] * columns;
    }
    for (int lane = 0; lane < 32; lane++)
        for (int half = 0; half < 2; half++)
            memcpy(((const MatrixOperands*)lanes[lane])->d + 2 * half, (float*)&d[lane / 4 + 8 * half] + lane % 4 * 2, 2 * sizeof(float));
}

template <bool transposed> void load(void* const* lanes, uint32_t members) {
    if (members != ~0u) the_runtime.fail(kErrorLaunchFailed, "ldmatrix needs all 32 lanes of a warp");
    for (int m = 0; m < ((const MatrixLoad*)lanes[0])->count; m++) {
        uint16_t matrix[8][8];
        for (int row = 0; row < 8; row++) {
            const void* address = ((const MatrixLoad*)lanes[8 * m + row])->row;
            if ((uintptr_t)address % 16) the_runtime.fail(kErrorMisaligned, "ldmatrix of a row whose address is not a multiple of 16");
            if (!is_shared(address, 16)) the_runtime.fail(kErrorLaunchFailed, "ldmatrix of a row that is not in shared memory");
            memcpy(matrix[row], address, 16);
        }
        for (int lane = 0; lane < 32; lane++) {
            const int group = lane / 4, first = lane % 4 * 2;
            const uint32_t low = transposed ? matrix[first][group] : matrix[group][first];
            const uint32_t high = transposed ? matrix[first + 1][group] : matrix[group][first + 1];
            ((const MatrixLoad*)lanes[lane])->registers[m] = low | high << 16;
        }
    }
}

}  // namespace

void install_matrix() {
    the_runtime.mma_bf16 = multiply<Bf16>;
    the_runtime.mma_f16 = multiply<F16>;
    the_runtime.mma_e4m3 = multiply<E4m3>;
    the_runtime.mma_tf32 = multiply<Tf32>;
    the_runtime.ldmatrix = load<false>;
    the_runtime.ldmatrix_trans = load<true>;
}

}  // namespace emulator

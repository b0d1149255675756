// x[t] = table[token t], BF16 to F32, exactly; token t is tokens[t], or sampled[~tokens[t]] where that is negative. Specification: Embedding.Cpu.cs.
//
// embed_rows   grid: rows, 256 threads. 6 bytes for each element.   Predicted on H200 (not measured): launch time at decode; 8,192 x 2,048: 25 us.
#include "dtype.cuh"

extern "C" __global__ void __launch_bounds__(256) embed_rows(const bf16* table, const int* tokens, const int* sampled, int width, float* x) {
    launch_dependents();
    wait_for_previous_kernel();
    int token = tokens[blockIdx.x];
    // What was sampled from logits that are no numbers is -1; the host finds it and drops this row.
    if (token < 0) token = max(sampled[~token], 0);
    table += (size_t)token * width;
    x += (size_t)blockIdx.x * width;
    for (int c = threadIdx.x * 8; c < width; c += 256 * 8) {
        float v[8];
        load_values(table + c, v);
        *(float4*)(x + c) = make_float4(v[0], v[1], v[2], v[3]);
        *(float4*)(x + c + 4) = make_float4(v[4], v[5], v[6], v[7]);
    }
}

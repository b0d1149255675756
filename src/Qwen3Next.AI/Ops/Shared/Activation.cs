using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Qwen3Next.AI.Ops.Shared;

/// <summary>The family's activation functions, eight at a time.</summary>
internal static unsafe class Activation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Vector256.Exp(-x));

    /// <summary>y = silu(a) * b; count a multiple of 8; y may be a or b.</summary>
    public static void SiluMultiply(float* a, float* b, float* y, int count)
    {
        for (var c = 0; c < count; c += 8)
        {
            var v = Vector256.Load(a + c);
            (v * Sigmoid(v) * Vector256.Load(b + c)).Store(y + c);
        }
    }
}

using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;

namespace Qwen3Next.AI.Weights;

/// <summary>The values of <see cref="DummyWeights"/>: for each kind of tensor 256 equally likely ones, in stored form.</summary>
internal static class DummyDistribution
{
    /// <summary>Standard deviation of a trained matrix of this family, about.</summary>
    public const float Spread = 0.02f;

    private const float Float8Spread = 64; // in codes: far above the subnormal range, and 7 deviations below saturation

    private static readonly float[] Normal = NormalQuantiles();
    private static readonly ushort[] Matrix = Stored(n => n * Spread);
    private static readonly ushort[] NearOne = Stored(n => 1 + n * Spread);
    private static readonly ushort[] Convolution = Stored(n => n * 0.3f);
    private static readonly ushort[] Decay = Stored((_, u) => MathF.Log(1 + 15 * u));
    private static readonly ushort[] TimeStep = Stored((_, u) => InverseSoftplus(0.001f * MathF.Pow(100, u)));

    public static ushort[] Float8Codes { get; } = [.. Normal.Select(n => (ushort)Float8.Encode(n * Float8Spread))];

    public static ushort[] Float8Scales { get; } = Stored(_ => Spread / Float8Spread);

    public static ushort[] Of(TensorRole role) => role switch
    {
        TensorRole.Convolution => Convolution,
        TensorRole.Norm => NearOne,
        TensorRole.LogDecay => Decay,
        TensorRole.TimeStepBias => TimeStep,
        _ => Matrix,
    };

    private static ushort[] Stored(Func<float, float> value) => Stored((n, _) => value(n));

    private static ushort[] Stored(Func<float, float, float> value) =>
        [.. Normal.Select((n, i) => TensorConvert.SingleToBFloat16(value(n, (i + 0.5f) / 256)))];

    private static float InverseSoftplus(float x) => x + MathF.Log(-MathF.Exp(-x) + 1);

    /// <summary>The (i + 1/2) / 256 quantiles of the standard normal distribution, by summing its density.</summary>
    private static float[] NormalQuantiles()
    {
        const double step = 1e-4;
        var quantiles = new float[256];
        double x = -8, probability = 0;
        for (var i = 0; i < quantiles.Length; i++)
        {
            for (; probability < (i + 0.5) / 256; x += step) probability += step * Density(x + step / 2);
            quantiles[i] = (float)x;
        }
        return quantiles;

        static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
    }
}

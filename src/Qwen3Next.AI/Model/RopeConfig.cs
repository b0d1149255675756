namespace Qwen3Next.AI.Model;

/// <summary>Rotary position embedding (specification, section 5).</summary>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="RotaryDim">Channels that are rotated, the first of each head; channel c pairs with c + RotaryDim / 2.</param>
/// <param name="Yarn">Context extension; null for the plain form.</param>
internal sealed record RopeConfig(double Theta, int RotaryDim, YarnConfig? Yarn = null)
{
    /// <summary>Multiplies cosine and sine.</summary>
    public float AttentionFactor => Yarn?.AttentionFactor ?? 1;

    /// <summary>[RotaryDim / 2] angle per position of each channel pair; an angle is one f32 product, position x frequency.</summary>
    public float[] InverseFrequencies()
    {
        var frequencies = new float[RotaryDim / 2];
        for (var c = 0; c < frequencies.Length; c++) frequencies[c] = 1 / (float)Math.Pow(Theta, 2.0 * c / RotaryDim);
        Yarn?.Stretch(frequencies, Theta, RotaryDim);
        return frequencies;
    }
}

/// <summary>YaRN: slow channels are interpolated by <paramref name="Factor"/>, fast ones kept, those between blended.</summary>
/// <param name="Factor">Context length over trained context length.</param>
/// <param name="TrainedPositions">original_max_position_embeddings.</param>
/// <param name="AttentionFactor">Multiplies cosine and sine.</param>
/// <param name="BetaFast">Rotations over the trained context above which a channel is kept.</param>
/// <param name="BetaSlow">Rotations below which a channel is interpolated.</param>
/// <param name="Truncate">Whether the two borders are rounded outwards to whole channels.</param>
internal sealed record YarnConfig(double Factor, int TrainedPositions, float AttentionFactor, double BetaFast, double BetaSlow, bool Truncate)
{
    /// <summary>The attention factor of a configuration that gives none.</summary>
    public static double Attention(double factor, double scale = 1) => factor <= 1 ? 1 : 0.1 * scale * Math.Log(factor) + 1;

    internal void Stretch(Span<float> frequencies, double theta, int rotaryDim)
    {
        double low = Border(BetaFast, theta, rotaryDim), high = Border(BetaSlow, theta, rotaryDim);
        if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, rotaryDim - 1));
        if (low == high) high += 0.001;
        for (var c = 0; c < frequencies.Length; c++)
        {
            var ramp = (float)Math.Clamp((c - low) / (high - low), 0, 1);
            frequencies[c] = frequencies[c] / (float)Factor * ramp + frequencies[c] * (1 - ramp);
        }
    }

    /// <summary>The channel that turns <paramref name="rotations"/> times over the trained context.</summary>
    private double Border(double rotations, double theta, int rotaryDim) =>
        rotaryDim * Math.Log(TrainedPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
}

namespace Qwen3Next.AI.Tensors.Quantization;

/// <summary>
/// The 8-bit float "e4m3fn": sign, 4 exponent bits with bias 7, 3 mantissa bits; no infinity, NaN is 0x7F and 0xFF, largest 448.
/// Reference conversions: exact, and used where speed does not matter.
/// </summary>
internal static class Float8
{
    public const float Largest = 448;

    private static readonly float[] Values = [.. Enumerable.Range(0, 256).Select(code => DecodeBits((byte)code))];

    public static ReadOnlySpan<float> Table => Values;

    public static float Decode(byte code) => Values[code];

    /// <summary>Rounds to nearest, ties to even, saturating at the largest value; NaN stays NaN.</summary>
    public static byte Encode(float value)
    {
        var sign = float.IsNegative(value) ? 0x80 : 0;
        if (float.IsNaN(value)) return (byte)(sign | 0x7F);
        var magnitude = Math.Min(Math.Abs(value), Largest);
        // Codes of one sign are ordered like their values, a step of the code being the unit in the last place.
        var exponent = Math.Max(Math.ILogB(magnitude), -6);
        var mantissa = (int)Math.Round(Math.ScaleB(magnitude, 3 - exponent), MidpointRounding.ToEven); // 8 to 16, or 0 to 8 when subnormal
        return (byte)(sign | (((exponent + 6) << 3) + mantissa));
    }

    private static float DecodeBits(byte code)
    {
        int exponent = (code >> 3) & 15, mantissa = code & 7;
        if ((code & 0x7F) == 0x7F) return float.NaN;
        var magnitude = exponent == 0 ? MathF.ScaleB(mantissa, -9) : MathF.ScaleB(8 + mantissa, exponent - 10);
        return (code & 0x80) == 0 ? magnitude : -magnitude;
    }
}

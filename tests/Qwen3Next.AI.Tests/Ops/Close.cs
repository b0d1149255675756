namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Comparison of float arrays: |actual - expected| &lt;= absolute + relative * |expected| everywhere, NaN never passes.</summary>
internal static class Close
{
    public static void Assert(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float absolute, float relative, string what)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            if (!(MathF.Abs(actual[i] - expected[i]) <= absolute + relative * MathF.Abs(expected[i])))
                Xunit.Assert.Fail($"{what}: element {i} of {expected.Length} is {actual[i]:R}, expected {expected[i]:R}");
        }
    }
}

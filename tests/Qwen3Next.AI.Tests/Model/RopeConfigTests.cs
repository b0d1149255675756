using Qwen3Next.AI.Model;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>Expected values are those of the specification, sections 5 and 11.</summary>
public sealed class RopeConfigTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0.604296386)]
    [InlineData(2, 0.365174145)]
    [InlineData(8, 0.0177827943)]
    [InlineData(15, 5.23299095e-4)]
    [InlineData(16, 3.16227786e-4)]
    [InlineData(31, 1.65481708e-7)]
    public void InverseFrequencies_Plain_AreTheReferences(int channel, double expected) =>
        Near(expected, new RopeConfig(1e7, 64).InverseFrequencies()[channel]);

    [Theory]
    [InlineData(4, 15, 4.742398e-4)]
    [InlineData(4, 20, 1.844922e-5)]
    [InlineData(4, 31, 4.137043e-8)]
    [InlineData(2, 15, 4.905929e-4)]
    [InlineData(2, 20, 2.635603e-5)]
    [InlineData(4, 14, 8.65964323e-4)] // at the fast border: 10^(-7 x 28 / 64), not stretched
    public void InverseFrequencies_Yarn_AreTheReferences(int factor, int channel, double expected) =>
        Near(expected, Yarn(factor).InverseFrequencies()[channel]);

    [Theory]
    [InlineData(4, 1.138629436)]
    [InlineData(2, 1.069314718)]
    public void AttentionFactor_Yarn_IsTheReference(int factor, double expected) => Near(expected, Yarn(factor).AttentionFactor);

    [Fact]
    public void InverseFrequencies_NotTruncated_MoveTheBorders()
    {
        // corr(32) = 14.2410 and corr(1) = 21.1216: channel 15 is 0.75899 of 6.8806 channels into the blend.
        var rope = new RopeConfig(1e7, 64, new YarnConfig(4, 262144, 1, 32, 1, Truncate: false));
        var ramp = (15 - 14.2410) / (21.1216 - 14.2410);
        Assert.Equal(5.23299095e-4 * (ramp / 4 + 1 - ramp), rope.InverseFrequencies()[15], 1e-8);
    }

    private static RopeConfig Yarn(int factor) =>
        new(1e7, 64, new YarnConfig(factor, 262144, (float)YarnConfig.Attention(factor), 32, 1, Truncate: true));

    private static void Near(double expected, float actual) => Assert.Equal(expected, actual, Math.Abs(expected) * 4e-7);
}

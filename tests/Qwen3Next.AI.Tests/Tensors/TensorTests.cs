using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Tensors;

public sealed unsafe class TensorTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData((40L << 20) + 3)] // large enough for huge pages
    public void NativeBuffer_AnySize_IsAlignedAndZeroed(long bytes)
    {
        using var buffer = new NativeBuffer(bytes);
        Assert.Equal(0, buffer.Address % 64);
        Assert.False(new ReadOnlySpan<byte>((void*)buffer.Address, (int)bytes).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void RowsAndAt_OfThreeDimensions_PointWhereTheElementsAre()
    {
        using var buffer = NativeBuffer.For(DType.F32, new Shape(3, 4, 5), out var tensor);
        for (var i = 0; i < 60; i++) tensor.AsSpan()[i] = i;
        var row = tensor.At(2).Rows(1, 2);
        Assert.Equal(new Shape(2, 5), row.Shape);
        Assert.Equal(2 * 20 + 5, row.F32[0]);
        Assert.Equal(new Shape(12, 5), tensor.Reshape(new Shape(12, 5)).Shape);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F32)]
    public void ToString_AnyType_NamesTypeAndShape(object type) =>
        Assert.Equal($"{type} {new Shape(2, 3)} at 0x10", new Tensor(16, (DType)type, new Shape(2, 3)).ToString());

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(2, 2)]
    [InlineData(0, -1)]
    public void Rows_OutsideTheTensor_Throws(int start, int count)
    {
        using var buffer = NativeBuffer.For(DType.F32, new Shape(3, 4), out var tensor);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Rows(start, count));
    }

    [Fact]
    public void Reshape_OtherElementCount_Throws() =>
        Assert.Throws<ArgumentException>(() => new Tensor(0, DType.F32, new Shape(3, 4)).Reshape(new Shape(5, 2)));

    [Fact]
    public void BFloat16_EveryFiniteValue_SurvivesWideningAndRounding()
    {
        for (var bits = 0; bits < 65536; bits++)
        {
            var value = TensorConvert.BFloat16ToSingle((ushort)bits);
            if (float.IsNaN(value)) Assert.True(float.IsNaN(TensorConvert.BFloat16ToSingle(TensorConvert.SingleToBFloat16(value))));
            else Assert.Equal(bits, TensorConvert.SingleToBFloat16(value));
        }
    }

    [Theory]
    [InlineData(1.00390625f, 1f)] // halfway between 1 and 1.0078125: to the even mantissa
    [InlineData(1.01171875f, 1.015625f)]
    [InlineData(1.00390637f, 1.0078125f)]
    public void SingleToBFloat16_BetweenTwoValues_RoundsToNearestEven(float value, float expected) =>
        Assert.Equal(expected, TensorConvert.BFloat16ToSingle(TensorConvert.SingleToBFloat16(value)));

    [Fact]
    public void ToSingle_Half_IsExact()
    {
        var halves = new[] { (Half)1.5, (Half)(-0.0009765625), Half.MaxValue, Half.Epsilon };
        var widened = new float[4];
        fixed (Half* p = halves) TensorConvert.ToSingle(new Tensor((nint)p, DType.F16, new Shape(4)), widened);
        Assert.Equal([1.5f, -0.0009765625f, 65504f, MathF.Pow(2, -24)], widened);
    }
}

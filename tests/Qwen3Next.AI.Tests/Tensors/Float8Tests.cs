using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;
using Xunit;

namespace Qwen3Next.AI.Tests.Tensors;

public sealed class Float8Tests
{
    [Fact]
    public void Decode_EveryCode_IsTheFormatsValue()
    {
        for (var code = 0; code < 256; code++)
        {
            int sign = code >> 7, exponent = (code >> 3) & 15, mantissa = code & 7;
            var expected = exponent == 15 && mantissa == 7 ? double.NaN
                : (1 - 2 * sign) * (exponent == 0 ? Math.Pow(2, -6) * mantissa / 8.0 : Math.Pow(2, exponent - 7) * (1 + mantissa / 8.0));
            Assert.Equal(expected, Float8.Decode((byte)code));
            if (!double.IsNaN(expected)) Assert.Equal(sign == 1, float.IsNegative(Float8.Decode((byte)code)));
        }
        Assert.Equal(448, Float8.Decode(0x7E));
        Assert.Equal(-448, Float8.Decode(0xFE));
        Assert.Equal(Math.Pow(2, -9), Float8.Decode(1));
    }

    [Fact]
    public void Encode_ValueOfACode_IsThatCode()
    {
        for (var code = 0; code < 256; code++)
            if (!float.IsNaN(Float8.Decode((byte)code))) Assert.Equal(code, Float8.Encode(Float8.Decode((byte)code)));
    }

    [Fact]
    public void Encode_BetweenTwoCodes_TakesTheNearerAndTheEvenInTheMiddle()
    {
        for (byte code = 0; code < 0x7E; code++)
        {
            float low = Float8.Decode(code), high = Float8.Decode((byte)(code + 1)), middle = (low + high) / 2;
            Assert.Equal(code, Float8.Encode(MathF.BitDecrement(middle)));
            Assert.Equal(code + 1, Float8.Encode(MathF.BitIncrement(middle)));
            Assert.Equal(code % 2 == 0 ? code : code + 1, Float8.Encode(middle));
            Assert.Equal((code % 2 == 0 ? code : code + 1) | 0x80, Float8.Encode(-middle));
        }
    }

    [Theory]
    [InlineData(449f, 0x7E)]
    [InlineData(-1e30f, 0xFE)]
    [InlineData(float.PositiveInfinity, 0x7E)]
    [InlineData(1e-30f, 0)]
    public void Encode_OutsideTheRange_Saturates(float value, int code) => Assert.Equal(code, Float8.Encode(value));

    [Fact]
    public void Encode_NaN_StaysNaN() => Assert.True(float.IsNaN(Float8.Decode(Float8.Encode(float.NaN))));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void EncodeBlocks_SpreadOfMagnitudes_KeepsEachValueToHalfACodesStep(bool bf16)
    {
        var type = bf16 ? DType.BF16 : DType.F32;
        var shape = new Shape(130, 257);
        using var memory = NativeBuffer.For(type, shape, out var matrix);
        var random = new Random(5);
        var values = new float[shape.Elements];
        for (var i = 0; i < values.Length; i++)
        {
            var value = (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 3)));
            if (type == DType.F32) matrix.F32[i] = values[i] = value;
            else values[i] = TensorConvert.BFloat16ToSingle(((ushort*)matrix.Address)[i] = TensorConvert.SingleToBFloat16(value));
        }
        using var encoded = Float8Blocks.Encode(matrix, out var codes, out var scales);
        using var result = NativeBuffer.For(DType.F32, shape, out var decoded);
        Float8Blocks.Decode(codes, scales, decoded);
        for (var i = 0; i < values.Length; i++)
        {
            // Half a step is 2^-4 of a normal code's value, and 2^-10 scales below the smallest normal code.
            var scale = scales.F32[i / 257 / 128 * scales.Shape[1] + i % 257 / 128];
            Assert.Equal(values[i], decoded.F32[i], Math.Max(Math.Abs(values[i]) / 16, scale / 1024) * 1.0001);
        }
        for (var block = 0; block < scales.Shape.Elements; block++)
        {
            var (band, column) = ((int)(block / scales.Shape[1]), (int)(block % scales.Shape[1]));
            var largest = values.Where((_, i) => i / 257 / 128 == band && i % 257 / 128 == column).Max(Math.Abs);
            Assert.Equal(largest / Float8.Largest, scales.F32[block], largest * 1e-9);
        }
    }

    [Fact]
    public unsafe void EncodeBlocks_Zeros_StayZeros()
    {
        using var memory = NativeBuffer.For(DType.F32, new Shape(3, 5), out var matrix);
        using var encoded = Float8Blocks.Encode(matrix, out var codes, out var scales);
        Assert.Equal(1, scales.F32[0]);
        for (var i = 0; i < 15; i++) Assert.Equal(0, ((byte*)codes.Address)[i]);
    }

    [Fact]
    public unsafe void DecodeBlocks_LastBlocksAreCut_EachElementTakesItsBlocksScale()
    {
        using var codes = NativeBuffer.For(DType.F8E4M3, new Shape(130, 257), out var weight);
        using var factors = NativeBuffer.For(DType.F32, Float8Blocks.ScaleShape(weight.Shape), out var scales);
        using var result = NativeBuffer.For(DType.F32, weight.Shape, out var decoded);
        for (var i = 0; i < 130 * 257; i++) ((byte*)weight.Address)[i] = (byte)(i * 31 % 127);
        Assert.Equal(new Shape(2, 3), scales.Shape);
        for (var i = 0; i < 6; i++) scales.AsSpan()[i] = 0.1f + i;
        Float8Blocks.Decode(weight, scales, decoded);
        foreach (var (n, k, block) in new[] { (0, 0, 0), (127, 127, 0), (127, 128, 1), (5, 256, 2), (128, 0, 3), (129, 255, 4), (129, 256, 5) })
            Assert.Equal(Float8.Decode((byte)((n * 257 + k) * 31 % 127)) * (0.1f + block), decoded.AsSpan()[n * 257 + k]);
    }
}

using System.Numerics;
using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors.Quantization;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>The functions of Ops/Shared/ptx.cuh and dtype.cuh against plain arithmetic, on a GPU and on the emulated device alike.</summary>
public sealed class PtxTests(CudaFixture cuda) : IDisposable
{
    private readonly KernelModule _kernels = cuda.Device.Load(TestKernels.Source("Ops/Shared/ptx_tests.cu"));
    private readonly List<DeviceMemory> _memory = [];
    private readonly Random _random = new(5);

    [Theory]
    [InlineData("product_bf16", 2)]
    [InlineData("product_tf32", 1)]
    [InlineData("product_e4m3", 4)]
    public void Mma_SmallIntegers_IsTheProductPlusTheSums(string kernel, int perRegister)
    {
        Assert.SkipWhen(perRegister == 4 && cuda.Device.ComputeCapability is (8, < 9), "e4m3 products need compute capability 8.9.");
        var depth = 8 * perRegister;
        var (a, b) = (Integers(16 * depth), Integers(8 * depth));
        var d = new float[16 * 8];
        var target = Put(d);
        _kernels.GetKernel(kernel).Launch(cuda.Stream, 1, 32, 0, Put(Pack(a, perRegister)), Put(Pack(b, perRegister)), target);
        cuda.Stream.Download<float>(d, target);
        Assert.Equal(Product(a, b, depth, 1), d);
    }

    [Fact]
    public void Mma_SmallIntegersInHalfPrecision_IsTheProductPlusTheSums()
    {
        var (a, b, d) = (Integers(16 * 16), Integers(8 * 16), new float[16 * 8]);
        var target = Put(d);
        Half[] left = [.. a.Select(value => (Half)value)], right = [.. b.Select(value => (Half)value)];
        _kernels.GetKernel("product_f16").Launch(cuda.Stream, 1, 32, 0, Put(left), Put(right), target);
        cuda.Stream.Download<float>(d, target);
        Assert.Equal(Product(a, b, 16, 1), d);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Ldmatrix_OfRowsOrColumns_GivesTheOperandsOfAProduct(int transposed)
    {
        var (a, b) = (Integers(16 * 16), Integers(8 * 16));
        var stored = transposed == 0 ? b : [.. Enumerable.Range(0, 16 * 8).Select(i => b[i % 8 * 16 + i / 8])];
        var (left, right) = (Put(Pack(a, 2)), Put(Pack(stored, 2)));
        var d = new float[16 * 8];
        var target = Put(d);
        _kernels.GetKernel("product_ldmatrix").Launch(cuda.Stream, 1, 32, 0, left, right, target, transposed);
        cuda.Stream.Download<float>(d, target);
        Assert.Equal(Product(a, b, 16, 0), d);
    }

    [Fact]
    public void FromFloat_AnyValue_RoundsToNearestEven()
    {
        float[] exact = [0, -0.0f, 1, 448, 449, 464, 465, 1e9f, -1e9f, 65504, 1e-9f, 0.0009765625f, 0.00146484375f, 0.001953125f, 0.0146484375f, 0.015625f, float.PositiveInfinity];
        float[] ties = [.. Enumerable.Range(0, 126).Select(code => (Float8.Decode((byte)code) + Float8.Decode((byte)(code + 1))) / 2)];
        float[] values = [.. exact, .. ties, .. Enumerable.Range(0, 2000).Select(_ => (float)((_random.NextDouble() - 0.5) * Math.Pow(2, _random.Next(-12, 11))))];
        var result = new float[3 * values.Length];
        var target = Put(result);
        _kernels.GetKernel("round_trips").Launch(cuda.Stream, (values.Length + 127) / 128, 128, 0, Put(values), target, values.Length);
        cuda.Stream.Download<float>(result, target);
        for (var i = 0; i < values.Length; i++)
        {
            Assert.Equal(BFloat16(values[i]), result[3 * i]);
            Assert.Equal((float)(Half)values[i], result[3 * i + 1]);
            Assert.Equal(Float8.Decode(Float8.Encode(values[i])), result[3 * i + 2]);
        }
    }

    [Fact]
    public void LoadValues_EveryStoredValue_IsItsFloat()
    {
        byte[] codes = [.. Enumerable.Range(0, 256).Select(code => (byte)code)];
        Assert.Equal(Float8.Table.ToArray(), Widen("widen_e4m3", codes, 1));
        int[] numbers = [.. Enumerable.Range(0, 256).Where(code => (code & 127) != 127)];
        var pairs = Widen("widen_e4m3_to_f16", codes, 1);
        Assert.Equal(numbers.Select(code => Float8.Table[code]), numbers.Select(code => pairs[code]));
        ushort[] halves = [.. Enumerable.Range(0, 65536).Select(bits => (ushort)bits)];
        var bytes = MemoryMarshal.AsBytes<ushort>(halves).ToArray();
        Assert.Equal(halves.Select(bits => (float)BitConverter.UInt16BitsToHalf(bits)), Widen("widen_f16", bytes, 2));
        Assert.Equal(halves.Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)), Widen("widen_bf16", bytes, 2));
        float[] floats = [1.5f, -2, float.MaxValue, 1e-40f];
        Assert.Equal(floats, Widen("widen_f32", MemoryMarshal.AsBytes<float>(floats).ToArray(), 4));
    }

    [Fact]
    public void FastFunctions_AreNearTheExactOnes()
    {
        float[] x = [.. Enumerable.Range(1, 400).Select(i => i * 0.02f)];
        var y = new Vector4[x.Length];
        var target = Put(y);
        _kernels.GetKernel("fast_functions").Launch(cuda.Stream, 4, 128, 0, Put(x), target, x.Length);
        cuda.Stream.Download<Vector4>(y, target);
        for (var i = 0; i < x.Length; i++)
        {
            Near(float.Exp2(x[i]), y[i].X, 1e-6f);
            Near(float.Log2(x[i]), y[i].Y, 1e-6f);
            Near(1 / x[i], y[i].Z, 1e-6f);
            Near(MathF.Tanh(x[i]), y[i].W, 1f / 1024);
        }
        static void Near(float expected, float actual, float tolerance) => Assert.InRange(actual, expected - tolerance * (1 + MathF.Abs(expected)), expected + tolerance * (1 + MathF.Abs(expected)));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 3)]
    [InlineData(9, 40)]
    public void CpAsync_TwoStages_CopiesWhatIsThere(int tiles, int shortBy)
    {
        const int Width = 96;
        var x = Floats(tiles * Width);
        var result = new float[x.Length];
        var target = Put(result);
        _kernels.GetKernel("reverse_cp_async").Launch(cuda.Stream, 1, Width, 2 * Width * sizeof(float), Put(x), target, tiles, shortBy);
        cuda.Stream.Download<float>(result, target);
        Array.Clear(x, x.Length - shortBy, shortBy);
        Assert.Equal(Reversed(x, Width), result);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(11)]
    public void BulkLoad_RingOfThreeStages_CopiesAll(int tiles)
    {
        Assert.SkipWhen(cuda.Device.ComputeCapability.Major < 9, "bulk copies need compute capability 9.0.");
        const int Width = 160;
        var x = Floats(tiles * Width);
        var result = new float[x.Length];
        var target = Put(result);
        _kernels.GetKernel("reverse_bulk", overlaps: true).Launch(cuda.Stream, 1, Width, 3 * Width * sizeof(float), Put(x), target, tiles);
        cuda.Stream.Download<float>(result, target);
        Assert.Equal(Reversed(x, Width), result);
    }

    [Fact]
    public void Barriers_OfPartsOfABlock_HandABufferOver()
    {
        const int Rounds = 5;
        var result = new int[Rounds * 32];
        var target = Put(result);
        _kernels.GetKernel("hand_over").Launch(cuda.Stream, 1, 64, 0, target, Rounds);
        cuda.Stream.Download<int>(result, target);
        Assert.Equal(Enumerable.Range(0, Rounds * 32).Select(i => i / 32 * 100 + 31 - i % 32), result);
    }

    [Fact]
    public void WarpFunctions_AllLanes_GiveWhatTheirNamesSay()
    {
        var result = new int[14 * 32];
        var target = Put(result);
        _kernels.GetKernel("warp_functions").Launch(cuda.Stream, 1, 32, 0, target);
        cuda.Stream.Download<int>(result, target);
        for (var lane = 0; lane < 32; lane++) Assert.Equal(ExpectedOfLane(lane), result[(14 * lane)..(14 * lane + 14)]);
    }

    [Theory]
    [InlineData(32, 1)]
    [InlineData(256, 3)]
    [InlineData(1024, 2)]
    public void Blocks_OfAnySize_AgreeOnSums(int threads, int blocks)
    {
        int[] x = [.. Enumerable.Range(0, threads * blocks).Select(_ => _random.Next(-5, 7))];
        x[^1] = 7;
        var result = new int[4 * blocks];
        var target = Put(result);
        _kernels.GetKernel("block_sums").Launch(cuda.Stream, blocks, threads, 0, Put(x), target);
        cuda.Stream.Download<int>(result, target);
        for (var block = 0; block < blocks; block++)
        {
            var part = x.AsSpan(block * threads, threads).ToArray();
            Assert.Equal([part.Sum(), part.Sum(), part.Count(value => value > 0), part.Contains(7) ? 3 : 1], result[(4 * block)..(4 * block + 4)]);
        }
    }

    public void Dispose()
    {
        _memory.ForEach(memory => memory.Dispose());
        _kernels.Dispose();
    }

    private static int[] ExpectedOfLane(int lane)
    {
        int Square(int of) => of * of;
        var parity = lane & 1;
        return
        [
            25, Square((lane & ~7) | ((lane + 1) & 7)), Square(lane ^ 3), Square(lane >= 2 ? lane - 2 : lane), Square(lane % 16 < 12 ? lane + 4 : lane),
            Enumerable.Range(0, 32).Where(i => i % 3 == 0).Sum(i => 1 << i), 1, 2, Enumerable.Range(0, 32).Sum(Square), 31, 0x11111111 << (lane % 4),
            lane < 16 ? lane ^ 1 : lane < 24 ? Enumerable.Range(16, 8).Sum() : unchecked((int)0xAA000000),
            2 * (((lane ^ 1) + 1) / 2), 1,
        ];
    }

    private static float BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
    }

    private static float[] Product(float[] a, float[] b, int depth, float start)
    {
        var d = new float[16 * 8];
        for (var row = 0; row < 16; row++)
            for (var column = 0; column < 8; column++)
                d[row * 8 + column] = start + Enumerable.Range(0, depth).Sum(k => a[row * depth + k] * b[column * depth + k]);
        return d;
    }

    /// <summary>Values in the type that fits so many of them into 32 bits.</summary>
    private static uint[] Pack(float[] values, int perRegister) => [.. values.Chunk(perRegister).Select(part => perRegister switch
    {
        1 => BitConverter.SingleToUInt32Bits(part[0]),
        2 => BitConverter.SingleToUInt32Bits(part[0]) >> 16 | (BitConverter.SingleToUInt32Bits(part[1]) & 0xFFFF0000),
        _ => part.Select((value, i) => (uint)Float8.Encode(value) << 8 * i).Aggregate((x, y) => x | y),
    })];

    private static float[] Reversed(float[] x, int width) => [.. x.Chunk(width).SelectMany(tile => tile.Reverse())];

    private float[] Integers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)_random.Next(-8, 9))];

    private float[] Floats(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextSingle())];

    private float[] Widen(string kernel, byte[] bytes, int size)
    {
        var result = new float[bytes.Length / size];
        var target = Put(result);
        _kernels.GetKernel(kernel).Launch(cuda.Stream, 1, 64, 0, Put(bytes), target, bytes.Length);
        cuda.Stream.Download<float>(result, target);
        return result;
    }

    private nint Put<T>(T[] values) where T : unmanaged
    {
        var memory = cuda.Device.Allocate(Math.Max(1, MemoryMarshal.AsBytes<T>(values).Length));
        _memory.Add(memory);
        cuda.Stream.Upload<T>(memory.Address, values);
        return memory.Address;
    }
}

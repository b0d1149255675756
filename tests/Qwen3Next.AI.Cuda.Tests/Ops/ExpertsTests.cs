using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>
/// The CUDA feed-forward against the CPU's, on equal stored weights. What CUDA rounds to bf16 and the CPU does not: u, silu(gate) * up and, in tiles,
/// the networks' outputs. One rounding is off by 2^-8 at most, in the mean square by 0.4 of that; roundings are independent. u's reaches the result
/// by gate and by up, so four such errors add up, one of them amplified by silu (at most 2.3 times, about 1.5 where gates are near 1): together
/// 0.4 sqrt(1.5^2 + 3) = 0.9 of 2^-8 in the mean. Over the few dozen columns of the smallest rows that varies by a half: a row's root mean square
/// is held to 2^-7 of that of its change, and single elements to six times as much.
/// </summary>
public sealed class ExpertsTests(CudaFixture fixture)
{
    private const float Epsilon = 1e-6f;

    // Logits differ by the order of sums and, above 64 rows, by 2^-16 of u: rows whose choice hangs on less have no one answer.
    private const double Undecided = 1e-4;

    private static readonly FeedForwardSizes Odd = new(48, 7, 3, 80, 112);
    private static readonly FeedForwardSizes Tiny = new(128, 12, 3, 64, 64);
    private static readonly FeedForwardSizes ManyExperts = new(64, 512, 10, 32, 32);
    private static readonly FeedForwardSizes NoShared = new(144, 16, 8, 272, 0);
    private static readonly FeedForwardSizes Dense = new(96, 0, 0, 0, 1552);

    public static TheoryData<string, int, bool> Cases => new(
        from name in new[] { nameof(Odd), nameof(Tiny), nameof(NoShared), nameof(Dense) }
        from rows in new[] { 1, 3, 8, 9, 65 }
        from narrow in new[] { false, true }
        // Each size and number of rows with one of the two types, except in long runs.
        where Nightly.IsOn || narrow == ((rows + name.Length) % 2 == 0)
        select (name, rows, narrow));

    [Theory]
    [MemberData(nameof(Cases))]
    public void FeedForward_AnySizes_MeetsTheCpu(string sizes, int rows, bool narrow)
    {
        var type = narrow ? DType.F8E4M3 : DType.BF16;
        Check(Named(sizes), rows, type, type);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(127)]
    public void FeedForward_ManyExperts_MeetsTheCpu(int rows) => Check(ManyExperts, rows, DType.F8E4M3, DType.F8E4M3);

    [Theory]
    [InlineData(5)]
    [InlineData(33)]
    public void FeedForward_RoutedAndSharedOfDifferentTypes_MeetsTheCpu(int rows)
    {
        Check(Odd, rows, DType.F8E4M3, DType.BF16);
        Check(Odd, rows, DType.BF16, DType.F8E4M3);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(70)]
    public void FeedForward_WeightsOverAllExperts_MeetsTheCpu(int rows) => Check(Odd with { Normalize = false }, rows, DType.BF16, DType.BF16);

    [Theory]
    [InlineData(2)]
    [InlineData(12)]
    public void FeedForward_WidthsOfRealLayers_MeetsTheCpu(int rows) =>
        Check(new FeedForwardSizes(2560, 8, 3, 512, 512), rows, DType.F8E4M3, DType.F8E4M3);

    [Theory]
    [InlineData(1, 11)]
    [InlineData(8, 12)]
    [InlineData(9, 13)]
    [InlineData(70, 14)]
    public void FeedForward_RandomOrderOfThreads_MeetsTheCpu(int rows, int seed)
    {
        using var order = fixture.IsEmulated ? Emulator.With("SEED", seed, 0) : null;
        Check(Odd, rows, DType.F8E4M3, DType.F8E4M3);
    }

    /// <summary>Before 9.0 kernels do not overlap, before 8.9 e4m3 is converted in integer arithmetic; 8.6 and 8.9 have less shared memory.</summary>
    [Theory]
    [InlineData(80, 3)]
    [InlineData(86, 8)]
    [InlineData(89, 70)]
    public void FeedForward_OlderGpus_MeetsTheCpu(int capability, int rows)
    {
        _ = fixture.Device;
        Assert.SkipUnless(fixture.IsEmulated, "A GPU is what it is.");
        using var older = Emulator.With("CAPABILITY", capability, 90);
        using var device = CudaDevice.Open();
        foreach (var (sizes, type) in new[] { (Odd, DType.F8E4M3), (Dense, DType.BF16) })
        {
            using var layer = new FeedForwardLayer(sizes, type, type, seed: 7);
            var x = layer.Rows(rows);
            AssertClose(layer, x, layer.OnCpu(x), layer.OnCuda(device, x), layer.RowsWithMarginBelow(x, Undecided));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public void FeedForward_EqualRouterLogits_TakesTheLowestIds(int rows)
    {
        using var layer = new FeedForwardLayer(Odd with { EqualLogits = true }, DType.BF16, DType.BF16, seed: 1);
        var x = layer.Rows(rows);
        AssertClose(layer, x, layer.OnCpu(x), layer.OnCuda(fixture.Device, x), []);
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(6, 2)]
    [InlineData(40, 11)]
    [InlineData(140, 70)]
    public void FeedForward_RowsInOtherCompany_GiveTheSameBits(int rows, int fewer)
    {
        using var layer = new FeedForwardLayer(Odd, DType.F8E4M3, DType.F8E4M3, seed: 2);
        var x = layer.Rows(rows);
        var all = layer.OnCuda(fixture.Device, x);
        for (var row = 0; row + fewer <= rows; row += fewer)
        {
            var part = layer.OnCuda(fixture.Device, x.AsSpan(row * Odd.Width, fewer * Odd.Width).ToArray());
            Assert.Equal(all.AsSpan(row * Odd.Width, fewer * Odd.Width).ToArray(), part);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(20)]
    public void FeedForward_Replayed_FollowsTheRows(int rows)
    {
        using var layer = new FeedForwardLayer(Odd, DType.BF16, DType.BF16, seed: 3);
        using var backend = new CudaBackend(fixture.Device);
        var (parameters, norm) = layer.Place(backend);
        var x = backend.Allocate(DType.F32, new Shape(rows, Odd.Width));
        void Step() => backend.FeedForward(parameters, norm, Epsilon, x);
        for (var turn = 0; turn < 4; turn++)
        {
            var values = layer.Rows(rows);
            backend.Write(values, x);
            backend.Run(new StepShape(0, rows, 1), Step);
            Assert.Equal(layer.OnCuda(fixture.Device, values), backend.Read(x).ToArray());
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(66)]
    public void FeedForward_CalledAgain_AllocatesNothing(int rows)
    {
        using var layer = new FeedForwardLayer(Tiny, DType.BF16, DType.BF16, seed: 6);
        using var backend = new CudaBackend(fixture.Device);
        var (parameters, norm) = layer.Place(backend);
        var x = backend.Allocate(DType.F32, new Shape(rows, Tiny.Width));
        // The first call finds empty dictionaries; only the second makes their comparers.
        for (var i = 0; i < 2; i++) backend.FeedForward(parameters, norm, Epsilon, x);
        var before = GC.GetAllocatedBytesForCurrentThread();
        backend.FeedForward(parameters, norm, Epsilon, x);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void FeedForward_RowThatIsNotANumber_LeavesOthersAlone(int rows)
    {
        using var layer = new FeedForwardLayer(Tiny, DType.BF16, DType.BF16, seed: 4);
        var x = layer.Rows(rows + 1);
        var expected = layer.OnCuda(fixture.Device, x);
        x.AsSpan(rows * Tiny.Width).Fill(float.NaN);
        var actual = layer.OnCuda(fixture.Device, x);
        Assert.Equal(expected[..(rows * Tiny.Width)], actual[..(rows * Tiny.Width)]);
        Assert.True(float.IsNaN(actual[^1]));
    }

    [Fact]
    public void FeedForward_OddWidth_SaysWhatIsPossible()
    {
        using var layer = new FeedForwardLayer(Odd with { Width = 40 }, DType.BF16, DType.BF16, seed: 5);
        var error = Assert.Throws<Qwen3NextException>(() => layer.OnCuda(fixture.Device, layer.Rows(1)));
        Assert.StartsWith("The feed-forward part has a hidden size of 40; CUDA computes multiples of 16.", error.Message);
    }

    private static FeedForwardSizes Named(string sizes) =>
        sizes switch { nameof(Odd) => Odd, nameof(Tiny) => Tiny, nameof(NoShared) => NoShared, _ => Dense };

    private void Check(FeedForwardSizes sizes, int rows, DType routed, DType shared)
    {
        using var layer = new FeedForwardLayer(sizes, routed, shared, seed: rows);
        var x = layer.Rows(rows);
        var undecided = layer.RowsWithMarginBelow(x, Undecided);
        Assert.InRange(undecided.Count, 0, rows / 50);
        AssertClose(layer, x, layer.OnCpu(x), layer.OnCuda(fixture.Device, x), undecided);
    }

    private static void AssertClose(FeedForwardLayer layer, float[] before, float[] expected, float[] actual, HashSet<int> except)
    {
        var width = layer.Sizes.Width;
        for (var row = 0; row < before.Length / width; row++)
        {
            if (except.Contains(row)) continue;
            double change = 0, error = 0, largest = 0;
            for (var i = row * width; i < (row + 1) * width; i++)
            {
                change += Math.Pow((double)expected[i] - before[i], 2);
                error += Math.Pow((double)actual[i] - expected[i], 2);
                largest = Math.Max(largest, Math.Abs((double)actual[i] - expected[i]));
            }
            var limit = Math.Sqrt(change / width) * Math.Pow(2, -7);
            Assert.True(Math.Sqrt(error / width) <= limit, $"row {row}: error {Math.Sqrt(error / width)}, limit {limit}");
            Assert.True(largest <= 6 * limit, $"row {row}: largest error {largest}, limit {6 * limit}");
        }
    }
}

using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed unsafe class AttentionTests(CudaFixture cuda)
{
    private const string TooMuch = "Too much for an emulated device.";

    private static readonly HeadSizes Next = new(16, 2, 256, 64, Gated: true);

    /// <summary>As in the checkpoints of the family and in test models; the last has head counts and sizes that fill nothing evenly.</summary>
    public static TheoryData<HeadSizes, string> Sizes() => new()
    {
        { Next, "BF16" },
        { Next, "F8E4M3" },
        { new HeadSizes(2, 1, 256, 64, true), "BF16" },
        { new HeadSizes(4, 2, 128, 128, false), "BF16" },
        { new HeadSizes(2, 1, 64, 16, true), "F32" },
        { new HeadSizes(10, 2, 48, 24, true), "F8E4M3" },
    };

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(127)]
    [InlineData(700)]
    public void GatedAttention_OneRow_IsTheCpus(int cached)
    {
        using var one = new AttentionCase(cuda.Device, Next, DType.BF16, 1, cached + 1, 1);
        one.Step((cached, 1));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void GatedAttention_DraftsOfSeveralSequences_AreTheCpus(HeadSizes sizes, string kvType)
    {
        using var drafts = new AttentionCase(cuda.Device, sizes, Enum.Parse<DType>(kvType), 5, 320, 25);
        drafts.Step((300, 5), (63, 5), (0, 5), (14, 5), (128, 5));
        drafts.Step((306, 1), (64, 8), (5, 2), (16, 3), (129, 2));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void GatedAttention_PromptsAndDecodedRowsTogether_AreTheCpus(HeadSizes sizes, string kvType)
    {
        using var mixed = new AttentionCase(cuda.Device, sizes, Enum.Parse<DType>(kvType), 5, 288, 100);
        mixed.Step((50, 33), (255, 1), (0, 17), (47, 3), (16, 9));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(127)]
    public void GatedAttention_OnePrompt_IsTheCpus(int rows)
    {
        using var prompt = new AttentionCase(cuda.Device, Next, DType.BF16, 1, rows + 40, rows);
        prompt.Step((40, rows));
    }

    [Theory]
    [InlineData("BF16", 128)]
    [InlineData("F8E4M3", 256)]
    public void GatedAttention_PiecesOfAPromptThenRecordedSteps_AreTheCpus(string kvType, int headDim)
    {
        using var conversation = new AttentionCase(cuda.Device, new HeadSizes(4, 1, headDim, 32, true), Enum.Parse<DType>(kvType), 2, 400, 130, empty: true);
        conversation.Step((0, 65), (0, 20));
        conversation.Step((65, 100), (20, 1));
        for (var i = 0; i < 6; i++) conversation.Step((165 + i, 1), (21 + i, 1));
        conversation.Step((171, 5), (27, 5));
        conversation.Step((176, 8), (32, 2));
        conversation.Step((184, 2), (34, 8));
    }

    [Fact]
    public void GatedAttention_ContextsOfVeryDifferentLengths_AreTheCpus()
    {
        using var uneven = new AttentionCase(cuda.Device, new HeadSizes(4, 1, 128, 32, true), DType.BF16, 4, 900, 8);
        uneven.Step((899, 1), (3, 1));
        uneven.Step((10, 2), (0, 1), (700, 4), (64, 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void GatedAttention_ThreadsInAnyOrder_IsTheCpus(int seed)
    {
        _ = cuda.Device;
        Assert.SkipUnless(cuda.IsEmulated, "A GPU has an order of its own.");
        using var order = Emulator.With("SEED", seed, 0);
        using var mixed = new AttentionCase(cuda.Device, new HeadSizes(8, 1, 128, 32, true), DType.BF16, 3, 200, 40);
        mixed.Step((150, 1), (20, 25), (100, 2));
        mixed.Step((151, 1), (45, 5), (102, 2));
    }

    [Fact]
    public void GatedAttention_ManyMultiprocessors_IsTheCpus()
    {
        _ = cuda.Device;
        Assert.SkipUnless(cuda.IsEmulated, "A GPU has as many as it has.");
        using var large = Emulator.With("MULTIPROCESSORS", 132, 4);
        using var device = CudaDevice.Open();
        using var split = new AttentionCase(device, new HeadSizes(8, 1, 128, 32, true), DType.BF16, 3, 1600, 120);
        split.Step((1500, 1), (5, 1), (700, 3));
        split.Step((1501, 40), (6, 2), (703, 60));
    }

    /// <summary>With less shared memory blocks have other shapes; before 8.9 e4m3 is converted in integer arithmetic.</summary>
    [Theory]
    [InlineData(80, "F8E4M3")]
    [InlineData(89, "F8E4M3")]
    [InlineData(86, "F32")]
    public void GatedAttention_OlderGpus_IsTheCpus(int capability, string kvType)
    {
        _ = cuda.Device;
        Assert.SkipUnless(cuda.IsEmulated, "A GPU is what it is.");
        using var older = Emulator.With("CAPABILITY", capability, 90);
        using var device = CudaDevice.Open();
        using var mixed = new AttentionCase(device, Next, Enum.Parse<DType>(kvType), 2, 100, 45);
        mixed.Step((50, 33), (70, 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(40)]
    public void GatedAttention_Again_AllocatesNothing(int rows)
    {
        using var again = new AttentionCase(cuda.Device, new HeadSizes(4, 1, 128, 32, true), DType.BF16, 2, 100, rows + 1);
        Assert.Equal(0, again.BytesOfACall((20, rows), (3, 1)));
    }

    [Fact]
    public void GatedAttention_AThousandRows_AreTheCpus()
    {
        _ = cuda.Device;
        Assert.SkipWhen(cuda.IsEmulated, TooMuch);
        foreach (var kvType in (DType[])[DType.BF16, DType.F8E4M3, DType.F32])
        {
            using var large = new AttentionCase(cuda.Device, Next, kvType, 5, 4000, 1600) { CheckedRows = 37 };
            large.Step((0, 1000), (3000, 500), (3999, 1), (2000, 5), (100, 64));
            large.Step((1000, 1), (3500, 1), (100, 1), (2005, 1), (164, 1));
        }
    }

    [Fact]
    public void GatedAttention_LongContext_IsTheCpus()
    {
        _ = cuda.Device;
        Assert.SkipWhen(cuda.IsEmulated, TooMuch);
        foreach (var kvType in (DType[])[DType.BF16, DType.F8E4M3])
        {
            using var context = new AttentionCase(cuda.Device, new HeadSizes(8, 1, 256, 64, true), kvType, 1, 70000, 70) { CheckedRows = 17 };
            context.Step((69900, 1));
            context.Step((69901, 5));
            context.Step((69906, 70));
        }
    }

    [Fact]
    public void RotaryAngles_AtPositionsUpToAMillion_AreExact()
    {
        float[] frequencies = [1, 0.7498942f, 0.1f, 1.2345e-2f, 4.742398e-4f, 1.844922e-5f, 4.137043e-8f, 0.33333f];
        int[] positions = [0, 1, 2, 3, 355, 103993, 262143, 833719, 1009999];
        using var memory = new TestMemory(1);
        using var backend = new CudaBackend(cuda.Device, slabBytes: 0);
        var batch = TestMemory.Batch(1, [.. positions.Select(position => (position, 1))]);
        var placed = backend.Place(memory.Of(frequencies, frequencies.Length));
        var cosSin = backend.Allocate(DType.F32, new Shape(positions.Length, 2 * frequencies.Length));
        backend.Load(batch);
        backend.RotaryAngles(batch, placed, 1.25f, cosSin);
        var actual = backend.Read(cosSin);
        for (var t = 0; t < positions.Length; t++)
        {
            for (var c = 0; c < frequencies.Length; c++)
            {
                double angle = positions[t] * frequencies[c];
                Assert.Equal((float)Math.Cos(angle) * 1.25f, actual[t * 2 * frequencies.Length + c]);
                Assert.Equal((float)Math.Sin(angle) * 1.25f, actual[(2 * t + 1) * frequencies.Length + c]);
            }
        }
    }

    [Theory]
    [InlineData(99)]
    [InlineData(163)]
    [InlineData(227)]
    public void AttendShape_ForEachDevice_FitsAndTakesAllHeadsOfAKvHead(int sharedKilobytes)
    {
        foreach (var kvType in (DType[])[DType.BF16, DType.F8E4M3, DType.F32])
        {
            foreach (var headDim in (int[])[16, 48, 64, 128, 256])
            {
                foreach (var productRows in (int[])[1, 8, 16, 24, 40, 64, 1000])
                {
                    var shape = AttendShape.For(productRows, headDim, kvType, sharedKilobytes << 10);
                    Assert.InRange(shape.SharedBytes(headDim, kvType), 1, sharedKilobytes << 10);
                    Assert.InRange(shape.ProductRows, Math.Min(productRows, 32), 128);
                    Assert.Equal(0, shape.TileKeys / shape.KeyWarps % 16);
                    Assert.InRange(shape.Slots, 2, 6);
                    // Two kernels' blocks fit beside each other where kernels overlap.
                    if (sharedKilobytes == 227 && productRows <= 64 && kvType != DType.F32) Assert.InRange(shape.SharedBytes(headDim, kvType), 1, 227 << 9);
                }
            }
        }
    }
}

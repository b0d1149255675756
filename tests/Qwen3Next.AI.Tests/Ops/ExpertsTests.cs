using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed unsafe class ExpertsTests
{
    private const int Width = 40, Experts = 7, Active = 3, ExpertWidth = 72, SharedWidth = 24;

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(65, true)]
    [InlineData(200, true)]
    public void FeedForward_RoutedAndShared_MeetsDoublePrecision(int tokens, bool normalize)
    {
        using var memory = new TestMemory(tokens);
        using var backend = new CpuBackend(2);
        var p = new FeedForwardParameters
        {
            Router = Matrix(memory, Experts, Width), Experts = [.. Enumerable.Range(0, Experts).Select(_ => Network(memory, ExpertWidth))],
            ActiveExperts = Active, NormalizeWeights = normalize, Shared = Network(memory, SharedWidth), SharedGate = Matrix(memory, 1, Width),
        };
        Check(backend, memory, p, tokens);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(67)]
    public void FeedForward_DenseMlp_MeetsDoublePrecision(int tokens)
    {
        using var memory = new TestMemory(tokens);
        using var backend = new CpuBackend(2);
        Check(backend, memory, new FeedForwardParameters { Shared = Network(memory, 96) }, tokens);
    }

    [Fact]
    public void FeedForward_EqualRouterLogits_TakesTheLowestIds()
    {
        using var memory = new TestMemory(1);
        using var backend = new CpuBackend(1);
        var networks = Enumerable.Range(0, Experts).Select(_ => Network(memory, ExpertWidth)).ToArray();
        var tied = new FeedForwardParameters { Router = new LinearWeight(memory.Zeros(Experts, Width), default), Experts = networks, ActiveExperts = Active, NormalizeWeights = true };
        Check(backend, memory, tied, 2);
    }

    /// <summary>The parts of a call have scratch memory of their own, however many threads there are.</summary>
    [Fact]
    public void FeedForward_ManyThreads_GivesTheBitsOfOne()
    {
        const int tokens = 1000, routed = 256, turns = 10;
        using var memory = new TestMemory(3);
        using var one = new CpuBackend(1);
        using var many = new CpuBackend(48);
        var p = new FeedForwardParameters
        {
            Router = new LinearWeight(memory.Store(memory.Random(0.5f, routed, Width).AsSpan(), DType.BF16, routed, Width), default),
            Experts = [.. Enumerable.Repeat(Network(memory, ExpertWidth), routed)], ActiveExperts = Active, NormalizeWeights = true,
        };
        var (norm, x) = (memory.Random(1, Width), memory.Random(1, tokens, Width));
        var (expected, actual) = (memory.Of(x.AsSpan(), tokens, Width), memory.Zeros(tokens, Width));
        one.FeedForward(p, norm, 1e-6f, expected);
        for (var turn = 0; turn < turns; turn++)
        {
            x.AsSpan().CopyTo(actual.AsSpan());
            many.FeedForward(p, norm, 1e-6f, actual);
            Assert.Equal(expected.AsSpan().ToArray(), actual.AsSpan().ToArray());
        }
    }

    private static void Check(CpuBackend backend, TestMemory memory, FeedForwardParameters p, int tokens)
    {
        var norm = memory.Random(1, Width);
        var x = memory.Random(1, tokens, Width);
        var before = x.AsSpan().ToArray();
        backend.FeedForward(p, norm, 1e-6f, x);
        for (var t = 0; t < tokens; t++)
        {
            var expected = Expected(p, norm.AsSpan(), before.AsSpan(t * Width, Width));
            for (var c = 0; c < Width; c++) Assert.Equal(expected[c], x.F32[t * Width + c], 2e-5 * (1 + Math.Abs(expected[c])));
        }
    }

    private static double[] Expected(FeedForwardParameters p, ReadOnlySpan<float> norm, ReadOnlySpan<float> x)
    {
        double square = 0;
        foreach (var value in x) square += (double)value * value;
        var u = new double[Width];
        for (var c = 0; c < Width; c++) u[c] = x[c] / Math.Sqrt(square / Width + 1e-6) * norm[c];
        var result = x.ToArray().Select(v => (double)v).ToArray();
        if (p.Router is { } router)
        {
            var logits = Product(router, u);
            var chosen = Enumerable.Range(0, p.Experts.Length).OrderByDescending(e => logits[e]).ThenBy(e => e).Take(p.ActiveExperts).ToArray();
            var total = (p.NormalizeWeights ? chosen : Enumerable.Range(0, p.Experts.Length)).Sum(e => Math.Exp(logits[e]));
            foreach (var e in chosen) Add(result, p.Experts[e], u, Math.Exp(logits[e]) / total);
        }
        if (p.Shared is { } shared) Add(result, shared, u, p.SharedGate is { } gate ? 1 / (1 + Math.Exp(-Product(gate, u)[0])) : 1);
        return result;
    }

    private static void Add(double[] result, SwiGlu network, double[] u, double weight)
    {
        var gate = Product(network.Gate, u);
        var up = Product(network.Up, u);
        var down = Product(network.Down, [.. gate.Select((g, i) => g / (1 + Math.Exp(-g)) * up[i])]);
        for (var c = 0; c < result.Length; c++) result[c] += weight * down[c];
    }

    private static double[] Product(LinearWeight w, double[] x)
    {
        var values = w.Weight.AsSpan();
        var y = new double[w.Out];
        for (var n = 0; n < w.Out; n++)
            for (var k = 0; k < w.In; k++) y[n] += values[n * w.In + k] * x[k];
        return y;
    }

    private static LinearWeight Matrix(TestMemory memory, int rows, int width) => new(memory.Random(0.5f, rows, width), default);

    private static SwiGlu Network(TestMemory memory, int width) => new(Matrix(memory, width, Width), Matrix(memory, width, Width), Matrix(memory, Width, width));
}

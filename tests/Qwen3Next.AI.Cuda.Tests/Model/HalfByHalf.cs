using System.Numerics.Tensors;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;
using Tensor = Qwen3Next.AI.Tensors.Tensor;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>
/// A model with made-up weights on the CPU and on a device, which gets the CPU's residual stream before each half of a layer, mixer or feed-forward: what
/// one half does differently is not carried into the next. What the device remembers of earlier rows stays its own.
/// <para>
/// Whole models cannot be compared closely. Of 512 made-up experts the tenth and the eleventh have logits that are 0.035 apart on average, and rounding in
/// the layers before moves their difference by 0.005: in one layer of a row in twenty another expert is chosen. That is no error, but it is 2^-4 of the
/// residual stream, and the states carry it on to later rows.
/// </para>
/// <para>
/// An error is the length of the difference of a row over the length of what the half adds to it, or of a row of logits over the row's. One rounding to
/// bf16 is 0.4 of 2^-8 in the mean square. Of a mixer, what enters both projections, values and gates are rounded, or follow from rounded numbers by
/// functions that bend; of a feed-forward see ExpertsTests: four to six such errors, together 0.7 to 1.1 of 2^-8 on average. Half of many rows must be
/// within 2^-7. At a conversation's first tokens a head's sum has few terms, which may nearly cancel: every row must be within 2^-6. Another expert in the
/// place of the tenth is 0.3 of what the feed-forward adds; one left out, a wrong scale or a wrong position are no smaller.
/// </para>
/// <para>
/// The router reads equal numbers on both, so their logits differ by the order of sums and, above 64 rows, by 2^-16 of its input: some 1e-5, where logits
/// are near 1. Where the CPU's choice hangs on less than 1e-4 the device may choose the other way, and its row must meet one or the other, as closely as
/// any; <see cref="NearTies"/> counts such choices, which must be few.
/// </para>
/// </summary>
internal sealed class HalfByHalf : IDisposable
{
    private const double Typical = 1.0 / 128, Bound = 1.0 / 64;

    private const float NearTie = 1e-4f;

    // Rows whose middle says something, and at which it is taken.
    private const int FewRows = 8, ManyRows = 512;

    private readonly ModelHarness _cpu, _device;
    private readonly Recorder _recorder;
    private readonly Checker _checker;
    private readonly Dictionary<string, List<double>> _errors = [];
    private string _piece = "";

    /// <param name="config">The model.</param>
    /// <param name="float8">Its large matrices are FP8.</param>
    /// <param name="device">Is compared; disposed with this.</param>
    /// <param name="blocks">KV blocks; one conversation can use half of them.</param>
    /// <param name="nearTie">Difference of two logits below which either expert may be chosen.</param>
    public HalfByHalf(Qwen3NextConfig config, bool float8, IBackend device, int blocks = 256, float nearTie = NearTie)
    {
        var (weights, cpu) = (new DummyWeights(WeightMap.Tensors(config, mtp: false), float8), new CpuBackend(Environment.ProcessorCount));
        // Both dispose of the same weights, together.
        (_cpu, _device) = (new ModelHarness(config, weights, cpu, blocks), new ModelHarness(config, weights, device, blocks));
        (_recorder, _checker) = (new Recorder(cpu, config, nearTie), new Checker(device, this));
    }

    /// <summary>Experts that the CPU chose for a row in a layer, taken as one choice.</summary>
    public int Choices => _recorder.Choices;

    /// <summary>Those of them that could be another.</summary>
    public int NearTies => _recorder.NearTies;

    /// <summary>One conversation whose tokens come in pieces.</summary>
    public void Meet(IEnumerable<int[]> pieces)
    {
        using var there = _cpu.Start();
        using var here = _device.Start();
        foreach (var tokens in pieces)
        {
            _piece = $"{tokens.Length} tokens at {there.Length}";
            _recorder.Halves.Clear();
            _checker.Half = 0;
            var expected = there.Append(tokens, through: _recorder);
            var actual = here.Append(tokens, through: _checker);
            Assert.Equal(_recorder.Halves.Count, _checker.Half);
            Check("logits", new Half(expected, []), before: [], actual, tokens.Length);
        }
        foreach (var half in _errors.Keys) CheckMiddle(half);
        _errors.Clear();
    }

    public void Dispose()
    {
        _device.Dispose();
        _cpu.Dispose();
    }

    /// <summary>Every row.</summary>
    /// <param name="what">Is compared.</param>
    /// <param name="expected">[rows, width].</param>
    /// <param name="before">What the CPU added to; empty for nothing.</param>
    /// <param name="actual">As <paramref name="expected"/>.</param>
    /// <param name="rows">Of this piece.</param>
    private void Check(string what, Half expected, ReadOnlySpan<float> before, ReadOnlySpan<float> actual, int rows)
    {
        var width = actual.Length / rows;
        if (!_errors.TryGetValue(what, out var errors)) _errors.Add(what, errors = []);
        for (var row = 0; row < rows; row++)
        {
            var part = new Range(row * width, (row + 1) * width);
            var from = before.IsEmpty ? [] : before[part];
            var error = Error(from, expected.Values.AsSpan(part), actual[part]);
            foreach (var (_, other) in expected.Others.Where(other => other.Row == row)) error = Math.Min(error, Error(from, other, actual[part]));
            Assert.True(error <= Bound, $"{_piece}, {what}, row {row}: {error:0.00000} is more than {Bound}");
            errors.Add(error);
        }
        if (errors.Count >= ManyRows) CheckMiddle(what);
    }

    /// <summary>Half of the rows since the last time.</summary>
    private void CheckMiddle(string what)
    {
        var errors = _errors[what];
        if (errors.Count <= FewRows) return;
        errors.Sort();
        var middle = errors[errors.Count / 2];
        Assert.True(middle <= Typical, $"up to {_piece}, {what}: half of {errors.Count} rows differ by {middle:0.00000} and more, not {Typical}");
        errors.Clear();
    }

    private static double Error(ReadOnlySpan<float> before, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual) =>
        TensorPrimitives.Distance(expected, actual) / (double)(before.IsEmpty ? TensorPrimitives.Norm(expected) : TensorPrimitives.Distance(expected, before));

    /// <summary>The residual stream [T, D] on the CPU, and what its rows would be where the router nearly ties.</summary>
    private sealed record Half(float[] Values, List<(int Row, float[] Values)> Others);

    /// <summary>The CPU, which notes the residual stream: embeddings, then each half of a layer.</summary>
    private sealed class Recorder(CpuBackend inner, Qwen3NextConfig config, float nearTie) : PassingBackend(inner)
    {
        private readonly CpuBackend _inner = inner;
        private readonly Tensor _logits = inner.Allocate(DType.F32, new Shape(ModelHarness.MaxTokens, config.Experts));
        private readonly Tensor _row = inner.Allocate(DType.F32, new Shape(1, config.HiddenSize));
        private readonly Tensor _fewer = inner.Allocate(DType.BF16, new Shape(config.Experts - 1, config.HiddenSize));

        public List<Half> Halves { get; } = [];

        public int Choices { get; private set; }

        public int NearTies { get; private set; }

        public override void Embed(Tensor table, Batch batch, Tensor x, bool next = false)
        {
            base.Embed(table, batch, x, next);
            Halves.Add(new Half(x.AsSpan().ToArray(), []));
        }

        public override void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
        {
            Halves.Add(new Half(x.AsSpan().ToArray(), []));
            var others = Others(p, norm, epsilon, x);
            base.FeedForward(p, norm, epsilon, x);
            Halves.Add(new Half(x.AsSpan().ToArray(), others));
        }

        /// <summary>Results of rows with another expert in the place of one that is hardly better.</summary>
        private List<(int Row, float[] Values)> Others(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
        {
            var (router, rows, others) = (p.Router!.Value, x.Shape[0], new List<(int, float[])>());
            _inner.NormProject(x, norm, epsilon, [router], _logits.Rows(0, rows));
            for (var row = 0; row < rows; row++)
            {
                var logits = _logits.At(row).AsSpan().ToArray();
                var order = Enumerable.Range(0, logits.Length).OrderByDescending(e => logits[e]).Take(p.ActiveExperts + 1).ToArray();
                var near = order[..^1].Where(e => logits[e] - logits[order[^1]] < nearTie).ToList();
                Choices++;
                if (near.Count > 0) NearTies++;
                foreach (var expert in near)
                {
                    _inner.Copy(x.Rows(row, 1), _row);
                    _inner.FeedForward(Without(p, router.Weight, expert), norm, epsilon, _row);
                    others.Add((row, _row.AsSpan().ToArray()));
                }
            }
            return others;
        }

        private FeedForwardParameters Without(FeedForwardParameters p, Tensor router, int expert)
        {
            var last = p.Experts.Length - 1;
            _inner.Copy(router.Rows(0, expert), _fewer.Rows(0, expert));
            _inner.Copy(router.Rows(expert + 1, last - expert), _fewer.Rows(expert, last - expert));
            return new FeedForwardParameters
            {
                Router = new LinearWeight(_fewer),
                Experts = [.. p.Experts.Where((_, e) => e != expert)],
                ActiveExperts = p.ActiveExperts,
                NormalizeWeights = p.NormalizeWeights,
                Shared = p.Shared,
                SharedGate = p.SharedGate,
            };
        }
    }

    /// <summary>The device, which goes on from the CPU's residual stream.</summary>
    private sealed class Checker(IBackend inner, HalfByHalf owner) : PassingBackend(inner)
    {
        /// <summary>Those of this piece that have been compared.</summary>
        public int Half { get; set; }

        public override void Embed(Tensor table, Batch batch, Tensor x, bool next = false)
        {
            base.Embed(table, batch, x, next);
            Assert.Equal(owner._recorder.Halves[Half++].Values, Read(x));
        }

        public override void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
        {
            Compare("mixer", x);
            base.FeedForward(p, norm, epsilon, x);
            Compare("feed-forward", x);
        }

        private void Compare(string half, Tensor x)
        {
            var (before, expected) = (owner._recorder.Halves[Half - 1].Values, owner._recorder.Halves[Half]);
            owner.Check($"{half} of layer {(Half - 1) / 2}", expected, before, Read(x), x.Shape[0]);
            Write(expected.Values, x);
            Half++;
        }
    }
}

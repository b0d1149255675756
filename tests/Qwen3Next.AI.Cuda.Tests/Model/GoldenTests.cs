using System.Numerics.Tensors;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>
/// Every golden checkpoint on the device against HF transformers in f32, logit row by logit row: the length of the difference over the length of the
/// row. The device rounds what enters a tensor-core product, and keys and values, to bf16: 2^-8 at most and about 2^-9 on average, in some six
/// places a layer. Over the four layers of these models independent errors add up to about 2^-9 sqrt 24, less than 2^-6; half of the rows must be within
/// 2^-7. A router whose last chosen and first rejected expert nearly tie may choose the other one, and these models' random weights make ties of
/// experts common; that is an error of an expert's share, which one row in twenty may have.
/// </summary>
public sealed class GoldenTests(CudaFixture cuda)
{
    private const double Typical = 1.0 / 128, Usual = 1.0 / 32, WithAnotherExpert = 1.0 / 4;

    public static TheoryData<string> Checkpoints => ["next-tiny", "next-tiny-fp8", "next-yarn", "qwen3-dense-tiny", "qwen3-moe-tiny"];

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Forward_WholePrompts_MeetsReference(string name)
    {
        var (model, reference) = Open(name);
        using var _ = model;
        for (var i = 0; i < reference.Prompts; i++)
        {
            using var conversation = model.Start();
            var logits = conversation.Append(reference.Ints($"prompt{i}.ids"));
            Meet(reference.Floats($"prompt{i}.logits"), logits, model.Config.VocabularySize, $"{name} prompt {i}");
        }
    }

    [Theory]
    [InlineData("next-tiny", 1)]
    [InlineData("next-tiny", 7)]
    [InlineData("next-yarn", 33)]
    [InlineData("qwen3-moe-tiny", 16)]
    public void Forward_InChunks_MeetsReference(string name, int chunk)
    {
        var (model, reference) = Open(name);
        using var _ = model;
        using var conversation = model.Start();
        var ids = reference.Ints("prompt1.ids");
        var logits = new List<float>();
        for (var start = 0; start < ids.Length; start += chunk) logits.AddRange(conversation.Append(ids.AsSpan(start, Math.Min(chunk, ids.Length - start))));
        Meet(reference.Floats("prompt1.logits"), logits.ToArray(), model.Config.VocabularySize, $"{name} in chunks of {chunk}");
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Decode_Greedy_GivesReferenceTokensWhereTheirLeadExceedsTheBound(string name)
    {
        var (model, reference) = Open(name);
        using var _ = model;
        for (var i = 0; i < reference.Prompts; i++)
        {
            using var conversation = model.Start();
            var expected = reference.Ints($"prompt{i}.greedy");
            if (cuda.IsEmulated && !Nightly.IsOn) expected = expected[..Math.Min(expected.Length, 8)];
            var next = reference.Ints($"prompt{i}.ids");
            foreach (var token in expected)
            {
                var last = conversation.Append(next).AsSpan(^model.Config.VocabularySize..);
                var best = TensorPrimitives.IndexOfMax(last);
                if (best != token) Assert.InRange(last[best] - last[token], 0, Usual * Math.Abs(TensorPrimitives.MaxMagnitude(last)));
                // Fed the reference's token, so that one near-tie does not end the comparison.
                next = [token];
            }
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(3)]
    public void Predict_MultiToken_MeetsReference(int chunk)
    {
        var (model, reference) = Open("next-tiny");
        using var _ = model;
        using var conversation = model.Start();
        var ids = reference.Ints("prompt1.ids");
        var logits = new List<float>();
        for (var start = 0; start < ids.Length - 1; start += chunk)
        {
            var count = Math.Min(chunk, ids.Length - 1 - start);
            logits.AddRange(conversation.Predict(ids.AsSpan(start, count), ids.AsSpan(start + 1, count)));
        }
        Meet(reference.Floats("prompt1.mtp.logits"), logits.ToArray(), model.Config.VocabularySize, $"MTP in chunks of {chunk}");
    }

    private static void Meet(float[] expected, float[] actual, int width, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        var errors = new List<double>();
        for (var start = 0; start < expected.Length; start += width)
        {
            var reference = expected.AsSpan(start, width);
            errors.Add(TensorPrimitives.Distance<float>(reference, actual.AsSpan(start, width)) / TensorPrimitives.Norm<float>(reference));
        }
        var sorted = errors.Order().ToList();
        Within(sorted[sorted.Count / 2], Typical, "half of the rows");
        Within(sorted[(sorted.Count - 1) * 19 / 20], Usual, "19 of 20 rows");
        Within(sorted[^1], WithAnotherExpert, "all rows");

        void Within(double error, double bound, string rows) => Assert.True(error <= bound, $"{what}: {rows} should be within {bound}; they are within {error}");
    }

    private (ModelHarness Model, ReferenceFile Reference) Open(string name)
    {
        var folder = Golden.Path(name);
        return (new ModelHarness(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder), new CudaBackend(cuda.Device)),
            new ReferenceFile(Path.Combine(folder, "reference.safetensors")));
    }
}

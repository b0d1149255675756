using Qwen3Next.AI.Tests.Ops;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>Every golden checkpoint against HF transformers: logits, layers, greedy tokens, MTP; whole, in chunks, token by token.</summary>
public sealed class ParityTests
{
    public static TheoryData<string> Checkpoints => ["next-tiny", "next-tiny-fp8", "next-yarn", "qwen3-dense-tiny", "qwen3-moe-tiny"];

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Forward_WholePrompt_MeetsReference(string name)
    {
        var (model, reference) = Open(name);
        using var _ = model;
        for (var i = 0; i < reference.Prompts; i++)
        {
            using var conversation = model.Start();
            var logits = conversation.Append(reference.Ints($"prompt{i}.ids"),
                (layer, x) => MeetIfGiven(reference, $"prompt{i}.layer{layer}.out", x.AsSpan()),
                hidden => MeetIfGiven(reference, $"prompt{i}.final_norm.out", hidden.AsSpan()));
            Close.Assert(reference.Floats($"prompt{i}.logits"), logits, 1e-4f, 1e-4f, $"{name} prompt {i} logits");
        }
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Forward_AnyChunking_MeetsReference(string name)
    {
        var (model, reference) = Open(name);
        using var _ = model;
        foreach (var chunk in new[] { 1, 2, 7, 16, 33, 64, 100 })
        {
            for (var i = 0; i < reference.Prompts; i++)
            {
                using var conversation = model.Start();
                var ids = reference.Ints($"prompt{i}.ids");
                var logits = new List<float>();
                for (var start = 0; start < ids.Length; start += chunk)
                    logits.AddRange(conversation.Append(ids.AsSpan(start, Math.Min(chunk, ids.Length - start))));
                Close.Assert(reference.Floats($"prompt{i}.logits"), logits.ToArray(), 1e-4f, 1e-4f, $"{name} prompt {i} in chunks of {chunk}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Decode_Greedy_GivesReferenceTokens(string name)
    {
        var (model, reference) = Open(name);
        using var _ = model;
        for (var i = 0; i < reference.Prompts; i++)
        {
            using var conversation = model.Start();
            var expected = reference.Ints($"prompt{i}.greedy");
            var actual = new List<int>();
            var next = reference.Ints($"prompt{i}.ids");
            while (actual.Count < expected.Length)
            {
                var last = conversation.Append(next).AsSpan(^model.Config.VocabularySize..);
                actual.Add(last.IndexOf(System.Numerics.Tensors.TensorPrimitives.Max(last)));
                next = [actual[^1]];
            }
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Predict_WholeAndInChunks_MeetsReference()
    {
        var (model, reference) = Open("next-tiny");
        using var _ = model;
        foreach (var chunk in new[] { 512, 1, 20 })
        {
            for (var i = 1; i < reference.Prompts; i++)
            {
                using var conversation = model.Start();
                var ids = reference.Ints($"prompt{i}.ids");
                var logits = new List<float>();
                for (var start = 0; start < ids.Length - 1; start += chunk)
                {
                    var count = Math.Min(chunk, ids.Length - 1 - start);
                    logits.AddRange(conversation.Predict(ids.AsSpan(start, count), ids.AsSpan(start + 1, count)));
                }
                Close.Assert(reference.Floats($"prompt{i}.mtp.logits"), logits.ToArray(), 1e-4f, 1e-4f, $"MTP prompt {i} in chunks of {chunk}");
            }
        }
    }

    private static void MeetIfGiven(ReferenceFile reference, string name, ReadOnlySpan<float> values)
    {
        if (reference.Has(name)) Close.Assert(reference.Floats(name), values, 1e-4f, 1e-4f, name);
    }

    private static (ModelHarness Model, ReferenceFile Reference) Open(string name)
    {
        var folder = Golden.Path(name);
        return (new ModelHarness(folder), new ReferenceFile(Path.Combine(folder, "reference.safetensors")));
    }
}

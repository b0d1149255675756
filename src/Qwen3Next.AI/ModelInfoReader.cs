using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI;

/// <summary>Puts together what options and the checkpoint's small files say of a model.</summary>
internal static class ModelInfoReader
{
    private const int DefaultContext = 32768;

    public static Qwen3NextModelInfo Read(Qwen3NextOptions options)
    {
        var source = Source(options);
        var config = source.Config;
        var generation = source.Folder is { } folder ? GenerationDefaults.Load(folder, config) : new GenerationDefaults();
        var format = options.Format != Qwen3NextFormat.Auto ? options.Format
            : source.Folder is null ? Qwen3NextFormat.Instruct : ChatFormatDetector.Detect(source.Folder);
        var context = options.MaxContextTokens ?? Math.Min(config.MaxPositions, DefaultContext);
        if (context > config.MaxPositions)
        {
            throw new CheckpointException(
                $"MaxContextTokens is {context}; {source.Name} allows {config.MaxPositions} (max_position_embeddings). Lower it, or enable YaRN in config.json.");
        }
        var thinks = format is Qwen3NextFormat.Thinking or Qwen3NextFormat.Hybrid;
        return new Qwen3NextModelInfo
        {
            ModelId = options.ModelId ?? (source.Folder is null ? $"{source.Name} (dummy weights)" : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.ModelPath)))),
            Format = format,
            Architecture = config.Architecture,
            MaxContextTokens = context,
            MaxOutputTokens = Math.Min(context, options.MaxOutputTokens ?? (thinks ? 32768 : 16384)),
            VocabularySize = config.VocabularySize,
            StopTokens = generation.StopTokens,
            Defaults = Merge(options.Defaults, generation),
        };
    }

    public static ModelSource Source(Qwen3NextOptions options) => options.DummyWeights is { } dummy
        ? ModelSource.Dummy(dummy.Model, dummy.Layers, options.WeightType == Qwen3NextWeightType.Float8)
        : ModelSource.Checkpoint(options.ModelPath);

    private static Qwen3NextGenerationOptions Merge(Qwen3NextGenerationOptions options, GenerationDefaults generation) => new()
    {
        Temperature = options.Temperature ?? (generation.DoSample == false ? 0 : generation.Temperature),
        TopK = options.TopK ?? generation.TopK,
        TopP = options.TopP ?? generation.TopP,
        MinP = options.MinP ?? generation.MinP,
        RepetitionPenalty = options.RepetitionPenalty ?? generation.RepetitionPenalty,
        FrequencyPenalty = options.FrequencyPenalty,
        PresencePenalty = options.PresencePenalty,
        LogitBias = options.LogitBias,
        Seed = options.Seed,
        StopSequences = options.StopSequences,
        MaxOutputTokens = options.MaxOutputTokens,
        ThinkingBudget = options.ThinkingBudget,
        Pattern = options.Pattern,
        EnableThinking = options.EnableThinking,
    };
}

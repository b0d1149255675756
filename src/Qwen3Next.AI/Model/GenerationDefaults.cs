using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>generation_config.json: how the publisher wants the model to be sampled. Null means that the file is silent.</summary>
internal sealed record GenerationDefaults
{
    /// <summary>False asks for the most likely token always.</summary>
    public bool? DoSample { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public float? MinP { get; init; }

    public float? RepetitionPenalty { get; init; }

    /// <summary>Tokens that end an answer: this file's, else config.json's; empty where both are silent.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>Reads the file beside config.json; all defaults where there is none.</summary>
    /// <exception cref="CheckpointException">A value is out of range.</exception>
    public static GenerationDefaults Load(string path, Qwen3NextConfig config)
    {
        var file = Path.Combine(CheckpointFolder.Resolve(path), "generation_config.json");
        if (!File.Exists(file)) return new GenerationDefaults { StopTokens = config.EosTokens };
        var json = JsonSection.Read(file);
        return new GenerationDefaults
        {
            DoSample = json.TryGet("do_sample", out _) ? json.Flag("do_sample", false) : null,
            Temperature = Single(json, "temperature", 0, 100, inclusive: true),
            TopP = Single(json, "top_p", 0, 1),
            TopK = json.TryGet("top_k", out _) ? json.Int("top_k", 0, int.MaxValue) : null,
            MinP = Single(json, "min_p", 0, 1, inclusive: true),
            RepetitionPenalty = Single(json, "repetition_penalty", 0, 100),
            StopTokens = json.TryGet("eos_token_id", out _) ? json.Ints("eos_token_id", 0, int.MaxValue) : config.EosTokens,
        };
    }

    private static float? Single(JsonSection json, string name, double min, double max, bool inclusive = false) =>
        (float?)json.OptionalNumber(name, min, max, inclusive);
}

using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>Brings the spellings that checkpoints use for the same tensor to the one that <see cref="WeightMap"/> asks for.</summary>
internal sealed class CheckpointNames
{
    private readonly Dictionary<string, string> _actual = new(StringComparer.Ordinal);

    public CheckpointNames(ICheckpoint checkpoint)
    {
        // Embedding checkpoints hold the bare model: no "model." before its names, and no head.
        IsBareModel = checkpoint.TensorNames.Contains("embed_tokens.weight");
        foreach (var name in checkpoint.TensorNames)
        {
            var canonical = name.StartsWith("model.mtp.", StringComparison.Ordinal) ? name["model.".Length..]
                : IsBareModel && !name.StartsWith("mtp.", StringComparison.Ordinal) && name != "lm_head.weight" ? "model." + name
                : name;
            if (!_actual.TryAdd(canonical, name))
                throw new CheckpointException($"{checkpoint.FileOf(name)}: tensors {_actual[canonical]} and {name} are the same weight.");
        }
    }

    public bool IsBareModel { get; }

    public bool HasMtp => _actual.Keys.Any(n => n.StartsWith("mtp.", StringComparison.Ordinal));

    /// <summary>The checkpoint's own name of a tensor, or null where it has none.</summary>
    public string? Find(string canonical) => _actual.GetValueOrDefault(canonical);

    /// <summary>The checkpoint's names of all tensors that are not among <paramref name="used"/>.</summary>
    public List<string> Except(IReadOnlySet<string> used) => [.. _actual.Values.Where(n => !used.Contains(n)).Order(StringComparer.Ordinal)];
}

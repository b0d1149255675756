using System.ComponentModel.DataAnnotations;

namespace Qwen3Next.AI;

/// <summary>
/// A model of a given shape whose weights are made up: it answers nonsense at the speed of the real one. For measuring and for planning memory
/// without a checkpoint. It has no tokenizer; ask it by token ids.
/// </summary>
public sealed class Qwen3NextDummyWeights
{
    /// <summary>qwen3-next-80b-a3b, qwen3-30b-a3b, qwen3-32b, or a folder with a config.json. Required.</summary>
    [Required]
    public string Model { get; set; } = "";

    /// <summary>Only so many of the first layers, 1 or more. Default: all.</summary>
    [Range(1, 10_000)]
    public int? Layers { get; set; }
}

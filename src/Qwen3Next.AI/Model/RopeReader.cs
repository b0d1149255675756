using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>Reads the rotary settings: top-level members first, then those of rope_parameters (5.x) or rope_scaling (4.57), which win.</summary>
internal static class RopeReader
{
    public static RopeConfig Read(JsonSection json, int headDim, int maxPositions, double defaultPartial)
    {
        var theta = json.Number("rope_theta", 1, 1e12, 10000);
        var partial = json.Number("partial_rotary_factor", 0, 1, defaultPartial);
        YarnConfig? yarn = null;
        if ((json.Object("rope_parameters") ?? json.Object("rope_scaling")) is { } rope)
        {
            theta = rope.Number("rope_theta", 1, 1e12, theta);
            partial = rope.Number("partial_rotary_factor", 0, 1, partial);
            yarn = (rope.Text("rope_type") ?? rope.Text("type") ?? "default") switch
            {
                "default" => null,
                "yarn" => ReadYarn(rope, maxPositions),
                var other => throw new CheckpointException($"{rope.File}: rope_type is \"{other}\"; default and yarn are supported."),
            };
        }
        var rotary = (int)(headDim * partial);
        return rotary >= 2 && rotary % 2 == 0
            ? new RopeConfig(theta, rotary, yarn)
            : throw new CheckpointException($"{json.File}: partial_rotary_factor x head_dim is {rotary}; an even number of at least 2 is needed.");
    }

    private static YarnConfig ReadYarn(JsonSection rope, int maxPositions)
    {
        var trained = rope.Int("original_max_position_embeddings", 1, 1 << 26, maxPositions);
        var factor = rope.Number("factor", 0, 1e6, (double)maxPositions / trained);
        var scale = rope.OptionalNumber("mscale", 0, 1e3, inclusive: true);
        var scaleAllDim = rope.OptionalNumber("mscale_all_dim", 0, 1e3, inclusive: true);
        var attention = scale is > 0 && scaleAllDim is > 0
            ? YarnConfig.Attention(factor, scale.Value) / YarnConfig.Attention(factor, scaleAllDim.Value)
            : YarnConfig.Attention(factor);
        return new YarnConfig(factor, trained, (float)rope.Number("attention_factor", 0, 1e3, attention),
            rope.Number("beta_fast", 0, 1e6, 32), rope.Number("beta_slow", 0, 1e6, 1), rope.Flag("truncate", true));
    }
}

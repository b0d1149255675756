using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>How many parameters a model has, from its shape alone.</summary>
/// <param name="Main">All of the main model.</param>
/// <param name="Active">
/// Those that compute for one token: a share of the experts, the head, but not the embedding table, which is only looked up.
/// </param>
/// <param name="Mtp">The prediction module; it shares embedding and head with the main model.</param>
/// <param name="MtpActive">Those of the module that compute for one draft, without the head.</param>
internal readonly record struct ParameterCounts(long Main, long Active, long Mtp, long MtpActive)
{
    public static ParameterCounts Of(Qwen3NextConfig config, bool mtp)
    {
        var specs = WeightMap.Tensors(config, mtp).ToLookup(s => s.Name.StartsWith("mtp.", StringComparison.Ordinal));
        return new ParameterCounts(All(specs[false]), ActiveOf(config, specs[false]), All(specs[true]), ActiveOf(config, specs[true]));
    }

    private static long All(IEnumerable<TensorSpec> specs) => specs.Sum(s => s.Shape.Elements);

    private static long ActiveOf(Qwen3NextConfig config, IEnumerable<TensorSpec> specs)
    {
        long active = 0, experts = 0;
        foreach (var spec in specs)
        {
            if (spec.Role == TensorRole.Expert) experts += spec.Shape.Elements;
            else if (spec.Role != TensorRole.Embedding || config.Tied) active += spec.Shape.Elements;
        }
        return experts == 0 ? active : active + experts / config.Experts * config.ActiveExperts;
    }
}

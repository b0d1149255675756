namespace Qwen3Next.AI.Engine;

/// <summary>How often a draft is right where those before it were, by its place among the drafts of a step; older ones count less.</summary>
internal sealed class DraftAcceptance
{
    // Fifty drafts or so are remembered: texts change.
    private const double Fading = 0.98, Prior = 0.8, PriorWeight = 4;

    private readonly double[] _tried = new double[SpeculativeDecoder.MaxDrafts], _kept = new double[SpeculativeDecoder.MaxDrafts];

    public void Add(int drafts, int kept)
    {
        for (var i = 0; i < Math.Min(drafts, kept + 1); i++)
        {
            _tried[i] = Fading * _tried[i] + 1;
            _kept[i] = Fading * _kept[i] + (i < kept ? 1 : 0);
        }
    }

    /// <summary>Another conversation may fare otherwise: what is known counts little beside what comes.</summary>
    public void Doubt()
    {
        for (var i = 0; i < _tried.Length; i++) (_tried[i], _kept[i]) = (_tried[i] / 8, _kept[i] / 8);
    }

    /// <summary>Tokens to expect of a conversation's step with so many drafts.</summary>
    public double Tokens(int drafts)
    {
        double tokens = 1, all = 1;
        for (var i = 0; i < drafts; i++) tokens += all *= (_kept[i] + Prior * PriorWeight) / (_tried[i] + PriorWeight);
        return tokens;
    }
}

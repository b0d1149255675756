using System.Diagnostics;
using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// How many drafts pay, by what is measured while running: how long a step of so many conversations takes at each depth, and how often a first,
/// second, third, fourth draft is right. The depth with most tokens per second is used; others are tried again from time to time. Where none pays,
/// running conversations give drafting up, which saves keeping the MTP module's cache, and only some new ones try again.
/// </summary>
/// <param name="always">This many drafts, whatever is measured; null measures.</param>
/// <param name="maxSequences">Most conversations of a step.</param>
internal sealed class DraftDepth(int? always, int maxSequences)
{
    private const int Depths = SpeculativeDecoder.MaxDrafts + 1;

    // The first steps of a kind load and record kernels, or are compiled.
    private const int Unmeasured = 2, Measured = 4;
    private const int StepsBetweenTrials = 128, TrialSteps = 5, StepsToGiveUp = 64, ConversationsBetweenTrials = 8;
    private const double Gain = 1.03;

    private readonly double[,] _seconds = new double[maxSequences + 1, Depths];
    private readonly int[,] _samples = new int[maxSequences + 1, Depths];
    private readonly DraftAcceptance _acceptance = new();
    private int _conversations, _depth, _verified, _trialSteps, _steps, _stepsWithout, _turnedDown;
    private long _ended;

    /// <summary>The depth for the step that follows one just computed.</summary>
    public int Next(Batch step, List<Sequence> sequences)
    {
        if (always is { } depth) return depth;
        _verified = DraftsOfEach(step);
        for (var n = 0; n < step.SequenceCount; n++) Verified(step.Drafts[n], sequences[n].KeptDrafts);
        if (_verified < 0) return _depth;
        if (step.SequenceCount != _conversations) (_conversations, _trialSteps, _ended) = (step.SequenceCount, 0, 0);
        Choose(_conversations);
        if (_trialSteps == 0) _stepsWithout = _depth == 0 ? _stepsWithout + 1 : 0;
        if (_stepsWithout >= StepsToGiveUp)
            foreach (var sequence in sequences) sequence.CanDraft = false;
        return _depth;
    }

    /// <summary>The step is over, drafts for the next one included.</summary>
    public void Ended(int depth)
    {
        if (always is not null) return;
        var now = Stopwatch.GetTimestamp();
        // A step counts where it verified as many drafts as it made, so that both are paid for.
        if (_ended != 0 && _verified == depth) Record(_conversations, depth, Stopwatch.GetElapsedTime(_ended, now).TotalSeconds);
        _ended = _verified < 0 ? 0 : now;
    }

    public bool TakesOn() => always is not null || _stepsWithout < StepsToGiveUp || ++_turnedDown % ConversationsBetweenTrials == 0;

    internal void Verified(int drafts, int kept) => _acceptance.Add(drafts, kept);

    internal void Record(int conversations, int depth, double seconds)
    {
        ref var mean = ref _seconds[conversations, depth];
        if (++_samples[conversations, depth] <= Unmeasured) return;
        // One step that the system held up must not decide.
        mean = mean == 0 ? seconds : mean + 0.2 * (Math.Min(seconds, 1.25 * mean) - mean);
    }

    internal int Choose(int conversations)
    {
        if (_trialSteps > 0)
        {
            _trialSteps--;
            return _depth;
        }
        var best = Best(conversations);
        var trial = Untried(conversations, best) ?? (++_steps % StepsBetweenTrials == 0 ? Neighbour(best) : best);
        if (trial != best) _trialSteps = TrialSteps;
        return _depth = trial;
    }

    /// <summary>The drafts that the step verified for each conversation; -1 where it did something else too.</summary>
    private static int DraftsOfEach(Batch step)
    {
        var depth = step.SequenceCount > 0 ? step.Drafts[0] : 0;
        for (var n = 0; n < step.SequenceCount; n++)
            if (step.Drafts[n] != depth || step.SequenceStart[n + 1] - step.SequenceStart[n] != depth + 1) return -1;
        return depth;
    }

    private int Best(int conversations)
    {
        var best = 0;
        for (var depth = 1; depth < Depths; depth++)
            if (Known(conversations, depth) && (!Known(conversations, best) || Rate(conversations, depth) > Gain * Rate(conversations, best))) best = depth;
        return best;
    }

    /// <summary>A depth without a measurement that could be better even so.</summary>
    private int? Untried(int conversations, int best)
    {
        for (var depth = 0; depth < Depths; depth++)
            if (!Known(conversations, depth) && (depth == 0 || _acceptance.Tokens(depth) > Gain * _acceptance.Tokens(best))) return depth;
        return null;
    }

    private int Neighbour(int best) => best == 0 || (best < Depths - 1 && _steps / StepsBetweenTrials % 2 == 0) ? best + 1 : best - 1;

    private bool Known(int conversations, int depth) => _samples[conversations, depth] >= Measured;

    private double Rate(int conversations, int depth) => _acceptance.Tokens(depth) / _seconds[conversations, depth];
}

/// <summary>How often a draft is right where those before it were, by its place among the drafts of a step; older ones count less.</summary>
internal sealed class DraftAcceptance
{
    private const double Fading = 0.995, Prior = 0.8, PriorWeight = 4;

    private readonly double[] _tried = new double[SpeculativeDecoder.MaxDrafts], _kept = new double[SpeculativeDecoder.MaxDrafts];

    public void Add(int drafts, int kept)
    {
        for (var i = 0; i < Math.Min(drafts, kept + 1); i++)
        {
            _tried[i] = Fading * _tried[i] + 1;
            _kept[i] = Fading * _kept[i] + (i < kept ? 1 : 0);
        }
    }

    /// <summary>Tokens to expect of a step with so many drafts.</summary>
    public double Tokens(int drafts)
    {
        double tokens = 1, all = 1;
        for (var i = 0; i < drafts; i++) tokens += all *= (_kept[i] + Prior * PriorWeight) / (_tried[i] + PriorWeight);
        return tokens;
    }
}

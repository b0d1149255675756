using System.Diagnostics;
using System.Numerics;
using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// How many drafts pay, by what is measured while running. A step has two parts, each timed by itself: computing its rows, and drafting for the next
/// step. With the share of drafts that hold at each place, they tell tokens per second at each depth. What plain steps cost, without drafts and
/// without keeping the MTP module's cache, is the first part of a step without drafts. Where drafts have cost more than they brought by some
/// plain steps, the conversations under way give them up, and only some of the next ones try again.
/// </summary>
/// <param name="always">This many drafts, whatever is measured; null measures.</param>
/// <param name="maxSequences">Most conversations of a step.</param>
internal sealed class DraftDepth(int? always, int maxSequences)
{
    private const int Depths = SpeculativeDecoder.MaxDrafts + 1;

    // Steps: of a trial, between trials that change nothing, and until what plain steps cost is measured again before it decides.
    private const int TrialSteps = RecentTimes.Needed, FirstInterval = 128, LastInterval = 2048, Fresh = 128;
    private const int FirstBetween = 8, LastBetween = 16;

    // In plain steps: what drafts may lose before they are given up, or gain before they are believed in, and how much of it in one step, as a
    // measurement may be wrong.
    private const double Decisive = 12, MostOfAStep = 2;

    // By how much more must be gained to draft more; steps of trials for each step, and at most.
    private const double Gain = 1.03, TrialShare = 0.1, MostCredit = 40;

    private readonly RecentTimes _computing = new(maxSequences * Depths + 1);
    private readonly RecentTimes[] _drafting = [.. Enumerable.Range(0, Depths).Select(_ => new RecentTimes(maxSequences + 1))];
    private readonly DraftAcceptance _acceptance = new();
    private readonly Retrial[] _retrials = new Retrial[BitOperations.Log2((uint)maxSequences) + 1];
    private int _depth, _draftingNow, _plainSteps, _trialSteps, _bestBefore, _turn, _interval = FirstInterval;
    private long _step, _lastTrial, _lastPlain;
    private double _credit = MostCredit, _loss, _gain, _draftSeconds;
    private long _began, _ended;

    /// <summary>Whether a conversation that starts now is to have drafts.</summary>
    /// <param name="conversations">With it, those that wait too: they will be in most of its steps.</param>
    public bool TakesOn(int conversations)
    {
        if (always is { } depth) return depth > 0;
        conversations = Math.Min(conversations, maxSequences);
        ref var retrial = ref _retrials[BitOperations.Log2((uint)conversations)];
        if (retrial.Between == 0) return true;
        if (retrial.Trying == 0 && ++retrial.TurnedDown >= retrial.Between * conversations)
        {
            // As many as are computed together: what one of them alone gains or loses drowns in the others' time.
            (retrial.Trying, retrial.TurnedDown, _gain) = (conversations, 0, 0);
            _acceptance.Doubt();
        }
        if (retrial.Trying == 0) return false;
        retrial.Trying--;
        return true;
    }

    /// <summary>The depth for the step that follows one just computed. Conversations may lose their drafts by it.</summary>
    public int Next(Batch step, List<Sequence> sequences)
    {
        if (always is { } depth) return depth;
        _began = Stopwatch.GetTimestamp();
        var (tokens, decodes, drafting) = (0, _ended != 0, 0);
        for (var n = 0; n < step.SequenceCount; n++)
        {
            Verified(step.Drafts[n], sequences[n].KeptDrafts);
            tokens += 1 + sequences[n].KeptDrafts;
            decodes &= step.SequenceStart[n + 1] - step.SequenceStart[n] == 1 + step.Drafts[n];
            drafting += sequences[n].CanDraft ? 1 : 0;
        }
        if (decodes) Computed(step.SequenceCount, step.TokenCount, tokens, Stopwatch.GetElapsedTime(_ended, _began).TotalSeconds);
        if (drafting > 0 && GivesUp(step.SequenceCount))
        {
            foreach (var sequence in sequences) sequence.CanDraft = false;
            drafting = 0;
        }
        _draftingNow = drafting;
        return drafting > 0 ? Choose(step.SequenceCount, drafting) : _depth = 0;
    }

    /// <summary>The drafts that <see cref="Next"/> asked for are made.</summary>
    public void Ended()
    {
        if (always is not null) return;
        _ended = Stopwatch.GetTimestamp();
        Drafted(_draftingNow, Stopwatch.GetElapsedTime(_began, _ended).TotalSeconds);
    }

    internal void Verified(int drafts, int kept) => _acceptance.Add(drafts, kept);

    /// <summary>A step of nothing but last tokens and drafts took some time, and gave some tokens.</summary>
    internal void Computed(int conversations, int rows, int tokens, double seconds)
    {
        _computing.Add(rows, seconds);
        _plainSteps = rows == conversations ? _plainSteps + 1 : 0;
        if (_plainSteps >= RecentTimes.Needed) _lastPlain = _step;
        // What such steps usually cost: one that the system held up is no fault of its drafts.
        var (usual, plain) = (_computing.Median(rows) + _draftSeconds, _computing.Median(conversations));
        if (double.IsNaN(usual) || double.IsNaN(plain)) return;
        var loss = Math.Min(usual / plain - tokens / (double)conversations, MostOfAStep);
        (_loss, _gain) = (Math.Max(0, _loss + loss), Math.Max(0, _gain - loss));
    }

    /// <summary>Drafting for the next step took some time.</summary>
    internal void Drafted(int drafting, double seconds)
    {
        _draftSeconds = 0;
        if (drafting == 0) return;
        _drafting[_depth].Add(drafting, seconds);
        _draftSeconds = _drafting[_depth].Median(drafting);
    }

    /// <summary>Drafts have lost too much.</summary>
    internal bool GivesUp(int conversations)
    {
        ref var retrial = ref _retrials[BitOperations.Log2((uint)conversations)];
        if (_gain > Decisive) retrial = default;
        if (_loss <= Decisive) return false;
        if (_step - _lastPlain > Fresh)
        {
            // Contexts have grown since, perhaps, and plain steps are slower than they were.
            (_loss, _lastPlain) = (Decisive / 2, _step);
            Try(0);
            return false;
        }
        retrial = new Retrial { Between = Math.Clamp(2 * retrial.Between, FirstBetween, LastBetween) };
        (_loss, _gain, _depth, _trialSteps) = (0, 0, 0, 0);
        return true;
    }

    internal int Choose(int conversations, int drafting)
    {
        _step++;
        _credit = Math.Min(MostCredit, _credit + TrialShare);
        if (_trialSteps > 0)
        {
            _trialSteps--;
            return _depth;
        }
        var best = Best(conversations, drafting);
        if (_lastTrial == _step - 1) _interval = best == _bestBefore ? Math.Min(2 * _interval, LastInterval) : FirstInterval;
        var trial = Untried(conversations, drafting, best) ?? (_step - _lastTrial >= _interval ? Neighbour(best) : null);
        if (trial is not { } depth || _credit < TrialSteps) return _depth = best;
        _bestBefore = best;
        return Try(depth);
    }

    private int Try(int depth)
    {
        _credit -= TrialSteps;
        _trialSteps = TrialSteps - 1;
        _lastTrial = _step + _trialSteps;
        return _depth = depth;
    }

    private int Best(int conversations, int drafting)
    {
        var (best, rate) = (0, 0.0);
        for (var depth = 0; depth < Depths; depth++)
            if (Tokens(conversations, drafting, depth) / Seconds(conversations, drafting, depth) is var r && r > Gain * rate) (best, rate) = (depth, r);
        return best;
    }

    /// <summary>A depth without a measurement that would be better if it cost no more than the one below.</summary>
    private int? Untried(int conversations, int drafting, int best)
    {
        var least = _computing.Median(conversations);
        if (double.IsNaN(least) || double.IsNaN(Seconds(conversations, drafting, 0))) return 0;
        var rate = Math.Max(conversations / least, Tokens(conversations, drafting, best) / Seconds(conversations, drafting, best));
        for (var depth = 1; depth < Depths; depth++)
        {
            var seconds = Seconds(conversations, drafting, depth);
            if (!double.IsNaN(seconds)) least = seconds;
            else if (Tokens(conversations, drafting, depth) / least > Gain * rate) return depth;
        }
        return null;
    }

    // No drafts, one less, one more, in turn.
    private int? Neighbour(int best)
    {
        _turn = (_turn + 1) % 3;
        var depth = _turn == 0 ? 0 : Math.Clamp(_turn == 1 ? best - 1 : best + 1, 0, Depths - 1);
        return depth == best ? best > 0 ? best - 1 : 1 : depth;
    }

    private double Tokens(int conversations, int drafting, int depth) => conversations - drafting + drafting * _acceptance.Tokens(depth);

    private double Seconds(int conversations, int drafting, int depth) =>
        _computing.Median(conversations + drafting * depth) + _drafting[depth].Median(drafting);

    /// <summary>When drafts are tried again with about so many conversations at once.</summary>
    private struct Retrial
    {
        /// <summary>After so many times as many conversations; 0 where drafts pay.</summary>
        public int Between;

        /// <summary>Conversations without drafts since the last trial.</summary>
        public int TurnedDown;

        /// <summary>Conversations that are still to have drafts for this trial.</summary>
        public int Trying;
    }
}

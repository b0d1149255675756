using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// Guesses the tokens that follow with the MTP module, for the next step to verify. Keys and values of that module are filled for every row
/// that a step computes, prompts included; entries written for guesses are overwritten when their positions are computed. Specification 4.2.
/// </summary>
/// <param name="model">Has an MTP module.</param>
/// <param name="cache">The engine's.</param>
/// <param name="limits">The engine's.</param>
/// <param name="batch">Rows for the MTP module, of the engine's sizes.</param>
internal sealed class SpeculativeDecoder(Qwen3NextModel model, HybridCache cache, EngineLimits limits, Batch batch)
{
    /// <summary>Most drafts for a conversation in a step.</summary>
    public const int MaxDrafts = 4;

    // Drafts of one place are chosen while those before them are on their way to the host.
    private readonly SamplingRows[] _rows = [new(limits.LogitRows, limits.TokenIds, 0), new(limits.LogitRows, limits.TokenIds, 1)];
    private readonly List<Sequence>[] _asked = [new(limits.Sequences), new(limits.Sequences)];
    private readonly List<Sequence> _drafting = new(limits.Sequences);
    private DraftDepth _depth = new(limits.DraftTokens, limits.Sequences);

    /// <summary>Whether a conversation that starts now is to have drafts.</summary>
    /// <param name="conversations">With it, those that wait too.</param>
    public bool TakesOn(int conversations) => _depth.TakesOn(conversations);

    /// <summary>Forgets what drafts are worth.</summary>
    /// <param name="drafts">This many from now on, at most those of the limits; null: as the limits say.</param>
    public void Restart(int? drafts) => _depth = new DraftDepth(drafts ?? limits.DraftTokens, limits.Sequences);

    /// <param name="step">What has been computed.</param>
    /// <param name="hidden">[T, D] its hidden states after the final norm.</param>
    /// <param name="sequences">Its conversations; those that go on and answer get drafts.</param>
    public void Draft(Batch step, Tensor hidden, List<Sequence> sequences)
    {
        var depth = _depth.Next(step, sequences);
        Follow(step, hidden, sequences, depth);
        var made = 0;
        while (batch.TokenCount > 0)
        {
            var carried = model.Predict(batch, cache);
            if (_drafting.Count == 0)
            {
                // What it costs to keep the module's cache is measured too, so its end is waited for.
                model.Read(carried.Rows(0, 1));
                break;
            }
            Choose(carried, made);
            if (made > 0) Take(made - 1);
            made++;
            GoOn(carried, depth);
        }
        if (made > 0) Take(made - 1);
        _depth.Ended();
    }

    /// <summary>Makes the drafts that were kept part of a conversation's state, which is then complete.</summary>
    public void Settle(Sequence sequence)
    {
        batch.Clear();
        batch.Add([], sequence.Computed, sequence.Slot, sequence.Blocks.AsSpan(0, sequence.BlockCount), lastLogits: false, allLogits: false, keptDrafts: sequence.KeptDrafts);
        model.Settle(batch, cache);
        sequence.Settle();
    }

    /// <summary>A draft that is taken for right with the given probability, a function of seed and position as draws are; for measurements.</summary>
    public static int Force(Sequence sequence, int chosen, double share)
    {
        var draft = sequence.NextDraft;
        if (Sampler.Uniform(~sequence.Seed, sequence.OutputLength) < share) return draft;
        return chosen != draft ? chosen : draft > 0 ? draft - 1 : 1;
    }

    /// <summary>Every row that the step has computed for good, with the token after it.</summary>
    private void Follow(Batch step, Tensor hidden, List<Sequence> sequences, int depth)
    {
        batch.Clear();
        _drafting.Clear();
        for (var n = 0; n < step.SequenceCount; n++)
        {
            var (sequence, start) = (sequences[n], step.SequenceStart[n]);
            if (!sequence.CanDraft) continue;
            var rows = step.SequenceStart[n + 1] - start - step.Drafts[n] + sequence.KeptDrafts;
            var drafts = Limit(sequence, depth) > 0;
            model.Carry(hidden, start, rows, batch.TokenCount);
            Add(sequence, sequence.Following(step.Positions[start], rows), step.Positions[start], drafts);
            if (drafts) _drafting.Add(sequence);
        }
    }

    /// <summary>Has the module's most likely tokens chosen: a draft for each conversation that wants one at this place.</summary>
    private void Choose(Tensor carried, int place)
    {
        var (rows, asked) = (_rows[place % 2], _asked[place % 2]);
        rows.Clear();
        asked.Clear();
        foreach (var sequence in _drafting)
        {
            sequence.AwaitDraft(rows.Count);
            rows.Add(new SamplingRow(SamplingParameters.Greedy, null, 0, 0));
            asked.Add(sequence);
        }
        model.Sample(model.Logits(batch, carried), rows);
    }

    private void Take(int place)
    {
        var tokens = model.ReadTokens(_rows[place % 2]);
        for (var i = 0; i < tokens.Length; i++) _asked[place % 2][i].SetDraft(place, tokens[i]);
    }

    /// <summary>The last draft of each conversation that has room for another becomes its next row.</summary>
    private void GoOn(Tensor carried, int depth)
    {
        batch.Clear();
        var kept = 0;
        for (var i = 0; i < _drafting.Count; i++)
        {
            // Written behind where it is read: a conversation keeps its place or moves forward.
            var (sequence, row) = (_drafting[i], batch.LogitRows[i]);
            if (sequence.DraftCount >= Limit(sequence, depth)) continue;
            if (row != kept) model.Carry(carried, row, 1, kept);
            var position = sequence.Computed + sequence.DraftCount - 1;
            Add(sequence, sequence.Following(position, 1), position, drafts: true);
            _drafting[kept++] = sequence;
        }
        _drafting.RemoveRange(kept, _drafting.Count - kept);
    }

    private void Add(Sequence sequence, ReadOnlySpan<int> following, int position, bool drafts)
    {
        following.CopyTo(batch.NextTokens.AsSpan(batch.TokenCount));
        batch.Add(following, position, sequence.Slot, sequence.Blocks.AsSpan(0, sequence.BlockCount), lastLogits: drafts, allLogits: false);
    }

    /// <summary>Drafts that a conversation has use and room for.</summary>
    private int Limit(Sequence sequence, int depth)
    {
        if (sequence.Pending != 1 || sequence.Finish != GenerationFinish.None) return 0;
        var pages = sequence.BlockCount * cache.Blocks.BlockSize - sequence.Computed + 1;
        return Math.Min(depth, Math.Min(pages, sequence.MaxTokens - sequence.OutputLength - 1));
    }
}

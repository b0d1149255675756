using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Engine;

/// <summary>What the logits of a step mean for each of its conversations.</summary>
/// <param name="vocabularySize">Width of a row of logits.</param>
/// <param name="tokenIds">Ids that may be chosen.</param>
internal sealed class TokenChooser(int vocabularySize, int tokenIds)
{
    private readonly Sampler _sampler = new(vocabularySize);

    /// <param name="batch">The step.</param>
    /// <param name="sequences">Its conversations.</param>
    /// <param name="logits">[LogitCount, V]; changed.</param>
    public void Choose(Batch batch, List<Sequence> sequences, Span<float> logits)
    {
        var row = 0;
        for (var n = 0; n < batch.SequenceCount; n++)
        {
            var (sequence, drafts) = (sequences[n], batch.Drafts[n]);
            var rows = batch.SequenceStart[n + 1] - batch.SequenceStart[n] - drafts;
            var first = sequence.Computed;
            sequence.Advance(rows, drafts);
            if (sequence.Logits is not null) row += Collect(sequence, logits[(row * vocabularySize)..], first, rows);
            if (sequence.Pending > 0) continue;
            if (!sequence.WantsTokens)
            {
                sequence.Complete();
                continue;
            }
            Choose(sequence, logits.Slice(row * vocabularySize, (1 + drafts) * vocabularySize));
            row += 1 + drafts;
        }
    }

    /// <summary>
    /// Each row is sampled as if the tokens before it had been computed one by one; a draft holds when it is the token that is sampled. A draft
    /// has one value, not a distribution, so this accepts it as often as rejection sampling would, and the answer is the one without drafts.
    /// </summary>
    private void Choose(Sequence sequence, Span<float> rows)
    {
        int row = 0, token;
        do
        {
            var logits = rows.Slice(row++ * vocabularySize, tokenIds);
            var allowed = sequence.Grammar is { } grammar ? grammar.Allowed() : [];
            token = _sampler.Sample(logits, sequence.Sampling, sequence.Counts, sequence.Seed, sequence.OutputLength, allowed);
            if (sequence.ForcedAcceptance is { } share && sequence.NextDraft >= 0) token = SpeculativeDecoder.Force(sequence, token, share);
            sequence.LogProbabilities?.Enqueue(TokenLogProbability.Of(logits, token, sequence.TopLogProbabilities));
        }
        while (sequence.Accept(token));
        sequence.Publish();
    }

    /// <summary>Gives a conversation that wants logits its rows, and says how many they were.</summary>
    private int Collect(Sequence sequence, ReadOnlySpan<float> logits, int first, int rows)
    {
        var wanted = sequence.AllLogits ? rows : sequence.Pending == 0 ? 1 : 0;
        if (wanted == 0) return 0;
        logits[..(wanted * vocabularySize)].CopyTo(sequence.Logits.AsSpan(sequence.AllLogits ? first * vocabularySize : 0));
        return wanted;
    }
}

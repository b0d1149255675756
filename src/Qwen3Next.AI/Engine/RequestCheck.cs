using Qwen3Next.AI.Model;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Engine;

/// <summary>Refuses requests that an engine cannot answer, before they are queued.</summary>
internal sealed class RequestCheck(Qwen3NextModel model, EngineLimits limits)
{
    /// <exception cref="ArgumentException">A setting is outside its range.</exception>
    /// <exception cref="ContextLengthExceededException">The prompt leaves no room for an answer.</exception>
    public void Answerable(GenerationRequest request)
    {
        HasHead();
        Prompt(request.Prompt, reserve: 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxTokens, 1);
        if (request.TopLogProbabilities is < 0 or > TokenLogProbability.MaxTop)
            throw new ArgumentOutOfRangeException(nameof(request), request.TopLogProbabilities, $"TopLogProbabilities must be 0 to {TokenLogProbability.MaxTop}, or null.");
        if (request.Deadline is { } deadline) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        if (request.ForcedDraftAcceptance is < 0 or > 1 or double.NaN)
            throw new ArgumentOutOfRangeException(nameof(request), request.ForcedDraftAcceptance, "ForcedDraftAcceptance must be 0 to 1, or null.");
        request.Sampling.Validate();
    }

    /// <exception cref="CheckpointException">The model computes hidden states only.</exception>
    public void HasHead()
    {
        if (!model.HasHead) throw new CheckpointException("The checkpoint has no lm_head: it is an embedding model and cannot generate text.");
    }

    /// <param name="prompt">Token ids.</param>
    /// <param name="reserve">Tokens that the answer needs at least.</param>
    public void Prompt(ReadOnlyMemory<int> prompt, int reserve)
    {
        if (prompt.Length == 0) throw new ArgumentException("The prompt has no tokens; give at least one.", nameof(prompt));
        if (prompt.Length + reserve > limits.ContextTokens)
        {
            throw new ContextLengthExceededException(
                $"The prompt has {prompt.Length} tokens; the context holds {limits.ContextTokens}, of which the answer needs at least {reserve}. Shorten the conversation or raise MaxContextTokens.");
        }
        foreach (var token in prompt.Span)
        {
            if ((uint)token >= (uint)model.Config.VocabularySize)
                throw new ArgumentOutOfRangeException(nameof(prompt), token, $"Token ids must lie between 0 and {model.Config.VocabularySize - 1}.");
        }
    }
}

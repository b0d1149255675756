using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Sampling;

/// <summary>What penalties and bias make of one token's logit; laid out as kernels read it.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Penalty">Divides a positive logit and multiplies others.</param>
/// <param name="Bias">Added then.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct LogitEdit(int Token, float Penalty, float Bias)
{
    /// <summary>Appends the edits of a row: one for each token that any setting touches.</summary>
    /// <param name="edits">Gets them.</param>
    /// <param name="p">The request's settings.</param>
    /// <param name="counts">Tokens so far, where a penalty is in force.</param>
    /// <param name="tokenIds">Ids that may be chosen; others need no edit.</param>
    public static void Add(List<LogitEdit> edits, SamplingParameters p, TokenCounts? counts, int tokenIds)
    {
        if (counts is not null)
        {
            foreach (var token in counts.Tokens)
            {
                if (token >= tokenIds) continue;
                var bias = counts.InOutput(token) is > 0 and var n ? -(p.FrequencyPenalty * n + p.PresencePenalty) : 0;
                edits.Add(new LogitEdit(token, p.RepetitionPenalty, bias + (p.LogitBias is null ? 0 : p.LogitBias.GetValueOrDefault(token))));
            }
        }
        if (p.LogitBias is not { Count: > 0 } biases) return;
        foreach (var (token, bias) in biases)
            if (token < tokenIds && counts?.Contains(token) != true) edits.Add(new LogitEdit(token, 1, bias));
    }

    public void Apply(Span<float> logits)
    {
        ref var logit = ref logits[Token];
        logit = (logit > 0 ? logit / Penalty : logit * Penalty) + Bias;
    }
}

using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Chat;

/// <summary>Counts the tokens between the thinking tags; the tags themselves do not count.</summary>
internal sealed class ReasoningTokenCounter(Tokenizer tokenizer, bool startsInReasoning)
{
    private readonly int? _open = tokenizer.FindToken("<think>");
    private readonly int? _close = tokenizer.FindToken("</think>");
    private bool _inside = startsInReasoning;
    private bool _ended;

    public int Count { get; private set; }

    public void Add(int token)
    {
        if (token == _close) End();
        else if (token == _open) _inside = !_ended;
        else if (_inside) Count++;
    }

    /// <summary>The answer has begun: a later tag is quoted text.</summary>
    public void End() => (_inside, _ended) = (false, true);
}

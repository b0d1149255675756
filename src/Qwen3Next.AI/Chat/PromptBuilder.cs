using System.Text;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Chat;

/// <summary>Collects a prompt and remembers which parts came from people, tools or the model.</summary>
internal sealed class PromptBuilder
{
    private readonly StringBuilder _text = new();
    private readonly List<Range> _literals = [];

    /// <summary>Adds text of the template itself, in which added tokens count.</summary>
    public PromptBuilder Markup(string text)
    {
        _text.Append(text);
        return this;
    }

    /// <summary>Adds text that is nothing but text.</summary>
    public PromptBuilder Literal(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return this;
        _literals.Add(_text.Length..(_text.Length + text.Length));
        _text.Append(text);
        return this;
    }

    public PromptText Build() => new(_text.ToString(), _literals);
}

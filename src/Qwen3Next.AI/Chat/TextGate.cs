using System.Text;

namespace Qwen3Next.AI.Chat;

/// <summary>Passes text on but holds white space at its end back until it is known whether more text or a tag follows.</summary>
internal sealed class TextGate(OutputKind kind)
{
    private readonly StringBuilder _spaces = new();

    /// <summary>Whether white space is dropped until the next visible text.</summary>
    public bool DropsLeadingSpace { get; set; }

    public void Append(ReadOnlySpan<char> text, List<OutputEvent> events)
    {
        if (DropsLeadingSpace) text = text.TrimStart();
        var visible = text.TrimEnd();
        if (visible.Length > 0)
        {
            events.Add(new OutputEvent(kind, $"{_spaces}{visible}"));
            _spaces.Clear();
            DropsLeadingSpace = false;
        }
        _spaces.Append(text[visible.Length..]);
    }

    /// <summary>Passes the white space on that was held back.</summary>
    public void Flush(List<OutputEvent> events)
    {
        if (_spaces.Length > 0) events.Add(new OutputEvent(kind, _spaces.ToString()));
        _spaces.Clear();
    }

    /// <summary>Forgets the white space that was held back, and what follows up to the next visible text.</summary>
    public void DropSpace()
    {
        _spaces.Clear();
        DropsLeadingSpace = true;
    }
}

namespace Qwen3Next.AI.Chat;

/// <summary>Takes the thinking off the front of an output and hands the rest on as content.</summary>
internal sealed class ReasoningSplitter
{
    private static readonly string[] s_endings = [OutputTags.ThinkEnd, OutputTags.ToolCall];

    private readonly TextGate _text = new(OutputKind.Reasoning) { DropsLeadingSpace = true };
    private readonly bool _startsInReasoning;
    private State _state;
    private string _pending = "";
    private bool _dropsNewlines;

    public ReasoningSplitter(bool looksForReasoning, bool startsInReasoning)
    {
        _startsInReasoning = startsInReasoning;
        _state = looksForReasoning ? State.Opening : State.Content;
    }

    private enum State { Opening, Reasoning, Content }

    /// <summary>Adds thinking to the events and gives back the content in the text.</summary>
    public string Append(string text, List<OutputEvent> events)
    {
        _pending += text;
        if (_state == State.Opening) ReadOpening();
        if (_state == State.Reasoning) ReadReasoning(events);
        return _state == State.Content ? TakeContent() : "";
    }

    /// <summary>Ends the output: an unfinished tag is text after all.</summary>
    public string Complete(List<OutputEvent> events)
    {
        if (_state == State.Content || (_state == State.Opening && !_startsInReasoning)) return TakeContent();
        _text.Append(_pending, events);
        _pending = "";
        return "";
    }

    // The prompt may have opened the block already; a model that opens it again means the same one.
    private void ReadOpening()
    {
        var rest = _pending.AsSpan().TrimStart();
        if (rest.StartsWith(OutputTags.Think))
        {
            _pending = rest[OutputTags.Think.Length..].ToString();
            _state = State.Reasoning;
        }
        else if (!OutputTags.MayBecome(rest, OutputTags.Think))
        {
            _state = _startsInReasoning ? State.Reasoning : State.Content;
        }
    }

    private void ReadReasoning(List<OutputEvent> events)
    {
        for (var from = 0; ;)
        {
            var close = _pending.IndexOf(OutputTags.ThinkEnd, from, StringComparison.Ordinal);
            var call = _pending.IndexOf(OutputTags.ToolCall, from, StringComparison.Ordinal);
            if (close >= 0 && (call < 0 || close < call))
            {
                _text.Append(_pending.AsSpan(0, close), events);
                _pending = _pending[(close + OutputTags.ThinkEnd.Length)..];
                _dropsNewlines = true;
                _state = State.Content;
                return;
            }
            if (call < 0)
            {
                Release(_pending.Length - OutputTags.HeldLength(_pending, s_endings), events);
                return;
            }

            // Models forget to close the block before a call. A tag that no call follows is only talked about.
            from = call + OutputTags.ToolCall.Length;
            var next = _pending.AsSpan(from).TrimStart();
            if (next.StartsWith("{") || next.StartsWith(OutputTags.Function))
            {
                Release(call, events);
                _text.Flush(events);
                _state = State.Content;
                return;
            }
            if (OutputTags.MayBecome(next, OutputTags.Function))
            {
                Release(call, events);
                return;
            }
        }
    }

    private void Release(int length, List<OutputEvent> events)
    {
        _text.Append(_pending.AsSpan(0, length), events);
        _pending = _pending[length..];
    }

    private string TakeContent()
    {
        var content = _dropsNewlines ? _pending.TrimStart('\r', '\n') : _pending;
        if (content.Length > 0) _dropsNewlines = false;
        _pending = "";
        return content;
    }
}

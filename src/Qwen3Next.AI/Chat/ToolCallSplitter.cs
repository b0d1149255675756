using System.Runtime.InteropServices;
using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>Takes the tool calls out of content. White space around a call belongs to the call.</summary>
internal sealed class ToolCallSplitter
{
    private readonly IReadOnlyList<JsonElement> _tools;
    private readonly string[] _openings;
    private readonly TextGate _text = new(OutputKind.Text);
    private readonly List<char> _pending = [];
    private State _state;
    private JsonObjectScanner _json;

    // Where the body starts behind its tag, how far it was searched, and where it ends once known.
    private int _body;
    private int _searched;
    private int _end;

    // After a first call that is no JSON, strings are not trusted to hide tags any more; otherwise one missing quote would swallow all that follows.
    private bool _trustsTagsOnly;

    public ToolCallSplitter(IReadOnlyList<JsonElement> tools, bool acceptsBareFunction)
    {
        _tools = tools;
        _openings = acceptsBareFunction ? [OutputTags.ToolCall, OutputTags.Function] : [OutputTags.ToolCall];
    }

    private enum State
    {
        /// <summary>Outside calls.</summary>
        Text,

        /// <summary>Behind the opening tag; what kind of call is not known yet.</summary>
        Opened,

        /// <summary>In a JSON object.</summary>
        Json,

        /// <summary>In an XML function.</summary>
        Xml,

        /// <summary>In something that is no call; ends at the closing tag, whatever comes before it.</summary>
        Unknown,

        /// <summary>Behind a complete JSON object; the closing tag should follow.</summary>
        JsonEnd,

        /// <summary>Behind a complete XML function; the closing tag may follow.</summary>
        XmlEnd,
    }

    private ReadOnlySpan<char> Pending => CollectionsMarshal.AsSpan(_pending);

    public void Append(string text, List<OutputEvent> events)
    {
        _pending.AddRange(text);
        while (Step(ends: false, events)) { }
    }

    public void Complete(List<OutputEvent> events)
    {
        while (Step(ends: true, events)) { }
        _text.Flush(events);
    }

    // One move of the automaton; false when it needs more text.
    private bool Step(bool ends, List<OutputEvent> events) => _state switch
    {
        State.Text => ReadText(ends, events),
        State.Opened => ReadOpened(ends),
        State.Json => ReadJson(ends),
        State.Xml => ReadXml(ends),
        State.Unknown => ReadUnknown(ends, events),
        _ => ReadEnd(ends, events),
    };

    private bool ReadText(bool ends, List<OutputEvent> events)
    {
        var (opening, at) = ("", -1);
        foreach (var tag in _openings)
        {
            var found = Pending.IndexOf(tag);
            if (found >= 0 && (at < 0 || found < at)) (opening, at) = (tag, found);
        }
        var length = at >= 0 ? at : Pending.Length - (ends ? 0 : OutputTags.HeldLength(Pending, _openings));
        _text.Append(Pending[..length], events);
        _pending.RemoveRange(0, length);
        if (at < 0) return false;

        // Before a function without its tag the white space is text, since nothing says otherwise.
        if (opening == OutputTags.ToolCall) _text.DropSpace();
        else _text.Flush(events);
        _body = opening == OutputTags.ToolCall ? opening.Length : 0;
        return Enter(State.Opened, _body);
    }

    private bool ReadOpened(bool ends)
    {
        var body = Pending[_body..].TrimStart();
        var start = Pending.Length - body.Length;
        if (OutputTags.MayBecome(body, OutputTags.Function)) return ends && Enter(State.Unknown, _body);
        if (body.StartsWith(OutputTags.Function)) return Enter(State.Xml, start);
        if (body[0] != '{' || _trustsTagsOnly) return Enter(State.Unknown, _body);
        _json = default;
        return Enter(State.Json, start);
    }

    private bool ReadJson(bool ends)
    {
        var result = _json.Scan(Pending, ref _searched);
        if (result == JsonObjectScanner.Result.More && !ends) return false;
        _end = _searched;
        if (result == JsonObjectScanner.Result.Closed) return Enter(State.JsonEnd, _end);
        _trustsTagsOnly = true;
        return Enter(State.Unknown, _body);
    }

    private bool ReadXml(bool ends)
    {
        if (Find(OutputTags.FunctionEnd) is not int at) return ends && Enter(State.Unknown, _body);
        _end = at + OutputTags.FunctionEnd.Length;
        return Enter(State.XmlEnd, _end);
    }

    private bool ReadUnknown(bool ends, List<OutputEvent> events)
    {
        if (Find(OutputTags.ToolCallEnd) is int at)
        {
            _end = at;
            return Finish(at + OutputTags.ToolCallEnd.Length, events);
        }
        if (!ends) return false;
        return Reject(_pending.Count, events);
    }

    private bool ReadEnd(bool ends, List<OutputEvent> events)
    {
        var rest = Pending[_end..].TrimStart();
        if (rest.StartsWith(OutputTags.ToolCallEnd)) return Finish(Pending.Length - rest.Length + OutputTags.ToolCallEnd.Length, events);
        if (OutputTags.MayBecome(rest, OutputTags.ToolCallEnd)) return ends && Finish(Pending.Length, events);
        if (_state == State.XmlEnd || rest.StartsWith(OutputTags.ToolCall)) return Finish(_end, events);
        if (OutputTags.MayBecome(rest, OutputTags.ToolCall)) return ends && Finish(_end, events);
        return Enter(State.Unknown, _body);
    }

    private bool Finish(int end, List<OutputEvent> events)
    {
        var call = ToolCallParser.Parse(Pending[_body.._end], _tools);
        if (call is null)
        {
            // What is no call ends at its first closing tag, so that a good call behind it is not lost with it.
            var close = Pending[..end].IndexOf(OutputTags.ToolCallEnd);
            return Reject(close < 0 ? end : close + OutputTags.ToolCallEnd.Length, events);
        }
        return Leave(OutputKind.ToolCall, end, call, events);
    }

    private bool Reject(int end, List<OutputEvent> events) => Leave(OutputKind.InvalidToolCall, end, null, events);

    private bool Leave(OutputKind kind, int end, ParsedToolCall? call, List<OutputEvent> events)
    {
        events.Add(new OutputEvent(kind, Pending[..end].ToString(), call));
        _pending.RemoveRange(0, end);
        _text.DropSpace();
        return Enter(State.Text, 0);
    }

    private bool Enter(State state, int searched)
    {
        _state = state;
        _searched = searched;
        return true;
    }

    // Remembers how far it looked, so that a long call in small pieces is read once.
    private int? Find(string tag)
    {
        var found = Pending[_searched..].IndexOf(tag);
        if (found >= 0) return _searched + found;
        _searched = Math.Max(_searched, Pending.Length - tag.Length + 1);
        return null;
    }
}

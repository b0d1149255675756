using System.Text.Json;
using Qwen3Next.AI.Chat;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>What a parser made of an output, with the events of one kind joined.</summary>
internal sealed class ParsedOutput
{
    private ParsedOutput(IReadOnlyList<OutputEvent> events) => Events = events;

    public IReadOnlyList<OutputEvent> Events { get; }

    public string Reasoning => Join(OutputKind.Reasoning);

    public string Content => Join(OutputKind.Text);

    public IReadOnlyList<ParsedToolCall> Calls => [.. Events.Where(e => e.Kind == OutputKind.ToolCall).Select(e => e.Call!)];

    public IReadOnlyList<string> Invalid => [.. Events.Where(e => e.Kind == OutputKind.InvalidToolCall).Select(e => e.Text)];

    /// <summary>Everything, in order, neighbours of one kind joined: equal for equal outputs however they were cut.</summary>
    public string Summary
    {
        get
        {
            var lines = new List<string>();
            var last = (OutputKind)(-1);
            foreach (var item in Events)
            {
                var text = item.Call is null ? item.Text : $"{item.Text} => {item.Call.Name} {item.Call.Arguments.GetRawText()}";
                if (item.Kind == last && item.Kind is OutputKind.Text or OutputKind.Reasoning) lines[^1] += text;
                else lines.Add($"{item.Kind}: {text}");
                last = item.Kind;
            }
            return string.Join('\n', lines);
        }
    }

    public static ParsedOutput Parse(OutputParser parser, IEnumerable<string> pieces, bool complete = true)
    {
        var events = new List<OutputEvent>();
        foreach (var piece in pieces) parser.Append(piece, events);
        if (complete) parser.Complete(events);
        return new ParsedOutput(events);
    }

    public static ParsedOutput Parse(string output, Qwen3NextFormat format = Qwen3NextFormat.Instruct, bool startsInReasoning = false, IReadOnlyList<JsonElement>? tools = null) =>
        Parse(new OutputParser(format, startsInReasoning, tools ?? []), [output]);

    /// <summary>The text in one piece, by characters, and in some random cuts.</summary>
    public static IEnumerable<string[]> Cuts(string text, int randomCuts)
    {
        yield return [text];
        yield return [.. text.Select(c => c.ToString())];
        var random = new Random(text.Length);
        for (var i = 0; i < randomCuts; i++)
        {
            var pieces = new List<string>();
            for (var start = 0; start < text.Length; start += pieces[^1].Length) pieces.Add(text.Substring(start, Math.Min(random.Next(1, 12), text.Length - start)));
            yield return [.. pieces];
        }
    }

    private string Join(OutputKind kind) => string.Concat(Events.Where(e => e.Kind == kind).Select(e => e.Text));
}

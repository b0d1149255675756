using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>
/// Splits a model's output into thinking, text and tool calls as it arrives. How the text is cut into pieces makes no difference.
/// Only what may still become a tag is held back. Never throws on what a model writes. For one output and one thread.
/// </summary>
internal sealed class OutputParser
{
    private readonly ReasoningSplitter _reasoning;
    private readonly ToolCallSplitter? _calls;

    /// <summary>Starts parsing one output.</summary>
    /// <param name="format">The model's prompt format.</param>
    /// <param name="startsInReasoning">Whether the prompt ended inside a thinking block.</param>
    /// <param name="tools">The tools of the request; their schemas type the values of XML calls.</param>
    /// <param name="parseTools">Whether to look for calls; without, their text is plain text.</param>
    public OutputParser(Qwen3NextFormat format, bool startsInReasoning, IReadOnlyList<JsonElement> tools, bool parseTools = true)
    {
        var thinks = startsInReasoning || format is Qwen3NextFormat.Thinking or Qwen3NextFormat.Hybrid;
        _reasoning = new ReasoningSplitter(thinks, startsInReasoning);
        if (parseTools) _calls = new ToolCallSplitter(tools, acceptsBareFunction: format == Qwen3NextFormat.Coder);
    }

    /// <summary>Takes the next piece of output and adds what became certain.</summary>
    public void Append(string text, List<OutputEvent> events) => AppendContent(_reasoning.Append(text, events), events);

    /// <summary>Takes note that the output has ended and adds what was held back.</summary>
    public void Complete(List<OutputEvent> events)
    {
        AppendContent(_reasoning.Complete(events), events);
        _calls?.Complete(events);
    }

    private void AppendContent(string content, List<OutputEvent> events)
    {
        if (content.Length == 0) return;
        if (_calls is not null) _calls.Append(content, events);
        else events.Add(new OutputEvent(OutputKind.Text, content));
    }
}

using System.Text.Json;
using Qwen3Next.AI.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>The shared cases of model outputs and their expected split.</summary>
public class OutputParserCaseTests
{
    private static readonly Lazy<JsonElement?> s_file = new(() => Golden.TryPath("parser-cases.json") is { } path ? JsonElement.Parse(File.ReadAllBytes(path)) : null);

    public static TheoryData<string> Ids =>
        s_file.Value is { } file ? [.. file.GetProperty("cases").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)] : ["parser-cases.json"];

    [Theory, MemberData(nameof(Ids))]
    public void Parse_Case_SplitsAsExpectedInEveryCut(string id)
    {
        Golden.Path("parser-cases.json");
        var item = s_file.Value!.Value.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var input = item.GetProperty("input").GetString()!;
        var midStream = Check(item).StartsWith("mid_stream", StringComparison.Ordinal);

        // Without extraction of reasoning the prompt's opening tag is shown as well, and tags are plain text.
        if (Check(item) == "reasoning_extraction=off") input = "<think>\n" + input;

        foreach (var pieces in ParsedOutput.Cuts(input, randomCuts: 50).Append(Chunks(item)).OfType<string[]>())
        {
            var output = ParsedOutput.Parse(ParserOf(item), pieces, complete: !midStream);
            AssertExpected(item, output);
        }
    }

    [Theory, MemberData(nameof(Ids))]
    public void Append_CaseWithPieces_EmitsWhatIsCertainAfterEach(string id)
    {
        Golden.Path("parser-cases.json");
        var item = s_file.Value!.Value.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        if (!item.TryGetProperty("per_chunk", out var expected)) return;

        var parser = ParserOf(item);
        foreach (var (piece, emitted) in Chunks(item)!.Zip(expected.EnumerateArray()))
        {
            var output = ParsedOutput.Parse(parser, [piece], complete: false);
            Assert.Equal(Text(emitted, "reasoning"), output.Reasoning);
            Assert.Equal(Text(emitted, "content"), output.Content);
            string[] raw = emitted.TryGetProperty("raw", out var bodies) ? [.. bodies.EnumerateArray().Select(b => b.GetString()!)] : [];
            Assert.Equal(raw, output.Invalid.Select(Body));
        }
    }

    [Fact]
    public void Cases_AreAllThere()
    {
        Golden.Path("parser-cases.json");
        Assert.Equal(88, Ids.Count);
    }

    [Fact]
    public void ToJson_ConversionCases_GiveTheExpectedValues()
    {
        Golden.Path("parser-cases.json");
        foreach (var item in s_file.Value!.Value.GetProperty("xml_value_conversion").GetProperty("cases").EnumerateArray())
        {
            var raw = item.GetProperty("raw").GetString()!;
            var wanted = item.GetProperty("want");

            // Where implementations differ, a string that is declared first stays a string.
            if (item.TryGetProperty("note", out _)) wanted = JsonElement.Parse(JsonSerializer.Serialize(raw));

            var json = JsonElement.Parse(ToolSchema.ToJson(raw, [.. item.GetProperty("types").EnumerateArray().Select(t => t.GetString()!)]));
            Assert.True(JsonElement.DeepEquals(wanted, json), $"{item} gave {json}");
        }
    }

    private static void AssertExpected(JsonElement item, ParsedOutput output)
    {
        var expected = item.GetProperty("expect");
        Func<string, string> view = item.GetProperty("whitespace").GetString() == "trim" ? text => text.Trim() : text => text;

        // The one case whose expectation is not the recommended behaviour: a repeated opening tag is dropped.
        var reasoning = item.GetProperty("id").GetString() == "llamacpp.xml.double_think" ? "" : Text(expected, "reasoning");
        Assert.Equal(view(reasoning), view(output.Reasoning));
        Assert.Equal(view(Text(expected, "content")), view(output.Content));

        if (expected.TryGetProperty("raw_tool_bodies", out var bodies))
        {
            Assert.Equal(bodies.EnumerateArray().Select(b => b.GetString()!), output.Invalid.Select(Body).Where(body => body.Length > 0));
            return;
        }
        var calls = expected.GetProperty("tool_calls");
        Assert.Equal(calls.EnumerateArray().Select(call => call.GetProperty("name").GetString()!), output.Calls.Select(call => call.Name));
        foreach (var (wanted, call) in calls.EnumerateArray().Zip(output.Calls))
        {
            var arguments = wanted.GetProperty("arguments");
            Assert.True(JsonElement.DeepEquals(arguments, call.Arguments), $"expected {arguments}, got {call.Arguments}");
            if (arguments.ValueKind == JsonValueKind.Object) Assert.Equal(arguments.EnumerateObject().Select(p => p.Name), call.Arguments.EnumerateObject().Select(p => p.Name));
        }
        if (Check(item).StartsWith("arguments_text=", StringComparison.Ordinal)) Assert.Equal(Check(item)["arguments_text=".Length..], output.Calls[0].Arguments.GetRawText());
        Assert.Equal(Check(item) == "valid_calls_only" ? 1 : 0, output.Invalid.Count);
    }

    private static OutputParser ParserOf(JsonElement item)
    {
        var file = s_file.Value!.Value;
        JsonElement[] tools = [.. file.GetProperty("tool_sets").GetProperty(item.GetProperty("tools").GetString()!).EnumerateArray()];
        var opened = item.GetProperty("prompt_opens_think").GetBoolean();
        if (Check(item) == "reasoning_extraction=off") return new OutputParser(Qwen3NextFormat.Instruct, false, tools, parseTools: false);
        return item.GetProperty("tool_format").GetString() switch
        {
            "none" => new OutputParser(opened ? Qwen3NextFormat.Thinking : Qwen3NextFormat.Hybrid, opened, tools, parseTools: false),
            "qwen3_coder_xml" => new OutputParser(Qwen3NextFormat.Coder, opened, tools),
            _ => new OutputParser(opened ? Qwen3NextFormat.Thinking : Qwen3NextFormat.Instruct, opened, tools),
        };
    }

    private static string[]? Chunks(JsonElement item) =>
        item.TryGetProperty("chunks", out var chunks) ? [.. chunks.EnumerateArray().Select(c => c.GetString()!)] : null;

    private static string Check(JsonElement item) => item.TryGetProperty("check", out var check) ? check.GetString()! : "";

    private static string Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private static string Body(string raw) => raw.Replace("<tool_call>", "", StringComparison.Ordinal).Replace("</tool_call>", "", StringComparison.Ordinal);
}

using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Tests.Grammar;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>What an answer may consist of, by format, tool mode and response format together.</summary>
public sealed class AnswerGrammarTests
{
    private const string Look = "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"word\": \"a\"}}\n</tool_call>";
    private const string Wait = "<tool_call>\n{\"name\": \"wait\", \"arguments\": {}}\n</tool_call>";
    private const string LookXml = "<tool_call>\n<function=look>\n<parameter=word>\na < b\n</parameter>\n</function>\n</tool_call>";
    private const string WaitXml = "<tool_call>\n<function=wait>\n</function>\n</tool_call>";

    private static readonly AITool s_look = AIFunctionFactory.CreateDeclaration("look", "", JsonElement.Parse(
        """{"type":"object","properties":{"word":{"type":"string"},"times":{"type":"integer","minimum":1},"tags":{"type":"array","items":{"type":"string"}},"kind":{"enum":["a","b c"]},"how":{"$ref":"#/properties/times"}},"required":["word"]}"""));

    private static readonly AITool s_wait = AIFunctionFactory.CreateDeclaration("wait", "", JsonElement.Parse("{}"));
    private static readonly ChatResponseFormat s_schema = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"""));

    private static ChatOptions Options(string what) => what switch
    {
        "json" => new ChatOptions { ResponseFormat = ChatResponseFormat.Json },
        "schema" => new ChatOptions { ResponseFormat = s_schema },
        "tools" => new ChatOptions { Tools = [s_look, s_wait] },
        "one" => new ChatOptions { Tools = [s_look, s_wait], AllowMultipleToolCalls = false },
        "any" => new ChatOptions { Tools = [s_look, s_wait], ToolMode = ChatToolMode.RequireAny },
        "wait" => new ChatOptions { Tools = [s_look, s_wait], ToolMode = ChatToolMode.RequireSpecific("wait") },
        "waits" => new ChatOptions { Tools = [s_look, s_wait], ToolMode = ChatToolMode.RequireSpecific("wait"), AllowMultipleToolCalls = true },
        "tools+schema" => new ChatOptions { Tools = [s_look, s_wait], ResponseFormat = s_schema },
        "none" => new ChatOptions { Tools = [s_look, s_wait], ToolMode = ChatToolMode.None },
        "none+schema" => new ChatOptions { Tools = [s_look, s_wait], ResponseFormat = s_schema, ToolMode = ChatToolMode.None },
        "budget" => new ChatOptions { AdditionalProperties = new() { ["thinking_budget"] = "5" } },
        "no thinking+schema" => new ChatOptions { ResponseFormat = s_schema, AdditionalProperties = new() { ["enable_thinking"] = false } },
        _ => new ChatOptions { RawRepresentationFactory = _ => new Qwen3NextGenerationOptions { Pattern = what } },
    };

    public static TheoryData<Qwen3NextFormat, string, string[], string[]> Forms => new()
    {
        { Qwen3NextFormat.Instruct, "json", ["{}", "{\"a\": [1]}"], ["[]", "1", "", " {}", "<think></think>{}", Wait] },
        { Qwen3NextFormat.Instruct, "schema", ["{\"n\":1}"], ["{}", "text"] },
        { Qwen3NextFormat.Thinking, "schema", ["hm\n</think>\n\n{\"n\": 1}", "</think>{\"n\":1}", "{</think>\n{\"n\":1}"], ["{\"n\":1}", "hm</think>", "hm</think>text", "a<tool_call>b</think>{\"n\":1}"] },
        { Qwen3NextFormat.Hybrid, "schema", ["<think>hm</think>\n\n{\"n\":1}", "{\"n\":1}"], ["hm</think>{\"n\":1}", "<think>{\"n\":1}"] },
        { Qwen3NextFormat.Hybrid, "no thinking+schema", ["{\"n\":1}"], ["<think>hm</think>\n\n{\"n\":1}"] },
        { Qwen3NextFormat.Thinking, "budget", ["hm</think>\n\nyes {", "</think>"], ["hm"] },
        { Qwen3NextFormat.Instruct, "tools", ["", "Hi {", Look, $"Hi\n{Look}\n{Wait}"], [$"{Look}x", $"{Look}\n", "<tool_call>", Wait.Replace("wait", "walk"), Look.Replace("word", "wort"), Look.Replace("\"a\"", "1"), Look.Replace("}}", "}")] },
        { Qwen3NextFormat.Instruct, "one", [Look, "Hi"], [$"{Look}\n{Wait}"] },
        { Qwen3NextFormat.Instruct, "any", [Look, Wait, $"{Look}\n{Wait}\n{Wait}"], ["", "Hi", $"Hi{Look}", "{}"] },
        { Qwen3NextFormat.Thinking, "any", [$"hm</think>\n\n{Wait}", $"</think>{Wait}"], ["hm</think>\n\nHi", Wait, "hm"] },
        { Qwen3NextFormat.Instruct, "wait", [Wait], [Look, $"{Wait}\n{Wait}", "Hi"] },
        { Qwen3NextFormat.Instruct, "waits", [Wait, $"{Wait}\n{Wait}"], [Look, $"{Wait}\n{Look}"] },
        { Qwen3NextFormat.Instruct, "tools+schema", ["{\"n\":1}", Look, $"{Look}\n{Wait}"], ["Hi", $"{{\"n\":1}}{Look}", $"{Look}\n{{\"n\":1}}", ""] },
        { Qwen3NextFormat.Thinking, "tools+schema", ["hm</think>{\"n\":1}", $"hm</think>\n\n{Look}"], ["hm</think>Hi"] },
        { Qwen3NextFormat.Instruct, "none", ["", "Hi {"], [Wait, $"Hi\n{Look}", "<tool_call>"] },
        { Qwen3NextFormat.Coder, "none", ["Hi"], [WaitXml, "<function=wait>\n</function>"] },
        { Qwen3NextFormat.Instruct, "none+schema", ["{\"n\":1}"], [Look] },
        { Qwen3NextFormat.Coder, "tools", ["Hi", LookXml, WaitXml, $"Hi\n{LookXml}\n{WaitXml}", LookXml.Replace("</function>", "<parameter=times>\n3\n</parameter>\n<parameter=tags>\n[\"x\"]\n</parameter>\n<parameter=kind>\nb c\n</parameter>\n<parameter=how>\n4\n</parameter>\n</function>")],
            [Wait, "<function=wait>", LookXml.Replace("=word", "=wort"), LookXml.Replace("a < b", "a</parameter>b"), LookXml.Replace("</function>", "<parameter=times>\n0\n</parameter>\n</function>"),
             LookXml.Replace("</function>", "<parameter=how>\nx\n</parameter>\n</function>"), LookXml.Replace("</function>", "<parameter=tags>\n[\"</parameter>\"]\n</parameter>\n</function>"), "<tool_call>\n<function=look>\n</function>\n</tool_call>"] },
        { Qwen3NextFormat.Coder, "wait", [WaitXml], [LookXml, "Hi"] },
        { Qwen3NextFormat.Instruct, "[A-Z][a-z]+|[0-9]{2}", ["Ab", "42"], ["A", "421", "xAb"] },
        { Qwen3NextFormat.Thinking, "^yes|no$", ["hm</think>yes", "hm</think>\n\nno"], ["yes", "hm</think>yesno"] },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Grammar_OfARequest_AllowsTheseAnswersAndNoOthers(Qwen3NextFormat format, string options, string[] allowed, string[] refused)
    {
        var request = await MapAsync(Options(options), format);
        Assert.All(allowed, answer => Assert.True(Follows(request, answer), answer));
        Assert.All(refused, answer => Assert.False(Follows(request, answer), answer));
        // Tags spelled out by other tokens are text that nobody could tell from tags.
        Assert.All(allowed.Where(answer => answer.Contains("<tool_call>", StringComparison.Ordinal)), answer => Assert.False(Follows(request, answer, special: false), answer));
    }

    [Fact]
    public async Task Grammar_PlainRequest_IsNone()
    {
        Assert.Null((await MapAsync(new ChatOptions(), Qwen3NextFormat.Thinking)).Grammar);
        Assert.Null((await MapAsync(Options("budget"), Qwen3NextFormat.Instruct)).Grammar);
    }

    [Fact]
    public async Task Grammar_EqualRequests_IsOneObject()
    {
        var engine = new ScriptedEngine().Reply("a").Reply("b").Reply("c");
        using var client = new Qwen3NextChatClient(engine);
        await client.GetResponseAsync("Hi", Options("tools+schema"));
        await client.GetResponseAsync("Ho", Options("tools+schema"));
        await client.GetResponseAsync("Ho", Options("tools"));
        Assert.Same(engine.Requests[0].Grammar, engine.Requests[1].Grammar);
        Assert.NotSame(engine.Requests[0].Grammar, engine.Requests[2].Grammar);
    }

    [Fact]
    public async Task Grammar_ThinkingBudget_LeavesTheClosingTagAlone()
    {
        var request = await MapAsync(Options("budget"), Qwen3NextFormat.Thinking);
        var state = new GrammarState(request.Grammar!, [258], request.ThinkingBudget);
        for (var i = 0; i < 5; i++)
        {
            Assert.True(TokenMaskTests.Tokens(state.Allowed()).Count > 200);
            state.Advance('x');
        }
        var close = ByteTokenizer.Instance.FindToken("</think>")!.Value;
        Assert.Equal([close], TokenMaskTests.Tokens(state.Allowed()));
        state.Rewind(1);
        Assert.True(TokenMaskTests.Tokens(state.Allowed()).Count > 200);
        state.Advance('x');
        state.Advance(close);
        Assert.Contains('x', TokenMaskTests.Tokens(state.Allowed()).Select(token => (char)token));
    }

    [Theory]
    [InlineData("any", "none")]
    [InlineData("walk", "look, wait")]
    public async Task ToolMode_RequiredWithoutSuchATool_NamesWhatIsOffered(string required, string offered)
    {
        var options = required == "any" ? new ChatOptions { ToolMode = ChatToolMode.RequireAny } : new ChatOptions { Tools = [s_look, s_wait], ToolMode = ChatToolMode.RequireSpecific(required) };
        Assert.Contains(offered, (await Assert.ThrowsAsync<ArgumentException>(() => MapAsync(options))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Schema_ThatCannotBeHonoured_IsRefusedByName()
    {
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"array","uniqueItems":true}""")) };
        Assert.Contains("'uniqueItems' at '#'", (await Assert.ThrowsAsync<NotSupportedException>(() => MapAsync(options))).Message, StringComparison.Ordinal);
        var pattern = await Assert.ThrowsAsync<NotSupportedException>(() => MapAsync(Options("a(?=b)")));
        Assert.Contains("look-around", pattern.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Qwen3NextFormat.Instruct, "<tool_call>\n{\"name\": \"set\", \"arguments\": {\"x\": [1, 1]}}\n</tool_call>")]
    [InlineData(Qwen3NextFormat.Coder, "<tool_call>\n<function=set>\n<parameter=x>\n[1, 1]\n</parameter>\n</function>\n</tool_call>")]
    public async Task Tool_WhoseParametersCannotBeHonoured_IsLooseUnlessStrict(Qwen3NextFormat format, string call)
    {
        var schema = JsonElement.Parse("""{"type":"object","properties":{"x":{"type":"array","uniqueItems":true}}}""");
        var loose = AIFunctionFactory.CreateDeclaration("set", "", schema);
        Assert.True(Follows(await MapAsync(new ChatOptions { Tools = [loose] }, format), call));
        var strict = new StrictTool(schema);
        Assert.Contains("'set'", (await Assert.ThrowsAsync<NotSupportedException>(() => MapAsync(new ChatOptions { Tools = [strict] }, format))).Message, StringComparison.Ordinal);
    }

    private sealed class StrictTool(JsonElement schema) : AIFunctionDeclaration
    {
        public override string Name => "set";

        public override JsonElement JsonSchema => schema;

        public override IReadOnlyDictionary<string, object?> AdditionalProperties => new Dictionary<string, object?> { ["strict"] = true };
    }

    private static bool Follows(GenerationRequest request, string answer, bool special = true)
    {
        var state = new GrammarState(request.Grammar!, [258]);
        foreach (var token in ByteTokenizer.Instance.Encode(answer, special))
        {
            if (!TokenMaskTests.Tokens(state.Allowed()).Contains(token)) return false;
            state.Advance(token);
        }
        return state.Finished || TokenMaskTests.Tokens(state.Allowed()).Contains(258);
    }

    private static async Task<GenerationRequest> MapAsync(ChatOptions options, Qwen3NextFormat format = Qwen3NextFormat.Instruct)
    {
        var engine = new ScriptedEngine(format).Reply("ok");
        using var client = new Qwen3NextChatClient(engine);
        await client.GetResponseAsync("Hi", options);
        return engine.Requests[0];
    }
}

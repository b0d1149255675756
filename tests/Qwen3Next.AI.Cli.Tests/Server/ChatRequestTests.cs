using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server;
using Qwen3Next.AI.Cli.Server.Wire;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>What a request becomes, and what is refused by which name.</summary>
public sealed class ChatRequestTests
{
    private const string Hello = "\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]";

    private const string Tool = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"add\",\"parameters\":{\"type\":\"object\"}}}]";

    [Fact]
    public void Read_AllMembers_BecomeOptions()
    {
        var request = Read("{" + Hello + "," + Tool + """
            ,"temperature":0.5,"top_p":0.25,"top_k":-1,"min_p":0.125,"frequency_penalty":-1,"presence_penalty":2,"repetition_penalty":1.5,"logit_bias":{"7":-100},
            "seed":-9223372036854775808,"stop":["a","b"],"max_tokens":5,"max_completion_tokens":6,"thinking_budget":3,"chat_template_kwargs":{"enable_thinking":false},
            "stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"parallel_tool_calls":false,"tool_choice":"required",
            "logprobs":true,"top_logprobs":4,"reasoning_effort":"high","include_reasoning":false,"n":1,"user":"u","store":false,"metadata":{},"verbosity":null}
            """);
        var settings = Assert.IsType<Qwen3NextGenerationOptions>(request.Options.RawRepresentationFactory!(null!));
        Assert.Equal((0.5f, 0.25f, 0, 0.125f), (settings.Temperature, settings.TopP, settings.TopK, settings.MinP));
        Assert.Equal((-1f, 2f, 1.5f, -100f), (settings.FrequencyPenalty, settings.PresencePenalty, settings.RepetitionPenalty, settings.LogitBias![7]));
        Assert.Equal((long.MinValue, 6, 3, false), (settings.Seed, settings.MaxOutputTokens, settings.ThinkingBudget, settings.EnableThinking));
        Assert.Equal(["a", "b"], settings.StopSequences!);
        Assert.Equal((true, true), (request.Streams, request.IncludesUsage));
        Assert.Equal((false, ChatToolMode.RequireAny), (request.Options.AllowMultipleToolCalls, request.Options.ToolMode));
        Assert.Equal((true, 4), (request.Options.AdditionalProperties!["logprobs"], request.Options.AdditionalProperties["top_logprobs"]));
        Assert.Equal((ReasoningEffort.High, ReasoningOutput.None), (request.Options.Reasoning!.Effort, request.Options.Reasoning.Output));
        Assert.Equal("add", Assert.Single(request.Options.Tools!).Name);
    }

    [Fact]
    public void Read_Nothing_LeavesEverythingToTheModel()
    {
        var request = Read("{" + Hello + "}");
        var settings = (Qwen3NextGenerationOptions)request.Options.RawRepresentationFactory!(null!)!;
        Assert.All(typeof(Qwen3NextGenerationOptions).GetProperties(), property => Assert.Null(property.GetValue(settings)));
        Assert.Equal((null, null, null, null), (request.Options.Tools, request.Options.ToolMode, request.Options.ResponseFormat, request.Options.AdditionalProperties));
        Assert.Equal((false, false), (request.Streams, request.IncludesUsage));
    }

    [Fact]
    public void Read_Messages_KeepAllTheySay()
    {
        var messages = Read("""
            {"messages":[
              {"role":"developer","content":[{"type":"text","text":"Be "},{"type":"text","text":"brief."}]},
              {"role":"user","name":"Ada","content":"Add 1."},
              {"role":"assistant","content":null,"reasoning_content":"I add.","refusal":null,"annotations":[],"tool_calls":[
                {"id":"c1","index":0,"type":"function","function":{"name":"add","arguments":"{\"a\": 1, \"b\": {\"c\": [2]}}"}},
                {"id":"c2","type":"function","function":{"name":"now","arguments":""}}]},
              {"role":"tool","tool_call_id":"c1","content":"2"},
              {"role":"assistant","content":"2","reasoning":"Done."}]}
            """).Messages;
        Assert.Equal([ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], messages.Select(m => m.Role));
        Assert.Equal(["Be brief.", "Add 1.", "", "", "2"], messages.Select(m => m.Text));
        Assert.Equal(["I add.", "Done."], messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Select(r => r.Text));
        var calls = messages[2].Contents.OfType<FunctionCallContent>().ToList();
        Assert.Equal([("c1", "add"), ("c2", "now")], calls.Select(c => (c.CallId, c.Name)));
        Assert.Equal("""{"c": [2]}""", ((JsonElement)calls[0].Arguments!["b"]!).GetRawText());
        var result = Assert.IsType<FunctionResultContent>(Assert.Single(messages[3].Contents));
        Assert.Equal(("c1", "2"), (result.CallId, result.Result));
    }

    [Theory]
    [InlineData("{}", "messages", "is missing")]
    [InlineData("""{"messages":[]}""", "messages", "at least one")]
    [InlineData("""{"messages":{}}""", "messages", "an array")]
    [InlineData("""{"messages":["x"]}""", null, "messages[0] is \"x\"; it must be an object")]
    [InlineData("""{"messages":[{"content":"x"}]}""", "messages[0].role", "is missing")]
    [InlineData("""{"messages":[{"role":"robot","content":"x"}]}""", "messages[0].role", "'robot'")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "messages[0].content", "is missing")]
    [InlineData("""{"messages":[{"role":"user","content":5}]}""", "messages[0].content", "it must be text")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "messages[0].content[0].type", "reads text only")]
    [InlineData("""{"messages":[{"role":"user","content":"x","audio":{}}]}""", "messages[0].audio", "not supported")]
    [InlineData("""{"messages":[{"role":"tool","content":"x"}]}""", "messages[0].tool_call_id", "is missing")]
    [InlineData("""{"messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]}]}""", null, "messages[0].tool_calls[0].function.arguments cannot be read as JSON")]
    [InlineData("""{"messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"[1]"}}]}]}""", "messages[0].tool_calls[0].function.arguments", "an object, or one as text")]
    public void Read_Messages_Wrong_AreNamed(string json, string? parameter, string words) => AssertRefused(json, parameter, words);

    [Theory]
    [InlineData("\"temperature\":-0.1", "temperature", "a number from 0 to 100")]
    [InlineData("\"temperature\":1e999", "temperature", "1e999")]
    [InlineData("\"temperature\":\"hot\"", "temperature", "\"hot\"")]
    [InlineData("\"top_p\":0", "top_p", "a number above 0 up to 1")]
    [InlineData("\"top_k\":1.5", "top_k", "a whole number")]
    [InlineData("\"seed\":9223372036854775808", "seed", "a whole number")]
    [InlineData("\"max_tokens\":0", "max_tokens", "from 1 to")]
    [InlineData("\"stop\":[\"a\",\"\"]", "stop", "none of them empty")]
    [InlineData("\"stop\":5", "stop", "a text")]
    [InlineData("\"logit_bias\":{\"x\":1}", "logit_bias", "token ids")]
    [InlineData("\"logit_bias\":{\"1\":101}", "logit_bias", "-100 to 100")]
    [InlineData("\"n\":2", "n", "one answer")]
    [InlineData("\"stream\":\"yes\"", "stream", "true or false")]
    [InlineData("\"stream_options\":{\"x\":1}", "stream_options.x", "not supported")]
    [InlineData("\"top_logprobs\":21", "top_logprobs", "from 0 to 20")]
    [InlineData("\"reasoning_effort\":\"max\"", "reasoning_effort", "xhigh")]
    [InlineData("\"chat_template_kwargs\":{\"custom\":1}", "chat_template_kwargs.custom", "not supported")]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type", "json_schema")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\"}", "response_format.json_schema", "is missing")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\"}}", "response_format.json_schema.schema", "is missing")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice", "no tools")]
    [InlineData("\"tool_choice\":\"any\"", "tool_choice", "\"required\"")]
    [InlineData("\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", "tool_choice.function.name", "no tool is called that")]
    [InlineData("\"tools\":[{\"type\":\"web_search\"}]", "tools[0].type", "'web_search'")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]", "tools[0].function.name", "characters")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":[]}}]", "tools[0].function.parameters", "a JSON schema")]
    [InlineData("\"tools\":[{\"function\":{\"name\":\"f\"}},{\"function\":{\"name\":\"f\"}}]", "tools[1].function.name", "another function")]
    [InlineData("\"functions\":[]", "functions", "not supported")]
    [InlineData("\"temprature\":1", "temprature", "not supported")]
    public void Read_Options_Wrong_AreNamed(string member, string parameter, string words) => AssertRefused($$"""{{{Hello}},{{member}}}""", parameter, words);

    [Theory]
    [InlineData("", "cannot be read as JSON")]
    [InlineData("{", "cannot be read as JSON")]
    [InlineData("[]", "it must be an object")]
    [InlineData("{\"a\":1,\"a\":2}", "cannot be read as JSON")]
    [InlineData("{\"a\":\"\\ud800\"}", "half a character")]
    [InlineData("{\"\\ud800\":1}", "half a character")]
    public void Parse_Broken_IsRefused(string json, string words) => AssertRefused(json, null, words);

    [Fact]
    public void Parse_TooDeepOrNoUtf8_IsRefused()
    {
        AssertRefused($$"""{"a":{{new string('[', 100)}}{{new string(']', 100)}}}""", null, "cannot be read as JSON");
        Assert.Contains("UTF-8", Assert.Throws<ApiException>(() => RequestBody.Parse([(byte)'"', 0xff, (byte)'"'], "The body")).Message, StringComparison.Ordinal);
    }

    private static ChatRequest Read(string json) => ChatRequest.Read(new JsonFields(RequestBody.Parse(Encoding.UTF8.GetBytes(json), "The body"), ""), 16);

    private static void AssertRefused(string json, string? parameter, string words)
    {
        var refusal = Assert.Throws<ApiException>(() => Read(json));
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(400, refusal.Status);
        if (parameter is not null) Assert.Equal(parameter, refusal.Parameter);
    }
}

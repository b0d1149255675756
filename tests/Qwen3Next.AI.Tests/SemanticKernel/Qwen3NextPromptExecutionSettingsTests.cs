using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Qwen3Next.AI.SemanticKernel;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.SemanticKernel;

public sealed class Qwen3NextPromptExecutionSettingsTests
{
    private const string Json = """
        {"temperature":0.5,"top_k":7,"top_p":0.9,"min_p":0.1,"repetition_penalty":1.1,"frequency_penalty":0.2,"presence_penalty":0.3,"seed":9007199254740993,
         "max_tokens":33,"stop_sequences":["END"],"enable_thinking":false,"reasoning_effort":"none"}
        """;

    private static readonly Qwen3NextPromptExecutionSettings s_all = JsonSerializer.Deserialize<Qwen3NextPromptExecutionSettings>(Json)!;

    [Fact]
    public async Task Settings_OfThisType_ReachTheEngineExactly() => Check(await SendAsync(s_all));

    [Fact]
    public async Task Settings_OfTheBaseType_ReachTheEngineExactly()
    {
        var loose = new PromptExecutionSettings { ExtensionData = JsonSerializer.Deserialize<Dictionary<string, object>>(Json) };
        Check(await SendAsync(loose));
    }

    private static async Task<ScriptedEngine> SendAsync(PromptExecutionSettings settings)
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Hybrid).Reply("ok END and more");
        var result = await KernelFixture.Build(engine).InvokePromptAsync("Hi", new KernelArguments(settings));
        Assert.Equal("ok ", result.GetValue<string>());
        return engine;
    }

    private static void Check(ScriptedEngine engine)
    {
        var (request, sampling) = (engine.Requests[0], engine.Requests[0].Sampling);
        Assert.Equal((0.5f, 7, 0.9f, 0.1f), (sampling.Temperature, sampling.TopK, sampling.TopP, sampling.MinP));
        Assert.Equal((1.1f, 0.2f, 0.3f), (sampling.RepetitionPenalty, sampling.FrequencyPenalty, sampling.PresencePenalty));
        Assert.Equal((9007199254740993, 33), (sampling.Seed, request.MaxTokens));
        Assert.EndsWith("<think>\n\n</think>\n\n", engine.Prompts[0]);
    }

    [Fact]
    public void Effort_None_SwitchesThinkingOff() =>
        Assert.Equal(ReasoningEffort.None, new Qwen3NextPromptExecutionSettings { ReasoningEffort = "none" }.ToChatOptions(null)!.Reasoning!.Effort);

    [Fact]
    public void ThinkingBudget_Set_IsAnAdditionalProperty() =>
        Assert.Equal(100.0, new Qwen3NextPromptExecutionSettings { ThinkingBudget = 100 }.ToChatOptions(null)!.AdditionalProperties!["thinking_budget"]);

    private sealed record Answer(int Number);

    [Fact]
    public void ResponseFormat_EveryForm_BecomesThatOfTheChatOptions()
    {
        static ChatResponseFormat? Format(object? value) => new Qwen3NextPromptExecutionSettings { ResponseFormat = value }.ToChatOptions(null)!.ResponseFormat;
        var schema = AIJsonUtilities.CreateJsonSchema(typeof(Answer));
        Assert.Null(Format(null));
        Assert.IsType<ChatResponseFormatText>(Format("text"));
        Assert.Null(Assert.IsType<ChatResponseFormatJson>(Format("json_object")).Schema);
        Assert.True(JsonElement.DeepEquals(schema, Assert.IsType<ChatResponseFormatJson>(Format(schema)).Schema!.Value));
        Assert.True(JsonElement.DeepEquals(schema, Assert.IsType<ChatResponseFormatJson>(Format(typeof(Answer))).Schema!.Value));
        Assert.Contains("JsonElement", Assert.Throws<JsonException>(() => Format(7)).Message);
    }

    [Fact]
    public void FromExecutionSettings_KeepsTypeChoicesAndUnknownKeys()
    {
        Assert.Same(s_all, Qwen3NextPromptExecutionSettings.FromExecutionSettings(s_all));
        Assert.Null(Qwen3NextPromptExecutionSettings.FromExecutionSettings(null).Temperature);
        var choice = FunctionChoiceBehavior.Auto();
        var read = Qwen3NextPromptExecutionSettings.FromExecutionSettings(new PromptExecutionSettings
        {
            ServiceId = "s", ModelId = "m", FunctionChoiceBehavior = choice, ExtensionData = new Dictionary<string, object> { ["temperature"] = "0.25", ["other"] = 1 },
        });
        Assert.Equal(("s", "m", 0.25f), (read.ServiceId, read.ModelId, read.Temperature));
        Assert.Same(choice, read.FunctionChoiceBehavior);
        Assert.Equal(["other"], read.ExtensionData!.Keys);
    }

    [Fact]
    public void Clone_IsEqualAndFree_FreezeIsFinal()
    {
        var settings = JsonSerializer.Deserialize<Qwen3NextPromptExecutionSettings>(Json)!;
        settings.Freeze();
        settings.Freeze();
        Assert.Throws<InvalidOperationException>(() => settings.Temperature = 1);
        Assert.Throws<NotSupportedException>(() => settings.StopSequences!.Add("x"));
        var clone = Assert.IsType<Qwen3NextPromptExecutionSettings>(settings.Clone());
        Assert.Equal(JsonSerializer.Serialize(settings), JsonSerializer.Serialize(clone));
        clone.Temperature = 1;
        clone.StopSequences!.Add("x");
        Assert.Equal((0.5f, 1), (settings.Temperature, settings.StopSequences!.Count));
    }
}

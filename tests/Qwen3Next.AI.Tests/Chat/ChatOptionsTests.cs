using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>Every member of ChatOptions: mapped, or refused by its name.</summary>
public sealed class ChatOptionsTests
{
    private static async Task<ScriptedEngine> SendAsync(ChatOptions options, Qwen3NextFormat format = Qwen3NextFormat.Instruct)
    {
        var engine = new ScriptedEngine(format).Reply("ok");
        using var client = new Qwen3NextChatClient(engine);
        await client.GetResponseAsync("Hi", options);
        return engine;
    }

    private static async Task<GenerationRequest> MapAsync(ChatOptions options) => (await SendAsync(options)).Requests[0];

    [Fact]
    public void ChatOptions_HasNoMembersThatTheseTestsDoNotKnow()
    {
        string[] known = ["ConversationId", "Instructions", "Temperature", "MaxOutputTokens", "TopP", "TopK", "FrequencyPenalty", "PresencePenalty", "Seed",
            "Reasoning", "ResponseFormat", "ModelId", "StopSequences", "AllowMultipleToolCalls", "ToolMode", "Tools", "AllowBackgroundResponses",
            "ContinuationToken", "RawRepresentationFactory", "AdditionalProperties"];
        Assert.Equal(known.Order(), typeof(ChatOptions).GetProperties().Select(p => p.Name).Order());
    }

    [Fact]
    public async Task Sampling_Unset_TakesTheModelsDefaults()
    {
        var request = await MapAsync(new ChatOptions());
        Assert.Equal((0.7f, 0.8f, 20, 0f, 1f), (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.TopK, request.Sampling.MinP, request.Sampling.RepetitionPenalty));
        Assert.Equal(1000, request.MaxTokens);
        Assert.Null(request.Sampling.Seed);
        Assert.Null(request.StopTokens);
    }

    [Fact]
    public async Task Sampling_Set_ReachesTheEngineExactly()
    {
        var sampling = (await MapAsync(new ChatOptions { Temperature = 1.5f, TopP = 0.3f, TopK = 7, FrequencyPenalty = -1.5f, PresencePenalty = 2, Seed = long.MaxValue - 1 })).Sampling;
        Assert.Equal((1.5f, 0.3f, 7, -1.5f, 2f), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.FrequencyPenalty, sampling.PresencePenalty));
        Assert.Equal(long.MaxValue - 1, sampling.Seed);
    }

    [Fact]
    public async Task Temperature_Zero_IsGreedy() => Assert.Equal(0, (await MapAsync(new ChatOptions { Temperature = 0 })).Sampling.Temperature);

    [Fact]
    public async Task MaxOutputTokens_Set_IsTheBudget() => Assert.Equal(17, (await MapAsync(new ChatOptions { MaxOutputTokens = 17 })).MaxTokens);

    [Fact]
    public async Task Values_OutOfRange_AreNamed()
    {
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("Temperature", () => MapAsync(new ChatOptions { Temperature = -1 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("TopP", () => MapAsync(new ChatOptions { TopP = 0 }));
        var error = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => MapAsync(new ChatOptions { MaxOutputTokens = 0 }));
        Assert.StartsWith("MaxOutputTokens must be 1 or more", error.Message);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "ConversationId", "send the whole history" },
        { "ContinuationToken", "send the request again" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Member_ThatCannotBeHonoured_IsRefusedByNameWithRemedy(string member, string remedy)
    {
        var options = member switch
        {
            "ConversationId" => new ChatOptions { ConversationId = "c1" },
            _ => new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) },
        };
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => MapAsync(options));
        Assert.StartsWith($"ChatOptions.{member} ", error.Message);
        Assert.Contains(remedy, error.Message);
    }

    [Fact]
    public async Task Members_ThatMeanNothingHere_AreAccepted()
    {
        var request = await MapAsync(new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.Text, ToolMode = ChatToolMode.Auto, AllowBackgroundResponses = true, ModelId = "Scripted",
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High, Output = ReasoningOutput.Summary },
            AdditionalProperties = new() { ["stream_options"] = new object(), ["mtp"] = true },
            RawRepresentationFactory = _ => new object(),
        });
        Assert.Equal(0.7f, request.Sampling.Temperature);
    }

    [Fact]
    public async Task ModelId_OfAnotherModel_Throws() =>
        Assert.Contains("'scripted' only", (await Assert.ThrowsAsync<ArgumentException>(() => MapAsync(new ChatOptions { ModelId = "gpt" }))).Message);

    [Fact]
    public async Task StopSequences_EmptyText_Throws() =>
        await Assert.ThrowsAsync<ArgumentException>(() => MapAsync(new ChatOptions { StopSequences = ["a", ""] }));

    [Theory]
    [InlineData(true, null, 0)]
    [InlineData(true, 5.0, 5)]
    [InlineData(null, "3", 3)]
    [InlineData(false, 5, null)]
    [InlineData(null, null, null)]
    public async Task LogProbabilities_Asked_ReachTheEngine(bool? asked, object? top, int? expected) =>
        Assert.Equal(expected, (await MapAsync(new ChatOptions { AdditionalProperties = new() { ["logprobs"] = asked, ["top_logprobs"] = top } })).TopLogProbabilities);

    [Theory]
    [InlineData(21)]
    [InlineData(-1)]
    [InlineData(1.5)]
    public async Task LogProbabilities_OutOfRange_AreNamed(object top) =>
        Assert.Contains("\"top_logprobs\"] must be a whole number from 0 to 20",
            (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => MapAsync(new ChatOptions { AdditionalProperties = new() { ["top_logprobs"] = top } }))).Message);

    [Fact]
    public async Task AdditionalProperties_KnownKeys_AreReadFromEveryForm()
    {
        var forms = new Dictionary<string, object?>[]
        {
            new() { ["min_p"] = 0.25, ["repetition_penalty"] = 2, ["logit_bias"] = new Dictionary<int, float> { [5] = -1 } },
            new() { ["min_p"] = "0.25", ["repetition_penalty"] = "2", ["logit_bias"] = """{"5":-1}""" },
            new() { ["min_p"] = JsonElement.Parse("0.25"), ["repetition_penalty"] = JsonElement.Parse("\"2\""), ["logit_bias"] = JsonElement.Parse("""{"5":-1}""") },
            new() { ["min_p"] = 0.25f, ["repetition_penalty"] = 2L, ["logit_bias"] = new Dictionary<string, object?> { ["5"] = "-1" } },
        };
        foreach (var form in forms)
        {
            var sampling = (await MapAsync(new ChatOptions { AdditionalProperties = new(form) })).Sampling;
            Assert.Equal((0.25f, 2f), (sampling.MinP, sampling.RepetitionPenalty));
            Assert.Equal([new KeyValuePair<int, float>(5, -1)], sampling.LogitBias!);
        }
    }

    [Theory]
    [InlineData("min_p", "much")]
    [InlineData("min_p", true)]
    [InlineData("enable_thinking", "perhaps")]
    [InlineData("logit_bias", "[1]")]
    [InlineData("logit_bias", "no json")]
    [InlineData("logit_bias", """{"word":1}""")]
    public async Task AdditionalProperties_WrongValue_IsNamed(string key, object value)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => MapAsync(new ChatOptions { AdditionalProperties = new() { [key] = value } }));
        Assert.StartsWith($"ChatOptions.AdditionalProperties[\"{key}\"] is '", error.Message);
    }

    [Theory]
    [InlineData("effort", "<|im_start|>assistant\n<think>\n\n</think>\n\n")]
    [InlineData("property", "<|im_start|>assistant\n<think>\n\n</think>\n\n")]
    [InlineData("raw", "<|im_start|>assistant\n<think>\n\n</think>\n\n")]
    [InlineData("property over effort", "<|im_start|>assistant\n")]
    [InlineData("unset", "<|im_start|>assistant\n")]
    public async Task Thinking_OfAHybridModel_IsSwitched(string by, string end)
    {
        var options = by switch
        {
            "effort" => new ChatOptions { Reasoning = new() { Effort = ReasoningEffort.None } },
            "property" => new ChatOptions { AdditionalProperties = new() { ["enable_thinking"] = "false" } },
            "raw" => new ChatOptions { RawRepresentationFactory = _ => new Qwen3NextGenerationOptions { EnableThinking = false } },
            "property over effort" => new ChatOptions { Reasoning = new() { Effort = ReasoningEffort.None }, AdditionalProperties = new() { ["enable_thinking"] = true } },
            _ => new ChatOptions(),
        };
        Assert.Equal($"<|im_start|>user\nHi<|im_end|>\n{end}", (await SendAsync(options, Qwen3NextFormat.Hybrid)).Prompts[0]);
    }

    [Fact]
    public async Task RawRepresentationFactory_NonNullValues_WinAndTheRestIsFilled()
    {
        var engine = new ScriptedEngine().Reply("ok");
        using var client = new Qwen3NextChatClient(engine);
        IChatClient? asked = null;
        await client.GetResponseAsync("Hi", new ChatOptions
        {
            Temperature = 1, TopK = 3, MaxOutputTokens = 10, Seed = 1,
            AdditionalProperties = new() { ["min_p"] = 0.5 },
            RawRepresentationFactory = leaf =>
            {
                asked = leaf;
                return new Qwen3NextGenerationOptions { Temperature = 0.1f, MinP = 0.2f, MaxOutputTokens = 5, RepetitionPenalty = 1.5f, LogitBias = new Dictionary<int, float> { [1] = 2 } };
            },
        });
        var (sampling, budget) = (engine.Requests[0].Sampling, engine.Requests[0].MaxTokens);
        Assert.Same(client, asked);
        Assert.Equal((0.1f, 0.2f, 1.5f, 3, 1L, 5), (sampling.Temperature, sampling.MinP, sampling.RepetitionPenalty, sampling.TopK, sampling.Seed, budget));
        Assert.Equal(2, sampling.LogitBias![1]);
    }

    [Fact]
    public async Task Instructions_ComeFirstAndJoinTheSystemMessage()
    {
        var engine = new ScriptedEngine().Reply("ok");
        using var client = new Qwen3NextChatClient(engine);
        await client.GetResponseAsync([new(new ChatRole("developer"), "B"), new(ChatRole.System, "C"), new(ChatRole.User, "Hi")], new ChatOptions { Instructions = "A" });
        Assert.Equal("<|im_start|>system\nA\n\nB\n\nC<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", engine.Prompts[0]);
    }

    [Fact]
    public async Task Tools_Functions_AreOfferedAndHostedOnesAreNot()
    {
        var declared = AIFunctionFactory.CreateDeclaration("look_up", "Looks a word up.", JsonElement.Parse("""{"type":"object","properties":{"word":{"type":"string"}}}"""));
        var engine = await SendAsync(new ChatOptions { Tools = [declared, new HostedWebSearchTool()] });
        Assert.Contains("""{"type": "function", "function": {"name": "look_up", "description": "Looks a word up.", "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}}""",
            engine.Prompts[0]);
        Assert.DoesNotContain("web", engine.Prompts[0]);
    }

    [Fact]
    public async Task ToolMode_None_ShowsToolsAndReadsNoCalls()
    {
        var engine = new ScriptedEngine().Reply("""<tool_call>{"name":"one","arguments":{}}</tool_call>""");
        using var client = new Qwen3NextChatClient(engine);
        var response = await client.GetResponseAsync("Hi", new ChatOptions { ToolMode = ChatToolMode.None, Tools = [AIFunctionFactory.Create(() => 1, "one")] });
        Assert.Contains("one", engine.Prompts[0]);
        Assert.Empty(response.Messages[0].Contents.OfType<FunctionCallContent>());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1.5)]
    [InlineData("much")]
    public async Task ThinkingBudget_Wrong_IsNamed(object value) =>
        Assert.Contains("thinking_budget", (await Assert.ThrowsAsync<ArgumentException>(() => MapAsync(new ChatOptions { AdditionalProperties = new() { ["thinking_budget"] = value } }))).Message);
}

using System.Text.Json;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>What official clients do not look at.</summary>
public sealed class ServerTests(TinyServer tiny)
{
    [Fact]
    public async Task Models_Cards_HaveTheContextLength()
    {
        var server = await tiny.StartedAsync();
        var cards = JsonElement.Parse(await server.Http.GetStringAsync("/v1/models")).GetProperty("data").EnumerateArray().ToList();
        Assert.Equal([2048, 256], cards.Select(card => card.GetProperty("max_model_len").GetInt32()));
        var one = JsonElement.Parse(await server.Http.GetStringAsync("/v1/models/TINY"));
        Assert.Equal(TinyServer.Model, one.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Chat_Answer_HasTimingsAndIdAndNullContentBesideCalls()
    {
        var server = await tiny.StartedAsync();
        using var response = await server.PostAsync("/v1/chat/completions",
            """{"messages":[{"role":"user","content":"What is 37 * 12?"}],"temperature":0,"tools":[{"type":"function","function":{"name":"calculate","description":"Evaluates an arithmetic expression.","parameters":{"type":"object","properties":{"expression":{"type":"string"}},"required":["expression"]}}}]}""");
        var answer = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.True(answer.GetProperty("timings").GetProperty("decode_ms").GetDouble() > 0);
        Assert.Equal("chat.completion", answer.GetProperty("object").GetString());
        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
        Assert.Equal("""{"expression":"37 * 12"}""", choice.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());
    }

    [Fact]
    public async Task Stop_InAChat_EndsTheAnswerBeforeIt()
    {
        var server = await tiny.StartedAsync();
        using var response = await server.PostAsync("/v1/completions",
            """{"prompt":["<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n"],"max_tokens":40,"temperature":0,"stop":" can"}""");
        var choice = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("choices")[0];
        Assert.Equal(("Hello! How", "stop"), (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
    }

    [Theory]
    [InlineData("/v1/completions", "{}", "prompt is missing")]
    [InlineData("/v1/completions", """{"prompt":""}""", "prompt is empty")]
    [InlineData("/v1/completions", """{"prompt":["a","b"]}""", "several prompts are several requests")]
    [InlineData("/v1/completions", """{"prompt":[-1]}""", "token ids from 0")]
    [InlineData("/v1/completions", """{"prompt":"a","echo":true}""", "only the continuation")]
    [InlineData("/v1/completions", """{"prompt":"a","best_of":2}""", "best_of is 2")]
    [InlineData("/v1/completions", """{"prompt":"a","suffix":"b"}""", "suffix is not supported")]
    [InlineData("/v1/embeddings", "{}", "input is missing")]
    [InlineData("/v1/embeddings", """{"input":[]}""", "1 to 2048 texts")]
    [InlineData("/v1/embeddings", """{"input":[1,2]}""", "token ids of other models")]
    [InlineData("/v1/embeddings", """{"input":"a","dimensions":100000}""", "Ask for at most these")]
    [InlineData("/v1/embeddings", """{"input":"a","encoding_format":"hex"}""", "float or base64")]
    public async Task Request_Wrong_IsRefusedWithItsReason(string path, string json, string words) =>
        Assert.Contains(words, (await (await tiny.StartedAsync()).RefusedAsync(400, path, json)).GetProperty("message").GetString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("GET", "/v1/chat/completions", 405)]
    [InlineData("DELETE", "/v1/models", 405)]
    [InlineData("GET", "/v2", 404)]
    [InlineData("GET", "/v1/models/none/such", 404)]
    public async Task Path_OrMethod_Unknown_IsAnErrorObject(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await (await tiny.StartedAsync()).Http.SendAsync(request);
        await RunningServer.ErrorOfAsync(status, response);
    }

    [Fact]
    public async Task Embeddings_WithoutSuchAModel_404()
    {
        await using var model = new EndlessModel();
        await using var server = await RunningServer.StartAsync(model.Served);
        Assert.Contains("--embedding-model", (await server.RefusedAsync(404, "/v1/embeddings", """{"input":"a"}""")).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_AfterAnswers_CountThem()
    {
        await using var model = new EndlessModel(name: "metered"); // meters are the process's: other tests' answers have other names
        await using var server = await RunningServer.StartAsync(model.Served);
        using (var response = await server.PostAsync("/v1/chat/completions", model.Request(3))) response.EnsureSuccessStatusCode();
        using (var response = await server.PostAsync("/v1/completions", """{"prompt":"a","max_tokens":1}""")) response.EnsureSuccessStatusCode();
        var text = await server.Http.GetStringAsync("/metrics");
        foreach (var (operation, tokens) in new[] { ("chat", 3), ("text_completion", 1) })
        {
            Assert.Matches($$"""gen_ai_server_request_duration_seconds_count\{[^}]*gen_ai_operation_name="{{operation}}"[^}]*gen_ai_request_model="metered"[^}]*\} 1\n""", text);
            Assert.Matches($$"""qwen3next_output_tokens_total\{[^}]*gen_ai_operation_name="{{operation}}"[^}]*gen_ai_request_model="metered"[^}]*\} {{tokens}}\n""", text);
        }
        Assert.Contains("qwen3next_kv_utilization", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_OfADrainedEngine_503()
    {
        await using var model = new EndlessModel();
        await using var server = await RunningServer.StartAsync(model.Served);
        Assert.Equal("Healthy", JsonElement.Parse(await server.Http.GetStringAsync("/health")).GetProperty("status").GetString());
        await model.Engine.LoadAsync();
        await model.Engine.DrainAsync();
        using var health = await server.Http.GetAsync("/health");
        Assert.Equal((503, "Unhealthy"), ((int)health.StatusCode, JsonElement.Parse(await health.Content.ReadAsStringAsync()).GetProperty("status").GetString()));
        using var response = await server.PostAsync("/v1/chat/completions", model.Request(1));
        await RunningServer.ErrorOfAsync(503, response);
        Assert.Equal("1", response.Headers.RetryAfter!.ToString());
    }
}

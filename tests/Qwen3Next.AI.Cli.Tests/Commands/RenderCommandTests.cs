using System.Text.Json;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class RenderCommandTests : IDisposable
{
    private const string Weather = """{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": true}}""";

    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public async Task Render_Messages_IsTheExactPromptAndItsCount()
    {
        var result = await RenderAsync("""[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi "}, {"type": "text", "text": "你好"}]}]""");
        const string Prompt = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi 你好<|im_end|>\n<|im_start|>assistant\n";
        Assert.Equal((0, Prompt), (result.ExitCode, result.Out));
        Assert.Equal($"{System.Text.Encoding.UTF8.GetByteCount(Prompt)} tokens", result.Error.TrimEnd()); // the test's tokenizer has a token for every byte
    }

    [Fact]
    public async Task Render_ToolsCallsAndFlags_AreTakenAsTheyAre()
    {
        var request = "{\"tools\": [" + Weather + """
            ], "add_generation_prompt": false, "messages": [{"role": "user", "content": "w"}, {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}}]}, {"role": "tool", "tool_call_id": "1", "content": "18C"}]}
            """;
        using var json = JsonDocument.Parse((await RenderAsync(request, "--format", "json")).Out);
        var prompt = json.RootElement.GetProperty("prompt").GetString()!;
        Assert.Contains($"<tools>\n{Weather}\n</tools>", prompt, StringComparison.Ordinal);
        Assert.EndsWith("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\n18C\n</tool_response><|im_end|>\n", prompt, StringComparison.Ordinal);
        Assert.Equal(json.RootElement.GetProperty("token_count").GetInt32(), json.RootElement.GetProperty("tokens").GetArrayLength());
    }

    [Theory]
    [InlineData("\"x\"", "messages is \"x\"; it must be an array.")]
    [InlineData("{}", "messages is missing; it must be an array.")]
    [InlineData("[3]", "messages[0] is 3; it must be an object.")]
    [InlineData("""[{"content": "x"}]""", "messages[0].role is missing; it must be system, user, assistant or tool.")]
    [InlineData("""[{"role": "user", "content": 3}]""", "messages[0].content is 3; it must be text.")]
    [InlineData("""[{"role": "user", "content": [{"type": "image_url"}]}]""", "messages[0].content[0] is {\"type\": \"image_url\"}; it must be a part of type text.")]
    [InlineData("""[{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]""", "messages[0].tool_calls[0].function.arguments is missing;")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "tools": 1}""", "tools is 1; it must be an array.")]
    [InlineData("""{"messages": [{"role": "user", "content": "x"}], "enable_thinking": "no"}""", "enable_thinking is \"no\"; it must be true or false.")]
    [InlineData("""[{"role": "narrator", "content": "x"}]""", "A message has the role 'narrator'")]
    [InlineData("[]", "The conversation has no messages.")]
    public async Task Render_OtherJson_SaysWhereAndExits1(string json, string message) =>
        (await RenderAsync(json)).AssertError(1, message);

    [Fact]
    public async Task Render_NoJson_IsWrongUsage()
    {
        (await RenderAsync("[{")).AssertError(2, $"{_file} is not JSON: ");
        (await CliRunner.RunAsync("render", "--model", TestModel.Folder)).AssertError(2, "Option '--messages' is required.");
        (await RenderAsync("[]", "--format", "yaml")).AssertError(2, "--format is 'yaml'; it must be text or json.");
        (await CliRunner.RunAsync("render", "--model", TestModel.Folder, "--messages", _file + "x")).AssertError(2, $"--messages cannot be read: Could not find file '{_file}x'. Give a file with messages in JSON.");
    }

    public void Dispose() => File.Delete(_file);

    private async Task<CliResult> RenderAsync(string json, params string[] args)
    {
        await File.WriteAllTextAsync(_file, json);
        return await CliRunner.RunAsync(["render", "--model", TestModel.Folder, "--messages", _file, .. args]);
    }
}

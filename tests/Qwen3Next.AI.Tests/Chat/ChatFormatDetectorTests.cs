using System.Text.Json;
using Qwen3Next.AI.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

public sealed class ChatFormatDetectorTests : IDisposable
{
    private const string Instruct = "{{- '<|im_start|>assistant\\n' }}{{- '<tool_call>' }}";
    private const string Thinking = "{{- '<|im_start|>assistant\\n<think>\\n' }}";
    private const string Hybrid = "{%- if enable_thinking is false %}{{- '<think>\\n\\n</think>' }}{%- endif %}";
    private const string Coder = "{{- '\\n<tool_call>\\n<function=' + tool_call.name }}";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("checkpoint-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(Instruct, Qwen3NextFormat.Instruct)]
    [InlineData(Thinking, Qwen3NextFormat.Thinking)]
    [InlineData(Hybrid, Qwen3NextFormat.Hybrid)]
    [InlineData(Coder, Qwen3NextFormat.Coder)]
    public void Detect_Template_DecidesByItsMarkers(string template, object format)
    {
        var named = Subfolder("Some-Coder-Thinking");
        Write(named, "chat_template.jinja", template);
        Write(named, "tokenizer_config.json", JsonSerializer.Serialize(new { chat_template = "other <function=" }));
        Assert.Equal(format, ChatFormatDetector.Detect(named));

        var config = Subfolder("config");
        Write(config, "tokenizer_config.json", JsonSerializer.Serialize(new { chat_template = template }));
        Assert.Equal(format, ChatFormatDetector.Detect(config));

        var list = Subfolder("list");
        var templates = new[] { new { name = "rag", template = Coder }, new { name = "default", template } };
        Write(list, "tokenizer_config.json", JsonSerializer.Serialize(new { chat_template = templates }));
        Assert.Equal(format, ChatFormatDetector.Detect(list));
    }

    [Theory]
    [InlineData("Qwen3-Next-80B-A3B-Thinking", Qwen3NextFormat.Thinking)]
    [InlineData("Qwen3-Next-80B-A3B-Instruct", Qwen3NextFormat.Instruct)]
    [InlineData("qwen3-coder-next", Qwen3NextFormat.Coder)]
    [InlineData("models--Qwen--Qwen3-Next-80B-A3B-Thinking/snapshots/0123abc", Qwen3NextFormat.Thinking)]
    [InlineData("thinking-models/plain", Qwen3NextFormat.Instruct)]
    public void Detect_NoTemplate_DecidesByName(string name, object format)
    {
        var folder = Subfolder(name);
        Assert.Equal(format, ChatFormatDetector.Detect(folder));

        Write(folder, "tokenizer_config.json", "{}");
        Assert.Equal(format, ChatFormatDetector.Detect(folder));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    public void Detect_DamagedConfig_NamesTheFile(string json)
    {
        Write(_folder.FullName, "tokenizer_config.json", json);

        var error = Assert.Throws<CheckpointException>(() => ChatFormatDetector.Detect(_folder.FullName));

        Assert.Contains(Path.Combine(_folder.FullName, "tokenizer_config.json"), error.Message, StringComparison.Ordinal);
    }

    private string Subfolder(string name) => _folder.CreateSubdirectory(name).FullName;

    private static void Write(string folder, string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);
}

using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>Tells a checkpoint's prompt format by what its chat template contains, or else by its name.</summary>
internal static class ChatFormatDetector
{
    public static Qwen3NextFormat Detect(string checkpointFolder)
    {
        var template = ReadTemplate(checkpointFolder);
        return template is null ? ByName(checkpointFolder) : ByTemplate(template);
    }

    private static Qwen3NextFormat ByTemplate(string template) => template switch
    {
        _ when template.Contains("<function=", StringComparison.Ordinal) => Qwen3NextFormat.Coder,
        _ when template.Contains("enable_thinking", StringComparison.Ordinal) => Qwen3NextFormat.Hybrid,
        _ when template.Contains("<think>", StringComparison.Ordinal) => Qwen3NextFormat.Thinking,
        _ => Qwen3NextFormat.Instruct,
    };

    // A hub cache folder is named by a hash; the model's name stands above "snapshots".
    private static Qwen3NextFormat ByName(string folder)
    {
        var path = new DirectoryInfo(folder);
        var name = path.Parent is { Name: "snapshots", Parent: { } model } ? model.Name : path.Name;
        if (name.Contains("coder", StringComparison.OrdinalIgnoreCase)) return Qwen3NextFormat.Coder;
        return name.Contains("thinking", StringComparison.OrdinalIgnoreCase) ? Qwen3NextFormat.Thinking : Qwen3NextFormat.Instruct;
    }

    private static string? ReadTemplate(string folder)
    {
        var template = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(template)) return File.ReadAllText(template);
        var config = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(config)) return null;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(config));
            return document.RootElement.TryGetProperty("chat_template", out var value) ? TemplateText(value) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"'{config}' is not a JSON object: {e.Message} Fetch it again, or set {nameof(Qwen3NextOptions)}.{nameof(Qwen3NextOptions.Format)}.", e);
        }
    }

    // One template, or a list of named ones.
    private static string? TemplateText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Array => value.EnumerateArray().Where(item => item.GetProperty("name").ValueEquals("default"))
            .Select(item => item.GetProperty("template").GetString()).FirstOrDefault(),
        _ => null,
    };
}

using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>References within a schema document.</summary>
internal static class SchemaPointer
{
    /// <summary>Whether a reference is a JSON pointer behind a number sign, and not the address of another document.</summary>
    public static bool IsLocal(string reference) => reference == "#" || reference.StartsWith("#/", StringComparison.Ordinal);

    /// <summary>What stands at a local reference; null where nothing does.</summary>
    public static JsonElement? Resolve(JsonElement document, string reference)
    {
        foreach (var part in reference.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (document.ValueKind == JsonValueKind.Object && document.TryGetProperty(name, out var member)) document = member;
            else if (document.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index >= 0 && index < document.GetArrayLength()) document = document[index];
            else return null;
        }
        return document;
    }
}

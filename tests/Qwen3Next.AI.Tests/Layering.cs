using System.Text.RegularExpressions;

namespace Qwen3Next.AI.Tests;

/// <summary>Who may know whom inside the library. Reads source text: namespaces, using lines and names, comments left out.</summary>
internal static partial class Layering
{
    /// <summary>
    /// Folder, then the folders it may use and the types of the root folder it may name. Error types are free to all. Files in the root
    /// folder put everything together and may use everything.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string[]> MayUse = new Dictionary<string, string[]>
    {
        ["Tensors"] = [],
        ["Tokenization"] = [],
        ["Telemetry"] = [],
        ["Sampling"] = [],
        ["Grammar"] = ["Tokenization"],
        ["Cuda"] = ["Tensors"],
        ["Ops"] = ["Tensors", "Cuda", "Sampling", "Qwen3NextOpTime"],
        ["Weights"] = ["Tensors"],
        ["Cache"] = ["Tensors", "Ops"],
        ["Model"] = ["Tensors", "Ops", "Cache", "Weights", "Qwen3NextLoadProgress"],
        ["Engine"] =
        [
            "Tensors", "Ops", "Cache", "Weights", "Model", "Sampling", "Grammar", "Telemetry",
            "Qwen3NextOptions", "Qwen3NextModelInfo", "Qwen3NextDevice", "Qwen3NextWeightType", "Qwen3NextKvCacheType", "Qwen3NextLoadProgress", "Qwen3NextOpTime",
        ],
        ["Chat"] =
        [
            "Engine", "Sampling", "Grammar", "Tokenization", "Telemetry",
            "Qwen3NextOptions", "Qwen3NextModelInfo", "Qwen3NextGenerationOptions", "Qwen3NextFormat", "UnsupportedContentBehavior",
        ],
        ["Endpoint"] =
        [
            "Chat", "Telemetry", "Qwen3NextGenerationOptions",
        ],
        ["Hosting"] =
        [
            "Engine", "Telemetry", "IQwen3NextEngine", "Qwen3NextEngine", "Qwen3NextOptions", "Qwen3NextLoadMode", "Qwen3NextLoadProgress", "Qwen3NextEngineStatus", "Qwen3NextEngineState",
        ],
    };

    private static readonly Regex FolderName = new($@"(?:\bQwen3Next\.AI\.|(?<![\w.]))(?<name>{string.Join('|', MayUse.Keys)})\b(?=\.[A-Z]|;)");

    /// <summary>What a file of a folder uses and may not, one line each.</summary>
    /// <param name="file">Path in the library, with its folder: "Cache/HybridCache.cs".</param>
    /// <param name="source">Its text.</param>
    /// <param name="rootTypes">Names of the types declared in the root folder.</param>
    public static List<string> Violations(string file, string source, IReadOnlySet<string> rootTypes)
    {
        var folder = file[..file.IndexOf('/', StringComparison.Ordinal)];
        var code = Comment().Replace(source, "");
        var used = FolderName.Matches(code).Select(match => match.Groups["name"].Value)
            .Concat(Identifier().Matches(code).Select(match => match.Value).Where(rootTypes.Contains))
            .Where(name => name != folder && !MayUse[folder].Contains(name)).Distinct();
        List<string> violations = [.. used.Select(name => $"{file} uses {name}; {folder} may use only: {string.Join(", ", MayUse[folder])}.")];
        if (!Regex.IsMatch(code, $@"^namespace Qwen3Next\.AI\.{folder}[.;]", RegexOptions.Multiline))
            violations.Add($"{file} is not in namespace Qwen3Next.AI.{folder}.");
        if (code.Contains("global using", StringComparison.Ordinal)) violations.Add($"{file} has a global using, which hides what other files use.");
        return violations;
    }

    /// <summary>Types that a file declares, errors left out.</summary>
    public static IEnumerable<string> Types(string source) => Declaration().Matches(Comment().Replace(source, ""))
        .Select(match => match.Groups["name"].Value).Where(name => !name.EndsWith("Exception", StringComparison.Ordinal));

    [GeneratedRegex(@"//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record)\s+(?!class\b|struct\b)(?<name>\w+)")]
    private static partial Regex Declaration();
}

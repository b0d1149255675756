using System.Text.RegularExpressions;

namespace Qwen3Next.AI.Tests.Docs;

/// <summary>The repository's documents for people: README.md, docs, and what packages and samples say of themselves.</summary>
internal static partial class Documents
{
    /// <summary>Paths from the repository's root.</summary>
    public static IReadOnlyList<string> Paths { get; } =
    [
        "README.md", .. SourceTree.Files(Path.Combine(SourceTree.Root, "docs"), "*.md").Select(path => $"docs/{path}"),
        .. new[] { "src", "samples" }.SelectMany(folder => SourceTree.Files(Path.Combine(SourceTree.Root, folder), "*.md").Select(path => $"{folder}/{path}")),
    ];

    public static string Read(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path)).ReplaceLineEndings("\n");

    /// <summary>Fenced blocks with their language, which may be empty.</summary>
    public static IEnumerable<(string Path, string Language, string Text)> Blocks() =>
        Paths.SelectMany(path => Fence().Matches(Read(path)).Select(match => (path, match.Groups["language"].Value, match.Groups["text"].Value)));

    /// <summary>Code within sentences and tables.</summary>
    public static IEnumerable<(string Path, string Text)> Spans() =>
        Paths.SelectMany(path => Span().Matches(Fence().Replace(Read(path), "")).Select(match => (path, match.Groups["text"].Value)));

    /// <summary>Targets of links and pictures that lie in the repository.</summary>
    public static IEnumerable<(string Path, string Target)> Links() =>
        Paths.SelectMany(path => Link().Matches(Fence().Replace(Read(path), "")).Select(match => (path, match.Groups["target"].Value)))
            .Where(link => !link.Item2.Contains("://", StringComparison.Ordinal) && !link.Item2.StartsWith('#'));

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<text>.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex("`(?<text>[^`\n]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();
}

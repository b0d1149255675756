using System.Text.RegularExpressions;
using Xunit;

namespace Qwen3Next.AI.Tests;

public sealed partial class ReadmeTests
{
    private static readonly string s_readme = File.ReadAllText(Path.Combine(SourceTree.Root, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void CodeBlocks_AreCompiledWordForWord()
    {
        var compiled = Trimmed(File.ReadAllText(Path.Combine(SourceTree.Root, "tests", "Qwen3Next.AI.Tests", "ReadmeSamples.cs")));
        var blocks = CodeBlock().Matches(s_readme).Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(2, blocks.Count);
        foreach (var block in blocks)
        {
            foreach (var directive in Directive().Matches(block).Select(m => m.Value)) Assert.Contains(directive, compiled, StringComparison.Ordinal);
            Assert.Contains(Trimmed(Directive().Replace(block, "")), compiled, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Links_LeadToFilesThatExist() =>
        Assert.All(Link().Matches(s_readme).Select(m => m.Groups[1].Value), path => Assert.True(Path.Exists(Path.Combine(SourceTree.Root, path)), path));

    private static string Trimmed(string code) => string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim())).Trim();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^using [\w.]+;\n", RegexOptions.Multiline)]
    private static partial Regex Directive();

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}

using System.Text.RegularExpressions;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>Rules that every source file of the product keeps.</summary>
public partial class SourceRuleTests
{
    private const int MostLines = 500;

    [Fact]
    public void Faults_OfAllSources_AreNone()
    {
        var source = Path.Combine(SourceTree.Root, "src");
        var files = SourceTree.Files(source, "*.cs").ToList();
        Assert.True(files.Count > 100, $"only {files.Count} files were found");
        Assert.Empty(files.SelectMany(file => Faults(file, File.ReadAllText(Path.Combine(source, file)))));
    }

    [Theory]
    [InlineData("// TODO later")]
    [InlineData("throw new NotImplementedException();")]
    [InlineData("var folder = \"/home/me/models\";")]
    [InlineData("var folder = @\"C:\\Users\\me\";")]
    [InlineData("/// <see href=\"https://packages.example.com/nuget/v3\"/>")]
    [InlineData("const string Host = \"registry.example.org\";")]
    public void Faults_MadeUp_AreFound(string line) => Assert.Single(Faults("Made.cs", $"namespace Made;\n{line}\n"));

    [Fact]
    public void Faults_LongFile_IsFound()
    {
        Assert.Empty(Faults("Made.cs", string.Concat(Enumerable.Repeat("line\n", MostLines))));
        Assert.Single(Faults("Made.cs", string.Concat(Enumerable.Repeat("line\n", MostLines + 1))));
    }

    private static IEnumerable<string> Faults(string file, string text)
    {
        var lines = text.Split('\n');
        if (lines.Length - 1 > MostLines) yield return $"{file} has {lines.Length - 1} lines; {MostLines} are the limit. Cut it by what its parts do.";
        for (var i = 0; i < lines.Length; i++)
        {
            if (Unfinished().Match(lines[i]) is { Success: true } word) yield return $"{file}({i + 1}): '{word.Value}' marks work that is not done.";
            if (Private().Match(lines[i]) is { Success: true } place) yield return $"{file}({i + 1}): '{place.Value}' exists on one machine or network only.";
        }
    }

    [GeneratedRegex(@"\b(TODO|FIXME|HACK)\b|NotImplementedException")]
    private static partial Regex Unfinished();

    /// <summary>Absolute paths of people's and machines' folders; hosts and feeds of package registries.</summary>
    [GeneratedRegex(@"(?<![\w.])/(home|root|work|tmp|mnt|Users)/|\b[A-Z]:\\\w|https?://[^\s""]*(nuget|artifactory|jfrog|/simple\b)|\b(registry|mirror|artifactory|jfrog|pkgs|nuget)\.[a-z0-9.-]+\.[a-z]+\b")]
    private static partial Regex Private();
}

using System.Text.RegularExpressions;
using Qwen3Next.AI.Cli.Output;
using Qwen3Next.AI.Tests.Docs;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Docs;

/// <summary>What documents tell people to type is what the tool takes.</summary>
public sealed partial class CommandLineTests
{
    [Fact]
    public void Lines_OfAllDocuments_AreUnderstood()
    {
        var lines = Documents.Blocks().SelectMany(block => block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Select(line => (block.Path, Line: Command().Match(line))))
            .Where(found => found.Line.Success).ToList();
        Assert.True(lines.Count >= 5, $"only {lines.Count} lines were found");
        Assert.Empty(lines.SelectMany(found => Errors(found.Line.Groups["arguments"].Value).Select(error => $"{found.Path}: {found.Line.Value}: {error}")));
    }

    /// <summary>Within a sentence what is required may be left out.</summary>
    [Fact]
    public void Spans_OfAllDocuments_NameCommandsAndOptions()
    {
        var spans = Documents.Spans().Where(span => Command().IsMatch(span.Text)).ToList();
        Assert.NotEmpty(spans);
        Assert.Empty(spans.SelectMany(span => Errors(Command().Match(span.Text).Groups["arguments"].Value)
            .Where(error => error.Contains("Unrecognized", StringComparison.Ordinal)).Select(error => $"{span.Path}: {span.Text}: {error}")));
    }

    [Theory]
    [InlineData("frob")]
    [InlineData("chat --promt \"Hello there\"")]
    [InlineData("bench --runs zero")]
    public void Errors_MadeUp_AreFound(string arguments) => Assert.NotEmpty(Errors(arguments));

    private static IEnumerable<string> Errors(string arguments)
    {
        var words = Word().Matches(arguments).Select(match => match.Value.Replace("\"", "", StringComparison.Ordinal)).ToArray();
        return CliApplication.Parse(words, new Terminal { In = TextReader.Null, Out = TextWriter.Null, Error = TextWriter.Null }).Errors.Select(error => error.Message);
    }

    /// <summary>The tool by its name, or run from its project; up to a pipe or a remark.</summary>
    [GeneratedRegex(@"^(\$ )?(qwen3next|dotnet run .*--project src/Qwen3Next\.AI\.Cli --)(?<arguments>( [^|#>&]+)?)")]
    private static partial Regex Command();

    [GeneratedRegex("(\"[^\"]*\"|[^\\s\"])+")]
    private static partial Regex Word();
}

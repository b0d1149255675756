using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Qwen3Next.AI.Tests.Docs;

/// <summary>Alone, as the compiler takes memory that other tests would measure as their own.</summary>
[Collection(nameof(DocumentTests))]
[CollectionDefinition(nameof(DocumentTests), DisableParallelization = true)]
public sealed class DocumentTests
{
    /// <summary>A block with using lines is a whole program. One without is a part of one, which has these names from around it.</summary>
    private const string Around = """
        global using Microsoft.Extensions.AI;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Qwen3Next.AI;
        global using static Given;

        internal static class Given
        {
            public static HostApplicationBuilder builder => Host.CreateApplicationBuilder();
            public static IServiceCollection services => builder.Services;
            public static IChatClient client => null!;
        }
        """;

    private const string Implicit = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions s_language = new(LanguageVersion.Preview);

    private static readonly MetadataReference[] s_references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))];

    [Fact]
    public void CSharpBlocks_OfAllDocuments_Compile()
    {
        var blocks = Documents.Blocks().Where(block => block.Language is "csharp" or "cs").ToList();
        Assert.True(blocks.Count >= 5, $"only {blocks.Count} blocks were found");
        Assert.Empty(blocks.SelectMany(block => Errors(block.Text).Select(error => $"{block.Path}: {error}\n{block.Text}")));
    }

    [Theory]
    [InlineData("builder.AddQwen3Nix();")]
    [InlineData("using Qwen3Next.AI;\nbuilder.AddQwen3Next();")]
    [InlineData("using Qwen3Next.AI;\nvar options = new Qwen3NextOptions { ModelPat = \"here\" };")]
    public void Errors_MadeUp_AreFound(string block) => Assert.NotEmpty(Errors(block));

    [Fact]
    public void Links_LeadToFilesThatExist()
    {
        var links = Documents.Links().ToList();
        Assert.True(links.Count > 10, $"only {links.Count} links were found");
        Assert.All(links, link => Assert.True(Path.Exists(Path.Combine(SourceTree.Root, Path.GetDirectoryName(link.Path)!, link.Target)), $"{link.Path}: {link.Target}"));
    }

    private static IEnumerable<Diagnostic> Errors(string block)
    {
        var texts = CSharpSyntaxTree.ParseText(block, s_language).GetCompilationUnitRoot().Usings.Any() ? new[] { block, Implicit } : [block, Implicit, Around];
        var compilation = CSharpCompilation.Create("document", texts.Select(text => CSharpSyntaxTree.ParseText(text, s_language)), s_references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        return compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
    }
}

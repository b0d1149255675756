using Xunit;

namespace Qwen3Next.AI.Tests;

public class LayeringTests
{
    private static readonly HashSet<string> RootTypes =
        [.. Directory.EnumerateFiles(SourceTree.Library, "*.cs").SelectMany(file => Layering.Types(File.ReadAllText(file)))];

    [Fact]
    public void Violations_OfTheLibrary_AreNone()
    {
        var files = SourceTree.Files(SourceTree.Library, "*.cs").Where(file => file.Contains('/')).ToList();
        Assert.True(files.Count > 50, $"only {files.Count} files were found");
        Assert.Empty(files.SelectMany(file => Layering.Violations(file, File.ReadAllText(Path.Combine(SourceTree.Library, file)), RootTypes)));
    }

    [Fact]
    public void MayUse_Folders_AreThoseOfTheLibrary()
    {
        var folders = SourceTree.Files(SourceTree.Library, "*.cs").Where(file => file.Contains('/')).Select(file => file.Split('/')[0]).Distinct();
        Assert.Equal(folders.Order(), Layering.MayUse.Keys.Order());
    }

    [Fact]
    public void MayUse_Names_ExistAndHaveNoCircle()
    {
        Assert.All(Layering.MayUse.Values.SelectMany(names => names), name => Assert.True(Layering.MayUse.ContainsKey(name) || RootTypes.Contains(name), name));
        var below = new List<string>();
        while (below.Count < Layering.MayUse.Count)
        {
            var next = Layering.MayUse.Keys.Except(below).FirstOrDefault(folder => Layering.MayUse[folder].Where(Layering.MayUse.ContainsKey).All(below.Contains));
            Assert.True(next is not null, $"a circle among {string.Join(", ", Layering.MayUse.Keys.Except(below))}");
            below.Add(next);
        }
    }

    [Theory]
    [InlineData("using Qwen3Next.AI.Model;", "Model")]
    [InlineData("using static Qwen3Next.AI.Model.RowGroups;", "Model")]
    [InlineData("using Config = Qwen3Next.AI.Model.Qwen3NextConfig;", "Model")]
    [InlineData("var config = global::Qwen3Next.AI.Model.Qwen3NextConfig.Load(path);", "Model")]
    [InlineData("Model.Qwen3NextConfig? config = null;", "Model")]
    [InlineData("void Fill(Engine.Sequence sequence) { }", "Engine")]
    [InlineData("using Qwen3Next.AI.Ops.Linear; using Qwen3Next.AI.Chat;", "Chat")]
    [InlineData("private readonly Qwen3NextChatClient _client;", "Qwen3NextChatClient")]
    [InlineData("global using Qwen3Next.AI.Ops;", "global using")]
    public void Violations_MadeUp_AreFound(string line, string named)
    {
        var violation = Assert.Single(Layering.Violations("Cache/Pool.cs", $"namespace Qwen3Next.AI.Cache;\n{line}\n", RootTypes));
        Assert.Contains(named, violation, StringComparison.Ordinal);
    }

    [Fact]
    public void Violations_ForeignNamespace_IsFound() =>
        Assert.Single(Layering.Violations("Cache/Pool.cs", "namespace Qwen3Next.AI.Model;\n", RootTypes), text => text.Contains("not in namespace", StringComparison.Ordinal));

    [Theory]
    [InlineData("using Qwen3Next.AI.Ops.Linear;")]
    [InlineData("// Qwen3Next.AI.Model.Qwen3NextConfig knows the sizes.")]
    [InlineData("step.Model.Forward(batch);")]
    [InlineData("throw new CheckpointException(text);")]
    [InlineData("using System.Numerics.Tensors;")]
    public void Violations_AllowedLine_AreNone(string line) =>
        Assert.Empty(Layering.Violations("Cache/Pool.cs", $"namespace Qwen3Next.AI.Cache;\n{line}\n", RootTypes));

    [Fact]
    public void Internals_AreSeenByTestsAlone()
    {
        foreach (var file in SourceTree.Files(SourceTree.Root, "*.csproj").Concat(SourceTree.Files(SourceTree.Root, "*.props")))
        {
            foreach (var line in File.ReadLines(Path.Combine(SourceTree.Root, file)).Where(line => line.Contains("InternalsVisibleTo", StringComparison.Ordinal)))
                Assert.Matches("Include=\"[\\w.]+\\.(Tests|Benchmarks)\"", line);
        }
        var sources = SourceTree.Files(Path.Combine(SourceTree.Root, "src"), "*.cs").Select(file => Path.Combine(SourceTree.Root, "src", file))
            .Concat(SourceTree.Files(Path.Combine(SourceTree.Root, "samples"), "*.cs").Select(file => Path.Combine(SourceTree.Root, "samples", file)));
        foreach (var file in sources)
            Assert.DoesNotMatch("InternalsVisibleTo|IgnoresAccessChecksTo|UnsafeAccessor|BindingFlags.NonPublic", File.ReadAllText(file));
    }
}

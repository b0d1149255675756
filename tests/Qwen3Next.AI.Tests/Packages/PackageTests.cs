using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using Xunit;

namespace Qwen3Next.AI.Tests.Packages;

/// <summary>The packages as their users meet them: a new project, an installed tool, a native executable. Minutes, so only where they are asked for.</summary>
public sealed class PackageTests(PackedFeed feed) : IClassFixture<PackedFeed>
{
    private const string Talk = """
        using Microsoft.Extensions.AI;
        using Qwen3Next.AI;
        using Qwen3Next.AI.TinyModel;

        var clock = System.Diagnostics.Stopwatch.StartNew();
        using IChatClient client = new Qwen3NextChatClient(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, Defaults = { Temperature = 0 } });
        Console.WriteLine(await client.GetResponseAsync("Who are you?"));
        Console.WriteLine($"first answer after {clock.ElapsedMilliseconds} ms");
        """;

    [Fact]
    public void Pack_SourceArchiveWithoutGit_HasAllThatBelongsToAPackage()
    {
        Skip();
        Assert.StartsWith("0.1.0-alpha.0", feed.Version, StringComparison.Ordinal);
        foreach (var id in new[] { "Qwen3Next.AI", "Qwen3Next.AI.SemanticKernel", "Qwen3Next.AI.TinyModel", "Qwen3Next.AI.Cli" })
        {
            using var package = Open($"{id}.{feed.Version}.nupkg");
            var nuspec = Text(package, $"{id}.nuspec");
            Assert.Contains("<license type=\"expression\">Apache-2.0</license>", nuspec, StringComparison.Ordinal);
            Assert.Contains("<readme>README.md</readme>", nuspec, StringComparison.Ordinal);
            Assert.Contains("<icon>icon.png</icon>", nuspec, StringComparison.Ordinal);
            Assert.NotNull(package.GetEntry("README.md"));
            Assert.NotNull(package.GetEntry("icon.png"));
            using var symbols = Open($"{id}.{feed.Version}.snupkg");
            Assert.Contains(symbols.Entries, entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Pack_WhereNvrtcIs_BringsKernelsOfEveryArchitecture()
    {
        Skip();
        Assert.SkipUnless(Environment.GetEnvironmentVariable("QWEN3NEXT_TEST_NVRTC") is { Length: > 0 }, "QWEN3NEXT_TEST_NVRTC names no NVRTC; packages made here compile their kernels where they run");
        using var library = Library("lib/net10.0/Qwen3Next.AI.dll");
        var reader = library.GetMetadataReader();
        var names = reader.ManifestResources.Select(handle => reader.GetString(reader.GetManifestResource(handle).Name)).Where(name => name.StartsWith("kernels/", StringComparison.Ordinal));
        Assert.Equal(["kernels/compute_90", "kernels/sm_80", "kernels/sm_86", "kernels/sm_89", "kernels/sm_90a"], names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Pack_TaggedClone_HasTheTagsVersionAndTheRemotesSource()
    {
        Skip();
        _ = feed.Folder;
        foreach (var command in new[] { "init -q", "add -A", "-c user.name=A -c user.email=a@example.com commit -qm All", "tag v9.8.7", "remote add origin https://github.com/example/example.git" })
            feed.Run("sources", "git", command.Split(' '));
        feed.Run("sources", "dotnet", "pack", "src/Qwen3Next.AI.TinyModel", "--output", Path.Combine(feed.Sources, "tagged"), "--nologo");
        using var symbols = ZipFile.OpenRead(Path.Combine(feed.Sources, "tagged", "Qwen3Next.AI.TinyModel.9.8.7.snupkg"));
        var pdb = new MemoryStream();
        using (var stream = symbols.Entries.Single(entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal)).Open()) stream.CopyTo(pdb);
        Assert.Contains("https://raw.githubusercontent.com/example/example/", Encoding.UTF8.GetString(pdb.ToArray()), StringComparison.Ordinal);
        Assert.DoesNotContain(feed.Sources, Encoding.UTF8.GetString(pdb.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void NewProject_WithThePackages_Talks()
    {
        Skip();
        feed.AddFolder("project", ("Project.csproj", Project("")), ("Program.cs", $$"""
            using Microsoft.SemanticKernel;
            using Microsoft.SemanticKernel.ChatCompletion;
            {{Talk}}
            var kernel = Kernel.CreateBuilder().AddQwen3NextChatCompletion(options => options.ModelPath = TinyCheckpoint.Path).Build();
            Console.WriteLine(await kernel.GetRequiredService<IChatCompletionService>().GetChatMessageContentAsync("Who are you?"));
            """));
        var output = feed.Run("project", "dotnet", "run", "-c", "Release");
        Assert.Contains("tiny model", output, StringComparison.Ordinal);
        Assert.True(output.TrimEnd().Split('\n').Length >= 3, output);
    }

    [Fact]
    public void Tool_InstalledFromTheFeed_Talks()
    {
        Skip();
        feed.AddFolder("tool");
        feed.Run("tool", "dotnet", "tool", "install", "Qwen3Next.AI.Cli", "--version", feed.Version, "--tool-path", "installed");
        var command = Path.Combine("installed", OperatingSystem.IsWindows() ? "qwen3next.exe" : "qwen3next");
        Assert.Contains("444", feed.Run("tool", Path.Combine(feed.AddFolder("tool"), command), "chat", "--prompt", "What is 37 * 12?", "--temperature", "0"), StringComparison.Ordinal);
    }

    /// <summary>Warnings of trimming and compiling ahead are errors, whoever's code they are about.</summary>
    [Fact]
    public void NativeExecutable_WithThePackages_Talks()
    {
        Skip();
        Assert.SkipUnless(HasLinker(), "native executables are linked by clang or gcc, and none is here: apt-get install clang zlib1g-dev");
        var folder = feed.AddFolder("native", ("Project.csproj", Project("<PublishAot>true</PublishAot><IlcInstructionSet>native</IlcInstructionSet><TreatWarningsAsErrors>true</TreatWarningsAsErrors><TrimmerSingleWarn>false</TrimmerSingleWarn>")), ("Program.cs", Talk));
        feed.Run("native", "dotnet", "publish", "-c", "Release", "--output", "published", "--use-current-runtime");
        var executable = new FileInfo(Path.Combine(folder, "published", OperatingSystem.IsWindows() ? "Project.exe" : "Project"));
        var output = feed.Run("native", executable.FullName);
        Assert.Contains("tiny model", output, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine($"{executable.Length} bytes; {output}");
    }

    private static void Skip() => Assert.SkipUnless(PackedFeed.IsAsked, "QWEN3NEXT_TEST_PACKAGES=1 asks for the tests of packages, which take minutes");

    private static bool HasLinker() => OperatingSystem.IsWindows() ||
        new[] { "clang", "gcc" }.Any(name => Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, name))));

    private string Project(string properties) => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>{properties}
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="{(properties.Length > 0 ? "Qwen3Next.AI" : "Qwen3Next.AI.SemanticKernel")}" Version="{feed.Version}" />
            <PackageReference Include="Qwen3Next.AI.TinyModel" Version="{feed.Version}" />
          </ItemGroup>
        </Project>
        """;

    private ZipArchive Open(string file) => ZipFile.OpenRead(Path.Combine(feed.Folder, file));

    private static string Text(ZipArchive package, string entry)
    {
        using var reader = new StreamReader(package.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    private PEReader Library(string entry)
    {
        using var package = Open($"Qwen3Next.AI.{feed.Version}.nupkg");
        var copy = new MemoryStream();
        using (var stream = package.GetEntry(entry)!.Open()) stream.CopyTo(copy);
        copy.Position = 0;
        return new PEReader(copy);
    }
}

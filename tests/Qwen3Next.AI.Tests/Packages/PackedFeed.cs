using System.Diagnostics;

namespace Qwen3Next.AI.Tests.Packages;

/// <summary>
/// All packages, made from a copy of the sources without git, in a folder that serves as feed; and a folder for a project that uses them. Packages
/// that are restored from it land in a folder of their own, so that no earlier build of the same version is used.
/// </summary>
public sealed class PackedFeed : IDisposable
{
    private static readonly string[] Parts = ["src", "build", "docs/images", "Qwen3Next.AI.sln", "Directory.Packages.props", "global.json", ".editorconfig"];

    private readonly TemporaryFolder _work = new();
    private readonly Lazy<string> _packed;

    public PackedFeed() => _packed = new Lazy<string>(Pack);

    public static bool IsAsked => Environment.GetEnvironmentVariable("QWEN3NEXT_TEST_PACKAGES") == "1";

    /// <summary>The folder of packages; made when first asked for.</summary>
    public string Folder => _packed.Value;

    /// <summary>The copy of the sources.</summary>
    public string Sources => _work.File("sources");

    public string Version => Path.GetFileName(Directory.GetFiles(Folder, "Qwen3Next.AI.TinyModel.*.nupkg").Single())["Qwen3Next.AI.TinyModel.".Length..^".nupkg".Length];

    /// <summary>Runs a program in a folder below the work folder; its output, which a failure shows.</summary>
    public string Run(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = _work.File(folder), RedirectStandardOutput = true, RedirectStandardError = true };
        (start.Environment["NUGET_PACKAGES"], start.Environment["DOTNET_NOLOGO"], start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"]) = (_work.File("restored"), "1", "1");
        // Processes of a build must not outlive the test.
        (start.Environment["MSBUILDDISABLENODEREUSE"], start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"]) = ("1", "0");
        start.Environment["QWEN3NEXT_NVRTC"] = Environment.GetEnvironmentVariable("QWEN3NEXT_TEST_NVRTC");
        foreach (var inherited in start.Environment.Keys.Where(name => name.StartsWith("MSBuild", StringComparison.Ordinal) || name.StartsWith("TESTINGPLATFORM", StringComparison.Ordinal)).ToList()) start.Environment.Remove(inherited);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}{errors.Result}");
    }

    /// <summary>A folder with files, and with a nuget.config that adds the feed to what the machine has.</summary>
    public string AddFolder(string name, params (string File, string Text)[] files)
    {
        Directory.CreateDirectory(_work.File(name));
        var machine = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(_work.File(name), "nuget.config"), $"""
            <configuration>
              <packageSources><add key="packed" value="{Folder}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{Directory.CreateDirectory(machine).FullName}" /></fallbackPackageFolders>
            </configuration>
            """);
        foreach (var (file, text) in files) File.WriteAllText(Path.Combine(_work.File(name), file), text);
        return _work.File(name);
    }

    public void Dispose() => _work.Dispose();

    private string Pack()
    {
        foreach (var part in Parts) Copy(Path.Combine(SourceTree.Root, part), Path.Combine(Sources, part));
        // All architectures, few kernels: each takes NVRTC about a second.
        var list = Path.Combine(Sources, "build", "Kernels", "kernels.txt");
        File.WriteAllLines(list, File.ReadAllLines(list).Where(line => line.StartsWith("Ops/Norm/", StringComparison.Ordinal) || line.StartsWith("Ops/Embedding/", StringComparison.Ordinal)));
        var packages = Directory.CreateDirectory(_work.File("feed")).FullName;
        Run("sources", "dotnet", "pack", "src/Packages.slnf", "--output", packages, "--nologo", "-v", "minimal");
        return packages;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        if (File.Exists(from)) File.Copy(from, to);
        else foreach (var file in SourceTree.Files(from, "*")) Copy(Path.Combine(from, file), Path.Combine(to, file));
    }
}

namespace Qwen3Next.AI.Tests;

/// <summary>The repository's own files, for tests that read source text.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static string Library => Path.Combine(Root, "src", "Qwen3Next.AI");

    /// <summary>Files below a folder, build output left out, as paths from there with forward slashes.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) => Directory
        .EnumerateFiles(folder, pattern, SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
        .Where(file => !file.Split('/').Any(part => part is "bin" or "obj"))
        .Order(StringComparer.Ordinal);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Qwen3Next.AI.sln"))) return folder.FullName;
        throw new InvalidOperationException($"No Qwen3Next.AI.sln above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}

using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>Finds reference data: the small part lies in this project, the rest beside the checkout where it is present.</summary>
internal static class Golden
{
    /// <summary>Path of a reference file or folder; skips the running test by name when it is not on this machine.</summary>
    public static string Path(string name)
    {
        var path = TryPath(name);
        Assert.SkipWhen(path is null, $"reference data '{name}' is not on this machine");
        return path!;
    }

    public static string? TryPath(string name)
    {
        var bundled = System.IO.Path.Combine(AppContext.BaseDirectory, "golden", name);
        if (System.IO.Path.Exists(bundled)) return bundled;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            foreach (var part in new[] { "golden", "data" })
            {
                var candidate = System.IO.Path.Combine(folder.FullName, "shared", part, name);
                if (System.IO.Path.Exists(candidate)) return candidate;
            }
        }
        return null;
    }
}

using System.Globalization;

namespace Qwen3Next.AI.Kernels;

/// <summary>Text that says which kernels a package brings: a line for each source and set of macros, <c>source: macros: capabilities</c>.</summary>
internal static class KernelList
{
    public static IEnumerable<(string Source, string[] Defines, (int Major, int Minor)[] Capabilities)> Read(IEnumerable<string> lines) => lines
        .Where(line => line.Length > 0 && !line.StartsWith('#'))
        .Select(line => line.Split(':', StringSplitOptions.TrimEntries))
        .Select(parts => (parts[0], Words(parts[1]), Words(parts[2]).Select(Capability).ToArray()));

    /// <summary>The lines of what was loaded.</summary>
    public static IEnumerable<string> Write(IEnumerable<(string Source, string Defines, (int Major, int Minor) Capability)> loaded) => loaded
        .GroupBy(kernel => (kernel.Source, kernel.Defines), kernel => kernel.Capability)
        .Select(kernel => string.Create(CultureInfo.InvariantCulture, $"{kernel.Key.Source}: {kernel.Key.Defines}: {string.Join(' ', kernel.Distinct().Order().Select(c => $"{c.Major}.{c.Minor}"))}"))
        .Order(StringComparer.Ordinal);

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static (int, int) Capability(string text) => text.Split('.') is [var major, var minor]
        ? (int.Parse(major, CultureInfo.InvariantCulture), int.Parse(minor, CultureInfo.InvariantCulture))
        : throw new FormatException($"'{text}' is not a compute capability.");
}

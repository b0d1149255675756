using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Qwen3Next.AI.Cuda;

/// <summary>CUDA C++ text with the headers that it includes, directly or through one another, by name.</summary>
internal sealed partial record KernelSource(string Name, string Text, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>
    /// Reads a source that is embedded in the library. <c>#include "name.cuh"</c> means a file of the source's own folder or of <c>Ops/Shared</c>.
    /// </summary>
    /// <param name="path">Path from the project's folder, such as <c>Ops/Linear/linear.cu</c>.</param>
    public static KernelSource Embedded(string path)
    {
        var text = Read(path) ?? throw new ArgumentException($"No kernel source '{path}' is embedded.", nameof(path));
        var folder = path[..path.LastIndexOf('/')];
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        AddIncluded(text);
        return new KernelSource(path, text, headers);

        void AddIncluded(string includer)
        {
            foreach (Match include in Include().Matches(includer))
            {
                var name = include.Groups["name"].Value;
                if (headers.ContainsKey(name)) continue;
                var header = Read($"{folder}/{name}") ?? Read($"Ops/Shared/{name}")
                    ?? throw new ArgumentException($"'{path}' includes '{name}', which is embedded neither in {folder} nor in Ops/Shared.", nameof(path));
                headers.Add(name, header);
                AddIncluded(header);
            }
        }
    }

    /// <summary>Names what a compiler makes of this source: equal only where everything is that decides the result.</summary>
    /// <param name="options">Of the compilation.</param>
    /// <param name="compiler">Its version.</param>
    public string Key(string[] options, string compiler)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] parts = [compiler, Text, .. Headers.SelectMany(header => new[] { header.Key, header.Value }), .. options];
        foreach (var part in parts)
        {
            // With their lengths, so that no two lists of parts look alike.
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string? Read(string path)
    {
        using var stream = typeof(KernelSource).Assembly.GetManifestResourceStream(path);
        if (stream is null) return null;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex("""^\s*#include\s+"(?<name>[^"]+)"\s*$""", RegexOptions.Multiline)]
    private static partial Regex Include();
}

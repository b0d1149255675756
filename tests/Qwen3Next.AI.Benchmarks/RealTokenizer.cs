using System.IO.Compression;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>The vocabulary of the Qwen3 family, where its file is on this machine.</summary>
internal static class RealTokenizer
{
    public static void Use(Action<Tokenizer> measure)
    {
        if (Find("shared/data/qwen3-tokenizer.json.gz") is not { } file || Find("Qwen3Next.AI.sln") is null)
        {
            Console.WriteLine("| tokenizer | the real vocabulary is not on this machine |");
            return;
        }
        var folder = Path.Combine(Path.GetTempPath(), $"qwen3next-tokenizer-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            using (var source = new GZipStream(File.OpenRead(file), CompressionMode.Decompress))
            using (var target = File.Create(Path.Combine(folder, "tokenizer.json")))
                source.CopyTo(target);
            measure(Tokenizer.Load(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A file of this checkout, or beside it.</summary>
    public static string? Find(string relative)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, relative) is var path && File.Exists(path)) return path;
        return null;
    }
}

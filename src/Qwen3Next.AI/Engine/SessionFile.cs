using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Qwen3Next.AI.Cache;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// A saved prefix as a file: a signature, the name of what computed it, the tokens, then states, keys and values as they lie in the cache. A file
/// fits the model and the cache types that wrote it and no others.
/// </summary>
internal static class SessionFile
{
    private const int MaxNameBytes = 1 << 16;
    private static readonly byte[] s_signature = Encoding.ASCII.GetBytes("Q3NSESS1");

    /// <summary>Writes the file; it takes its name only when it is complete.</summary>
    public static void Save(string path, string model, SavedPrefix prefix)
    {
        var part = path + ".part";
        using (var stream = new FileStream(part, FileMode.Create, FileAccess.Write))
        {
            var name = Encoding.UTF8.GetBytes(model);
            stream.Write(s_signature);
            WriteInt(stream, name.Length);
            stream.Write(name);
            WriteInt(stream, prefix.CanDraft ? 1 : 0);
            WriteInt(stream, prefix.Tokens.Length);
            stream.Write(MemoryMarshal.AsBytes(prefix.Tokens.AsSpan()));
            stream.Write(MemoryMarshal.AsBytes(prefix.Image.Content.AsSpan()));
        }
        File.Move(part, path, overwrite: true);
    }

    /// <param name="path">The file.</param>
    /// <param name="model">What computes now.</param>
    /// <param name="vocabularySize">Token ids lie below.</param>
    /// <param name="imageBytes">Bytes of states, keys and values for a number of tokens.</param>
    /// <exception cref="Qwen3NextException">It is no session file, damaged, or of another model.</exception>
    public static SavedPrefix Load(string path, string model, int vocabularySize, Func<int, long> imageBytes)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        try
        {
            var signature = new byte[s_signature.Length];
            stream.ReadExactly(signature);
            if (!signature.AsSpan().SequenceEqual(s_signature)) throw Damaged(path, "it is no session file of this version");
            var name = new byte[ReadInt(stream, path, 0, MaxNameBytes)];
            stream.ReadExactly(name);
            if (Encoding.UTF8.GetString(name) is var other && other != model)
                throw new Qwen3NextException($"{path} is a session of '{other}' and cannot be used by '{model}'. Load it with the model and options that wrote it.");
            var canDraft = ReadInt(stream, path, 0, 1) == 1;
            var tokens = new int[ReadInt(stream, path, 1, (int)Math.Min(int.MaxValue, stream.Length / sizeof(int)))];
            stream.ReadExactly(MemoryMarshal.AsBytes(tokens.AsSpan()));
            if (tokens.AsSpan().ContainsAnyExceptInRange(0, vocabularySize - 1)) throw Damaged(path, "it has token ids outside the vocabulary");
            var bytes = imageBytes(tokens.Length);
            if (stream.Length - stream.Position != bytes) throw Damaged(path, $"{stream.Length - stream.Position} bytes follow the tokens where {bytes} belong");
            var image = new CacheImage(bytes);
            stream.ReadExactly(MemoryMarshal.AsBytes(image.Content.AsSpan()));
            return new SavedPrefix(tokens, canDraft, image);
        }
        catch (EndOfStreamException)
        {
            throw Damaged(path, "it is cut off");
        }
    }

    private static Qwen3NextException Damaged(string path, string fault) => new($"{path} cannot be restored: {fault}. Save the session again.");

    private static void WriteInt(Stream stream, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static int ReadInt(Stream stream, string path, int least, int most)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        stream.ReadExactly(bytes);
        var value = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return value >= least && value <= most ? value : throw Damaged(path, $"a length is {value}");
    }
}

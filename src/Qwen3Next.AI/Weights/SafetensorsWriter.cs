using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Qwen3Next.AI.Weights;

/// <summary>Announces one tensor of a file.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">F64, F32, F16, BF16, F8_E4M3, I64, I32 or U8.</param>
/// <param name="Shape">Outermost dimension first; each 0 or more.</param>
public sealed record SafetensorsTensor(string Name, string Type, IReadOnlyList<long> Shape)
{
    internal long Bytes => Shape.All(d => d >= 0)
        ? Shape.Aggregate(ElementBytes, (product, d) => checked(product * d))
        : throw new ArgumentException($"{Name} has the shape [{string.Join(", ", Shape)}]; dimensions must be 0 or more.");

    private long ElementBytes => Type switch
    {
        "F64" or "I64" => 8,
        "F32" or "I32" => 4,
        "F16" or "BF16" => 2,
        "F8_E4M3" or "U8" => 1,
        _ => throw new ArgumentException($"{Name} has the type {Type}; F64, F32, F16, BF16, F8_E4M3, I64, I32 and U8 can be written."),
    };
}

/// <summary>
/// Writes a safetensors file of any size in one pass: the tensors are announced first, then their values follow in the same order, in
/// pieces of any length. The file takes its name only when it is complete. For one thread.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly string _path;
    private readonly FileStream _stream;
    private long _missing;
    private bool _done;

    /// <summary>Starts the file.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="tensors">All tensors, in the order in which their values will come.</param>
    /// <exception cref="ArgumentException">A name occurs twice, a type is unknown or a dimension negative.</exception>
    public SafetensorsWriter(string path, params IReadOnlyList<SafetensorsTensor> tensors)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var header = Header(tensors, out _missing);
        _path = path;
        _stream = new FileStream(PartPath, FileMode.Create, FileAccess.Write);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        _stream.Write(length);
        _stream.Write(header);
    }

    private string PartPath => _path + ".part";

    /// <summary>Appends values, little-endian as in memory.</summary>
    /// <typeparam name="T">A type of the announced element size, such as float for F32 or ushort for BF16.</typeparam>
    /// <exception cref="InvalidOperationException">More values than announced.</exception>
    public void Write<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var remaining = _missing;
        while (!values.IsEmpty)
        {
            var piece = values[..Math.Min(values.Length, 1 << 20)];
            var bytes = MemoryMarshal.AsBytes(piece);
            if (bytes.Length > remaining)
                throw new InvalidOperationException($"{_path}: {bytes.Length - remaining} bytes more than the announced tensors hold.");
            _stream.Write(bytes);
            remaining -= bytes.Length;
            values = values[piece.Length..];
        }
        _missing = remaining;
    }

    /// <summary>Closes the file and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">Values are missing.</exception>
    public void Complete()
    {
        if (_missing > 0) throw new InvalidOperationException($"{_path}: {_missing} bytes of the announced tensors were not written.");
        _stream.Dispose();
        File.Move(PartPath, _path, overwrite: true);
        _done = true;
    }

    /// <summary>Removes what was written unless it is complete.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        if (!_done) File.Delete(PartPath);
    }

    private static byte[] Header(IReadOnlyList<SafetensorsTensor> tensors, out long dataBytes)
    {
        using var memory = new MemoryStream();
        using var json = new Utf8JsonWriter(memory);
        var names = new HashSet<string>(StringComparer.Ordinal);
        dataBytes = 0;
        json.WriteStartObject();
        foreach (var tensor in tensors)
        {
            if (!names.Add(tensor.Name)) throw new ArgumentException($"The tensor {tensor.Name} is announced twice.", nameof(tensors));
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.Type);
            WriteNumbers(json, "shape", tensor.Shape);
            WriteNumbers(json, "data_offsets", [dataBytes, dataBytes + tensor.Bytes]);
            json.WriteEndObject();
            dataBytes = checked(dataBytes + tensor.Bytes);
        }
        json.WriteEndObject();
        json.Flush();
        while (memory.Length % 8 != 0) memory.WriteByte((byte)' '); // values start aligned
        return memory.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}

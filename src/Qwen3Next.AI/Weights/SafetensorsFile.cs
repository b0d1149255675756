using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Weights;

/// <summary>
/// One safetensors file, mapped read-only. Tensors point into the map, so nothing is read before it is used. A file that another process
/// shortens while it is mapped ends this process; the format offers no defence.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly byte* _data;

    private SafetensorsFile(
        string path, MemoryMappedFile map, MemoryMappedViewAccessor view, Dictionary<string, SafetensorsEntry> entries, long headerBytes)
    {
        Path = path;
        _map = map;
        _view = view;
        _entries = entries;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _data = start + view.PointerOffset + headerBytes;
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <exception cref="CheckpointException">The file cannot be read or its header does not hold.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var (entries, headerBytes) = ReadHeader(path, stream);
            var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new SafetensorsFile(path, map, map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read), entries, headerBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A view of a tensor; valid until this file is disposed.</summary>
    /// <exception cref="CheckpointException">The element type or rank is one that the engine does not compute with.</exception>
    public bool TryGet(string name, out Tensor tensor)
    {
        tensor = default;
        if (!_entries.TryGetValue(name, out var entry)) return false;
        DType type = entry.TypeName switch
        {
            "BF16" => DType.BF16,
            "F16" => DType.F16,
            "F32" => DType.F32,
            "F8_E4M3" => DType.F8E4M3,
            _ => throw new CheckpointException($"{Path}: tensor {name} has type {entry.TypeName}; BF16, F16, F32 and F8_E4M3 are supported."),
        };
        if (entry.Dimensions.Length > 4 || entry.Dimensions.Any(d => d > int.MaxValue))
            throw new CheckpointException($"{Path}: tensor {name} is {entry}; up to 4 dimensions below 2^31 are supported.");
        tensor = new Tensor((nint)(_data + entry.Begin), type, new Shape(Array.ConvertAll(entry.Dimensions, d => (int)d)));
        return true;
    }

    /// <summary>The bytes of a tensor of any type; at most 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var entry = _entries[name];
        return new ReadOnlySpan<byte>(_data + entry.Begin, checked((int)(entry.End - entry.Begin)));
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private static (Dictionary<string, SafetensorsEntry> Entries, long HeaderBytes) ReadHeader(string path, FileStream stream)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8)
            throw new CheckpointException($"{path} has {stream.Length} bytes; a safetensors file has at least 8. Download it again.");
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        var limit = Math.Min(SafetensorsHeader.LargestHeader, stream.Length - 8);
        if (length > (ulong)limit)
            throw new CheckpointException(
                $"{path} announces a header of {length} bytes, but at most {limit} are possible; it is truncated or no safetensors file.");
        var header = new byte[(int)length];
        stream.ReadExactly(header);
        return (SafetensorsHeader.Parse(path, header, stream.Length - 8 - (long)length), 8 + (long)length);
    }
}

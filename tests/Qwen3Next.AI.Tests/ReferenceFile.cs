using System.Runtime.InteropServices;
using System.Text.Json;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>A safetensors file read whole and without our own reader, so that reference data does not depend on the code under test.</summary>
internal sealed class ReferenceFile
{
    private readonly byte[] _bytes;
    private readonly JsonElement _header;
    private readonly int _data;

    public ReferenceFile(string path)
    {
        _bytes = File.ReadAllBytes(path);
        _data = 8 + (int)BitConverter.ToInt64(_bytes);
        _header = JsonDocument.Parse(_bytes.AsMemory(8, _data - 8)).RootElement;
    }

    public int Prompts => Enumerable.Range(0, 100).Count(i => Has($"prompt{i}.ids"));

    public bool Has(string name) => _header.TryGetProperty(name, out _);

    public float[] Floats(string name) => Values<float>(name, "F32");

    /// <summary>A BF16 tensor, widened: its numbers are the upper halves of floats.</summary>
    public float[] Bf16s(string name) => [.. Values<ushort>(name, "BF16").Select(bits => BitConverter.Int32BitsToSingle(bits << 16))];

    public int[] Ints(string name) => Values<int>(name, "I32");

    private T[] Values<T>(string name, string type) where T : struct
    {
        var entry = _header.GetProperty(name);
        Assert.Equal(type, entry.GetProperty("dtype").GetString());
        var offsets = entry.GetProperty("data_offsets");
        int start = _data + offsets[0].GetInt32(), end = _data + offsets[1].GetInt32();
        return MemoryMarshal.Cast<byte, T>(_bytes.AsSpan(start, end - start)).ToArray();
    }
}

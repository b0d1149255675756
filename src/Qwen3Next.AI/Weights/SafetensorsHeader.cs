using System.Text;
using System.Text.Json;

namespace Qwen3Next.AI.Weights;

/// <summary>Where a tensor lies in its file, as the header says it. Offsets count from the end of the header.</summary>
/// <param name="TypeName">The file's own name of the element type, such as "BF16".</param>
/// <param name="Dimensions">Outermost first.</param>
/// <param name="Begin">First byte.</param>
/// <param name="End">One past the last byte.</param>
internal sealed record SafetensorsEntry(string TypeName, long[] Dimensions, long Begin, long End)
{
    public override string ToString() => $"{TypeName} [{string.Join(", ", Dimensions)}]";
}

/// <summary>Reads and checks the JSON header of a safetensors file: every range lies inside the file and overlaps no other.</summary>
internal static class SafetensorsHeader
{
    /// <summary>The format's own limit.</summary>
    public const long LargestHeader = 100_000_000;

    private static readonly Dictionary<string, int> BitsPerElement = new(StringComparer.Ordinal)
    {
        ["F64"] = 64, ["I64"] = 64, ["U64"] = 64, ["F32"] = 32, ["I32"] = 32, ["U32"] = 32,
        ["BF16"] = 16, ["F16"] = 16, ["I16"] = 16, ["U16"] = 16,
        ["F8_E4M3"] = 8, ["F8_E5M2"] = 8, ["F8_E8M0"] = 8, ["I8"] = 8, ["U8"] = 8, ["BOOL"] = 8, ["F4"] = 4,
    };

    public static Dictionary<string, SafetensorsEntry> Parse(string file, ReadOnlySpan<byte> json, long dataBytes)
    {
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
            Expect(ref reader, JsonTokenType.StartObject, file);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                if (name == "__metadata__") SkipValue(ref reader);
                else if (!entries.TryAdd(name, ParseEntry(ref reader, file, name)))
                    throw new CheckpointException($"{file}: tensor {name} is listed twice.");
            }
            if (reader.Read()) throw new CheckpointException($"{file}: text follows the header's JSON object; the file is damaged.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException($"{file}: the header is not valid JSON: {e.Message} The file is damaged; download it again.", e);
        }
        CheckLayout(file, entries, dataBytes);
        return entries;
    }

    private static SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string file, string name)
    {
        string? type = null;
        long[]? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, $"{file}: tensor {name}");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype")) type = reader.Read() ? reader.GetString() : null;
            else if (reader.ValueTextEquals("shape")) shape = ParseNumbers(ref reader, $"{file}: shape of {name}");
            else if (reader.ValueTextEquals("data_offsets")) offsets = ParseNumbers(ref reader, $"{file}: data_offsets of {name}");
            else SkipValue(ref reader);
        }
        return type is not null && shape is not null && offsets is { Length: 2 }
            ? new SafetensorsEntry(type, shape, offsets[0], offsets[1])
            : throw new CheckpointException($"{file}: tensor {name} lacks dtype, shape or its two data_offsets.");
    }

    private static long[] ParseNumbers(ref Utf8JsonReader reader, string what)
    {
        var numbers = new List<long>();
        Expect(ref reader, JsonTokenType.StartArray, what);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (!reader.TryGetInt64(out var number) || number < 0)
                throw new CheckpointException($"{what} holds {Encoding.UTF8.GetString(reader.ValueSpan)}; whole numbers of 0 or more are expected.");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    private static void CheckLayout(string file, Dictionary<string, SafetensorsEntry> entries, long dataBytes)
    {
        foreach (var (name, entry) in entries)
        {
            var fault = FaultOf(entry, dataBytes);
            if (fault is not null) throw new CheckpointException($"{file}: tensor {name} {fault}.");
        }
        CheckOrder(file, entries, dataBytes);
    }

    private static string? FaultOf(SafetensorsEntry entry, long dataBytes)
    {
        if (entry.End < entry.Begin) return $"ends at byte {entry.End}, before its start {entry.Begin}";
        if (entry.End > dataBytes) return $"ends at byte {entry.End} of the data, but the file holds {dataBytes}: it is truncated, download it again";
        if (!BitsPerElement.TryGetValue(entry.TypeName, out var bits)) return $"has the unknown type {entry.TypeName}";
        var (expected, found) = (Size(entry.Dimensions, bits), entry.End - entry.Begin);
        return expected == (UInt128)found ? null : $"is {entry}, which needs {expected} bytes, but its offsets span {found}";
    }

    /// <summary>The format allows neither overlaps nor gaps; a gap means that header and data do not belong together.</summary>
    private static void CheckOrder(string file, Dictionary<string, SafetensorsEntry> entries, long dataBytes)
    {
        var end = 0L;
        foreach (var (name, entry) in entries.OrderBy(e => e.Value.Begin).ThenBy(e => e.Value.End))
        {
            if (entry.Begin < end)
                throw new CheckpointException($"{file}: tensor {name} starts at byte {entry.Begin}, inside the one before it, which ends at {end}.");
            if (entry.Begin > end)
                throw new CheckpointException($"{file}: bytes {end} to {entry.Begin} before tensor {name} belong to no tensor; the file is damaged.");
            end = entry.End;
        }
        if (end != dataBytes)
            throw new CheckpointException($"{file} holds {dataBytes} bytes of data, but its tensors end at {end}; the file is damaged.");
    }

    private static UInt128 Size(long[] dimensions, int bits)
    {
        UInt128 size = (UInt128)bits;
        foreach (var dimension in dimensions)
        {
            size *= (UInt128)dimension;
            if (size > long.MaxValue) return UInt128.MaxValue;
        }
        return (size + 7) / 8;
    }

    private static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type) throw new CheckpointException($"{what}: {type} expected, {reader.TokenType} found.");
    }
}

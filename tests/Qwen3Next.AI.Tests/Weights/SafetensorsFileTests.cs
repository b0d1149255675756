using System.Buffers.Binary;
using System.Text;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Weights;

public sealed class SafetensorsFileTests : IDisposable
{
    private const string Good = """
        {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TryGet_KnownTensors_PointAtTheirValues()
    {
        using var file = SafetensorsFile.Open(Save(Good, 32));
        Assert.Equal(["a", "b"], file.Entries.Keys.Order());
        Assert.True(file.TryGet("a", out var a));
        Assert.Equal((DType.F32, new Shape(2, 3)), (a.Type, a.Shape));
        Assert.True(file.TryGet("b", out var b));
        Assert.Equal(24, b.Address - a.Address);
        Assert.Equal((byte)25, file.Bytes("b")[1]);
        Assert.False(file.TryGet("c", out _));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", 8, "I64")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}}""", 4, "4 dimensions")]
    public void TryGet_WhatTheEngineCannotUse_ThrowsOnlyWhenAskedFor(string header, int data, string expected)
    {
        using var file = SafetensorsFile.Open(Save(header, data));
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => file.TryGet("a", out _)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Good, 31, "truncated")]
    [InlineData(Good, 33, "33 bytes of data")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8, "inside the one")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "before its start")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "shape of a holds -2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "data_offsets of a holds -8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "needs 12 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", 8, "4294967296")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}""", 8, "9223372036854775808")]
    [InlineData("""{"a":{"dtype":"Q3","shape":[2],"data_offsets":[0,8]}}""", 8, "unknown type Q3")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", 8, "lacks dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}""", 8, "listed twice")]
    [InlineData("""{"a":7}""", 0, "tensor a")]
    [InlineData("""[]""", 0, "StartObject expected")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_off""", 8, "not valid")]
    [InlineData("""{"a":{"dtype":"\ud800","shape":[2],"data_offsets":[0,8]}}""", 8, "not valid")]
    [InlineData("{} {}", 0, "not valid")]
    [InlineData("", 0, "not valid")]
    public void Open_DamagedHeader_NamesFileAndFault(string header, int data, string expected)
    {
        var path = Save(header, data);
        var message = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path)).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10L << 30)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(1000)]
    public void Open_ImpossibleHeaderLength_IsRefusedWithoutAllocatingIt(long length)
    {
        var path = Save(Good, 32, length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("announces a header", Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Open_TooShortForALength_IsRefused(int bytes)
    {
        File.WriteAllBytes(_folder.File("short"), new byte[bytes]);
        Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File("short")));
    }

    [Fact]
    public void Open_NoSuchFile_IsRefused() => Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(_folder.File("absent")));

    [Fact]
    public void Open_RandomlyDamaged_IsRefusedOrStaysInside()
    {
        var good = File.ReadAllBytes(Save(Good, 32));
        var random = new Random(7);
        int refused = 0, opened = 0;
        for (var i = 0; i < 1000; i++)
        {
            var bytes = good.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (i % 10 == 0) bytes = bytes[..random.Next(bytes.Length)];
            var path = _folder.File("damaged");
            File.WriteAllBytes(path, bytes);
            try
            {
                using var file = SafetensorsFile.Open(path);
                opened++;
                foreach (var (name, entry) in file.Entries)
                {
                    var header = 8 + BinaryPrimitives.ReadInt64LittleEndian(bytes);
                    Assert.True(entry.Begin >= 0 && entry.End <= bytes.Length - header);
                    Assert.True(file.Bytes(name).SequenceEqual(bytes.AsSpan()[(int)(header + entry.Begin)..(int)(header + entry.End)]));
                }
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }
        Assert.True(refused > 300 && opened > 30, $"{refused} refused, {opened} opened");
    }

    private string Save(string header, int data, long? length = null)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length ?? json.Length);
        json.CopyTo(bytes, 8);
        for (var i = 0; i < data; i++) bytes[8 + json.Length + i] = (byte)i;
        var path = _folder.File("model.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}

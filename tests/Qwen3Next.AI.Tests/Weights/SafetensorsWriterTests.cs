using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Weights;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_SeveralTensorsInPieces_ReadsBack()
    {
        var path = _folder.File("out.safetensors");
        using (var writer = new SafetensorsWriter(path, new("logits", "F32", [2, 2]), new("ids \"x\"", "I64", [3]), new("none", "F32", [0, 5])))
        {
            writer.Write<float>([1, 2, 3]);
            writer.Write<float>([4]);
            writer.Write<long>([5, -6, 7]);
            writer.Complete();
        }
        using var file = SafetensorsFile.Open(path);
        Assert.True(file.TryGet("logits", out var logits));
        Assert.Equal(new Shape(2, 2), logits.Shape);
        Assert.Equal(0, logits.Address % 8);
        Assert.Equal([1, 2, 3, 4], logits.AsSpan().ToArray());
        Assert.Equal([5, -6, 7], System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(file.Bytes("ids \"x\"")).ToArray());
        Assert.Equal([0, 5], file.Entries["none"].Dimensions);
    }

    [Fact]
    public void Dispose_BeforeComplete_LeavesTheOldFileAlone()
    {
        var path = _folder.File("out.safetensors");
        File.WriteAllText(path, "old");
        using (var writer = new SafetensorsWriter(path, new SafetensorsTensor("x", "F32", [2])))
        {
            writer.Write<float>([1]);
            Assert.Throws<InvalidOperationException>(writer.Complete);
            Assert.Throws<InvalidOperationException>(() => writer.Write<float>([1, 2]));
        }
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Create_BadAnnouncement_Throws()
    {
        var path = _folder.File("out.safetensors");
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(path, new("x", "F32", [1]), new("x", "F32", [1])));
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(path, new SafetensorsTensor("x", "F31", [1])));
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(path, new SafetensorsTensor("x", "F32", [-1])));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}

using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;

namespace Qwen3Next.AI.Weights;

/// <summary>
/// Made-up weights of any model shape for measuring speed: values are spread as in a trained model and depend on the tensor's name and the
/// element's index alone, so that every run and every number of threads gives the same model.
/// </summary>
internal sealed unsafe class DummyWeights : ICheckpoint
{
    private const int Alignment = 64, BlockElements = 1 << 20, PerHash = 8;

    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly NativeBuffer _memory;

    /// <param name="specs">The tensors of the model.</param>
    /// <param name="float8">Large matrices in FP8 with block scales; everything else, or everything, is BF16.</param>
    public DummyWeights(IEnumerable<TensorSpec> specs, bool float8 = false)
    {
        var parts = specs.SelectMany(spec => Parts(spec, float8)).ToArray();
        _memory = new NativeBuffer(parts.Sum(p => Padded(p.Type, p.Shape)), clear: false);
        var blocks = new List<(Part Part, Tensor Tensor, long Start)>();
        var address = _memory.Address;
        foreach (var part in parts)
        {
            var tensor = new Tensor(address, part.Type, part.Shape);
            _tensors.Add(part.Name, tensor);
            for (var start = 0L; start < part.Shape.Elements; start += BlockElements) blocks.Add((part, tensor, start));
            address += (nint)Padded(part.Type, part.Shape);
        }
        Parallel.ForEach(blocks, b => Fill(b.Part, b.Tensor, b.Start, Math.Min(b.Start + BlockElements, b.Part.Shape.Elements)));
    }

    private sealed record Part(string Name, DType Type, Shape Shape, ushort[] Values);

    public string Name => "dummy weights";

    public IReadOnlyCollection<string> TensorNames => _tensors.Keys;

    public string FileOf(string tensor) => Name;

    public bool TryGet(string name, out Tensor tensor) => _tensors.TryGetValue(name, out tensor);

    public void Dispose() => _memory.Dispose();

    private static IEnumerable<Part> Parts(TensorSpec spec, bool float8)
    {
        if (float8 && spec.Role.MayBeFloat8())
        {
            yield return new Part(spec.Name, DType.F8E4M3, spec.Shape, DummyDistribution.Float8Codes);
            yield return new Part(spec.Name + "_scale_inv", DType.BF16, Float8Blocks.ScaleShape(spec.Shape), DummyDistribution.Float8Scales);
        }
        else
        {
            yield return new Part(spec.Name, DType.BF16, spec.Shape, DummyDistribution.Of(spec.Role));
        }
    }

    private static long Padded(DType type, Shape shape) => (shape.Elements * type.Size() + Alignment - 1) / Alignment * Alignment;

    /// <summary>One hash yields eight elements: each of its bytes picks one of the 256 values of the distribution.</summary>
    private static void Fill(Part part, Tensor tensor, long start, long end)
    {
        var seed = Seed(part.Name);
        fixed (ushort* values = part.Values)
        {
            for (var i = start; i < end; i += PerHash)
            {
                var hash = Mix(seed + (ulong)(i / PerHash));
                ulong low = Four(values, (uint)hash), high = Four(values, (uint)(hash >> 32));
                // The padding behind each tensor takes what the last hash yields too much.
                if (part.Type == DType.F8E4M3) *(ulong*)(tensor.Address + i) = Narrow(low) | Narrow(high) << 32;
                else (*(ulong*)(tensor.Address + 2 * i), *(ulong*)(tensor.Address + 2 * i + 8)) = (low, high);
            }
        }
    }

    private static ulong Four(ushort* values, uint picks) =>
        values[(byte)picks] | (ulong)values[(byte)(picks >> 8)] << 16 | (ulong)values[(byte)(picks >> 16)] << 32 | (ulong)values[picks >> 24] << 48;

    /// <summary>The low bytes of four 16-bit values, side by side.</summary>
    private static ulong Narrow(ulong four)
    {
        four = (four | four >> 8) & 0x0000FFFF0000FFFF;
        return (four | four >> 16) & 0xFFFFFFFF;
    }

    private static ulong Seed(string name)
    {
        var seed = 0UL;
        foreach (var c in name) seed = Mix(seed ^ c);
        return seed;
    }

    /// <summary>A bijection of 64 bits that spreads every input bit over all output bits.</summary>
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93;
        x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93;
        return x ^ (x >> 32);
    }
}

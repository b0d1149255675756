using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>The row order of the DeltaNet projections (specification, section 2.2).</summary>
internal static unsafe class RowGroups
{
    /// <summary>
    /// Source rows: group 0 part 0, group 0 part 1, ..., group 1 part 0, ... Destination rows: part 0 of all groups, part 1 of all groups, ...
    /// </summary>
    public static void Regroup(Tensor source, Tensor destination, int groups, ReadOnlySpan<int> parts)
    {
        var rowBytes = source.Bytes / source.Shape[0];
        var groupRows = 0;
        foreach (var part in parts) groupRows += part;
        int partStart = 0, target = 0;
        foreach (var part in parts)
        {
            for (var g = 0; g < groups; g++)
            {
                var from = (byte*)source.Address + ((long)g * groupRows + partStart) * rowBytes;
                Buffer.MemoryCopy(from, (byte*)destination.Address + target * rowBytes, part * rowBytes, part * rowBytes);
                target += part;
            }
            partStart += part;
        }
    }
}

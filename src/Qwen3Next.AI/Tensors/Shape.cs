namespace Qwen3Next.AI.Tensors;

/// <summary>Up to four dimensions, row-major, outermost first. A value type, so that views cost nothing.</summary>
internal readonly record struct Shape
{
    private readonly int _d0, _d1, _d2, _d3;

    public Shape(params ReadOnlySpan<int> dimensions)
    {
        if (dimensions.Length > 4) throw new ArgumentException($"a tensor has at most 4 dimensions, not {dimensions.Length}", nameof(dimensions));
        Rank = dimensions.Length;
        if (Rank > 0) _d0 = dimensions[0];
        if (Rank > 1) _d1 = dimensions[1];
        if (Rank > 2) _d2 = dimensions[2];
        if (Rank > 3) _d3 = dimensions[3];
    }

    public int Rank { get; }

    public int this[int index] => index switch { 0 when Rank > 0 => _d0, 1 when Rank > 1 => _d1, 2 when Rank > 2 => _d2, 3 when Rank > 3 => _d3,
        _ => throw new ArgumentOutOfRangeException(nameof(index)) };

    public long Elements
    {
        get
        {
            long product = 1;
            for (var i = 0; i < Rank; i++) product *= this[i];
            return product;
        }
    }

    /// <summary>As in "[128, 64]".</summary>
    public override string ToString()
    {
        var parts = new int[Rank];
        for (var i = 0; i < Rank; i++) parts[i] = this[i];
        return $"[{string.Join(", ", parts)}]";
    }
}

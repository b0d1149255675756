namespace Qwen3Next.AI.Engine;

/// <summary>
/// Positions of a prompt whose prefixes are worth keeping: those that the request names, multiples of an interval, and where the prompt parts
/// from one that is known.
/// </summary>
/// <param name="promptLength">Positions from here on are not boundaries.</param>
/// <param name="interval">Tokens.</param>
/// <param name="asked">Those of the request, ascending.</param>
internal sealed class PrefixBoundaries(int promptLength, int interval, int[] asked)
{
    /// <summary>The boundaries of a request.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Those it names do not ascend or lie outside its prompt.</exception>
    public static PrefixBoundaries Of(GenerationRequest request, int interval)
    {
        var length = request.Prompt.Length;
        if (request.SharedPrefixes is not { } named) return new PrefixBoundaries(length, interval, [length - 1]);
        for (var i = 0; i < named.Count; i++)
            if (named[i] <= (i > 0 ? named[i - 1] : 0) || named[i] >= length)
                throw new ArgumentOutOfRangeException(nameof(request), named[i], $"SharedPrefixes must ascend and lie within 1 and {length - 1}, the prompt's tokens less one.");
        return new PrefixBoundaries(length, interval, [.. named]);
    }

    /// <summary>Where the prompt parts from a known one; 0 where it does not.</summary>
    public int Branch { get; set; }

    /// <summary>The first boundary after a position; int.MaxValue where there is none.</summary>
    public int After(int position)
    {
        var next = (position / interval + 1) * interval;
        if (Branch > position) next = Math.Min(next, Branch);
        foreach (var boundary in asked)
            if (boundary > position) next = Math.Min(next, boundary);
        return next < promptLength ? next : int.MaxValue;
    }

    public bool Contains(int position) => After(position - 1) == position;
}

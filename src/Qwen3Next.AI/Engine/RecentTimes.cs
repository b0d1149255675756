namespace Qwen3Next.AI.Engine;

/// <summary>The last few times that were measured for each key, a size such as a number of rows. A few that the system held up, or that kernels were loaded in, do not count.</summary>
/// <param name="keys">Keys are below this.</param>
internal sealed class RecentTimes(int keys)
{
    /// <summary>Measurements that make a key known.</summary>
    public const int Needed = 5;

    private const int Kept = 9;

    private readonly double[] _seconds = new double[keys * Kept];
    private readonly int[] _counts = new int[keys];

    public void Add(int key, double seconds) => _seconds[key * Kept + _counts[key]++ % Kept] = seconds;

    /// <summary>The median of a key, or of the nearest known one within an eighth of it; NaN where none is known.</summary>
    public double Median(int key)
    {
        for (var distance = 0; distance <= key / 8; distance++)
        {
            if (IsKnown(key - distance)) return MedianOf(key - distance);
            if (IsKnown(key + distance)) return MedianOf(key + distance);
        }
        return double.NaN;
    }

    private bool IsKnown(int key) => key < keys && _counts[key] >= Needed;

    private double MedianOf(int key)
    {
        Span<double> sorted = stackalloc double[Kept];
        sorted = sorted[..Math.Min(Kept, _counts[key])];
        _seconds.AsSpan(key * Kept, sorted.Length).CopyTo(sorted);
        sorted.Sort();
        return sorted[(sorted.Length - 1) / 2];
    }
}

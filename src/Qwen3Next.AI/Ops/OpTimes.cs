namespace Qwen3Next.AI.Ops;

/// <summary>Adds up marks of a device's clock and the work between them, family by family.</summary>
internal sealed class OpTimes(IBackend backend)
{
    private readonly List<Qwen3NextOpTime> _calls = [];

    /// <summary>Issues one op and notes when it ends and what it moves and computes.</summary>
    public void Time(string family, double bytes, double operations, Action op)
    {
        if (_calls.Count == 0) backend.Mark();
        op();
        backend.Mark();
        _calls.Add(new Qwen3NextOpTime(family, 1, TimeSpan.Zero, bytes, operations));
    }

    /// <summary>Sums by family, the slowest first; starts anew.</summary>
    public IReadOnlyList<Qwen3NextOpTime> Take()
    {
        var seconds = backend.TakeMarks();
        var sums = _calls.Zip(seconds, (call, time) => call with { Time = TimeSpan.FromSeconds(time) }).GroupBy(call => call.Family)
            .Select(group => new Qwen3NextOpTime(group.Key, group.Count(), TimeSpan.FromSeconds(group.Sum(c => c.Time.TotalSeconds)),
                group.Sum(c => c.Bytes), group.Sum(c => c.Operations)))
            .OrderByDescending(sum => sum.Time).ToList();
        _calls.Clear();
        return sums;
    }
}

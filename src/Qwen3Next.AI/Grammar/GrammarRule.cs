namespace Qwen3Next.AI.Grammar;

/// <summary>
/// A part of a grammar that others call, from <see cref="Start"/> to <see cref="End"/>, <see cref="Least"/> to <see cref="Most"/> times in a row.
/// The body of a repeated rule must not be empty.
/// </summary>
internal sealed class GrammarRule(int start, int end, int least, int most)
{
    public int Start { get; } = start;

    public int End { get; } = end;

    /// <summary>1 or more; a caller that may do without goes around the call.</summary>
    public int Least { get; } = least;

    /// <summary><see cref="int.MaxValue"/> where there is no limit.</summary>
    public int Most { get; } = most;

    public bool IsRepeated => Most > 1;

    /// <summary>The state at the start of the body; set when the grammar is compiled.</summary>
    public LocalState Entry { get; set; } = LocalState.Dead;
}

/// <summary>What an edge of the graph consumes.</summary>
internal enum EdgeKind
{
    Empty,
    Byte,
    Token,
    Call,
}

/// <summary>A way from one position to another.</summary>
/// <param name="Kind">What it consumes.</param>
/// <param name="Low">First byte of the range, or the id of the added token.</param>
/// <param name="High">Last byte of the range.</param>
/// <param name="Rule">What is called.</param>
/// <param name="Target">Where it leads.</param>
internal readonly record struct GrammarEdge(EdgeKind Kind, int Low, int High, GrammarRule? Rule, int Target);

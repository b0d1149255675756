namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Reads bytes and added tokens by a grammar and can take them back. A text may be read in several ways at once; each is a thread: a state in a
/// rule, how often the rule was completed in this row, and the calls around it. For one thread of execution; allocates only to grow.
/// </summary>
internal sealed class PushdownParse(LocalStates states)
{
    /// <summary>Most calls within each other. JSON readers refuse texts that nest deeper.</summary>
    public const int MaxDepth = 64;

    /// <summary>No call: the rule's end is the end of the text.</summary>
    public const int NoFrame = 0;

    /// <summary>Calls that are not known, below the rule that a reading began in.</summary>
    public const int Outside = -1;

    private Frame[] _frames = new Frame[64];
    private ParseThread[] _threads = new ParseThread[64];
    private Level[] _levels = new Level[64];
    private int _frameCount = 1;
    private int _levelCount;
    private int _outsideDepth;

    private struct Level
    {
        public int First, End, FirstFrame;
        public bool Complete, Escaped, TakesInput;
    }

    private readonly record struct Frame(LocalState Return, int Count, int Parent, int Depth);

    /// <summary>Readings that are alive.</summary>
    public ReadOnlySpan<ParseThread> Threads => _threads.AsSpan(Top.First, Top.End - Top.First);

    /// <summary>The text may end here.</summary>
    public bool Complete => Top.Complete;

    /// <summary>The rule that the reading began in may end here; what follows is for its unknown callers to say.</summary>
    public bool Escaped => Top.Escaped;

    /// <summary>Something may follow without leaving the rule that the reading began in.</summary>
    public bool TakesInput => Top.TakesInput;

    /// <summary>Steps that can be taken back, and one.</summary>
    public int Levels => _levelCount;

    /// <summary>The most calls, here and on the way to the rule's end, that any reading has needed since the start.</summary>
    public int Reach { get; private set; }

    private ref Level Top => ref _levels[_levelCount - 1];

    /// <summary>Starts at the beginning of a text.</summary>
    public void Begin(GrammarRule root)
    {
        Reset(outsideDepth: 0);
        Add(root.Entry, 0, NoFrame);
    }

    /// <summary>Starts with one reading alone, without the calls that it makes before it reads anything.</summary>
    /// <param name="state">Where the reading begins.</param>
    /// <param name="count">Repetitions of its rule that are complete.</param>
    /// <param name="stack"><see cref="NoFrame"/> or <see cref="Outside"/>.</param>
    /// <param name="outsideDepth">How deep the unknown calls nest.</param>
    public void BeginWithin(LocalState state, int count, int stack, int outsideDepth)
    {
        Reset(outsideDepth);
        _threads[Top.End++] = new ParseThread(state, count, stack);
    }

    /// <summary>Reads a byte; where no reading allows it, nothing changes.</summary>
    public bool Step(byte value)
    {
        var (first, end) = (Top.First, Top.End);
        Open(end);
        for (var i = first; i < end; i++)
        {
            var thread = _threads[i];
            var next = thread.State.Next[value] ?? states.Resolve(thread.State, value);
            if (next != LocalState.Dead) Add(next, thread.Count, thread.Stack);
        }
        return Keep();
    }

    /// <summary>Reads an added token; where no reading allows it, nothing changes.</summary>
    public bool StepToken(int token)
    {
        var (first, end) = (Top.First, Top.End);
        Open(end);
        for (var i = first; i < end; i++)
        {
            var thread = _threads[i];
            foreach (var (id, target) in thread.State.Tokens)
            {
                if (id == token) Add(target, thread.Count, thread.Stack);
            }
        }
        return Keep();
    }

    /// <summary>Leaves the rule of a thread, as a step of its own.</summary>
    public void Leave(int stack)
    {
        Open(Top.End);
        Return(stack);
    }

    /// <summary>Takes steps back until so many levels are left.</summary>
    public void Undo(int levels)
    {
        if (levels >= _levelCount) return;
        _frameCount = _levels[levels].FirstFrame;
        _levelCount = levels;
    }

    /// <summary>Forgets how the text came here, and the calls that have returned. Nothing before can be taken back.</summary>
    public void Forget()
    {
        var top = Top;
        _threads.AsSpan(top.First, top.End - top.First).CopyTo(_threads);
        (top.First, top.End, top.FirstFrame) = (0, top.End - top.First, 1);
        _levels[0] = top;
        _levelCount = 1;
        _frameCount = 1;
        // A call is always made after the one around it.
        foreach (var thread in Threads) _frameCount = Math.Max(_frameCount, thread.Stack + 1);
    }

    public int DepthOf(int stack) => stack switch
    {
        NoFrame => 0,
        Outside => _outsideDepth,
        _ => _frames[stack].Depth,
    };

    private void Reset(int outsideDepth)
    {
        (_levelCount, _frameCount, _outsideDepth, Reach) = (0, 1, outsideDepth, outsideDepth);
        Open(firstThread: 0);
    }

    private void Open(int firstThread)
    {
        if (_levelCount == _levels.Length) Array.Resize(ref _levels, 2 * _levelCount);
        _levels[_levelCount++] = new Level { First = firstThread, End = firstThread, FirstFrame = _frameCount };
    }

    private bool Keep()
    {
        if (Top.End > Top.First || Top.Complete || Top.Escaped) return true;
        Undo(_levelCount - 1);
        return false;
    }

    /// <summary>Adds a reading and all that it reaches without input: calls, and the way on where the rule may end.</summary>
    private void Add(LocalState state, int count, int stack)
    {
        var needed = DepthOf(stack) + state.Depth;
        Reach = Math.Max(Reach, needed);
        var thread = new ParseThread(state, count, stack);
        if (needed > MaxDepth || Threads.Contains(thread)) return;
        if (Top.End == _threads.Length) Array.Resize(ref _threads, 2 * _threads.Length);
        _threads[Top.End++] = thread;
        Top.TakesInput |= state.TakesInput;

        foreach (var call in state.Calls)
        {
            var after = DepthOf(stack) + call.Return.Depth;
            Reach = Math.Max(Reach, after);
            if (after <= MaxDepth) Add(call.Rule.Entry, 0, Push(call.Return, count, stack));
        }
        if (!state.AtEnd) return;
        var rule = state.Rule;
        if (count + 1 < rule.Most) Add(rule.Entry, count + 1, stack);
        if (count + 1 >= rule.Least) Return(stack);
    }

    private void Return(int stack)
    {
        if (stack == NoFrame) Top.Complete = true;
        else if (stack == Outside) Top.Escaped = true;
        else Add(_frames[stack].Return, _frames[stack].Count, _frames[stack].Parent);
    }

    // Readings that make the same call at the same byte share it; otherwise ambiguity would double with every call.
    private int Push(LocalState state, int count, int parent)
    {
        var frame = new Frame(state, count, parent, DepthOf(parent) + 1);
        var made = _frames.AsSpan(Top.FirstFrame, _frameCount - Top.FirstFrame).IndexOf(frame);
        if (made >= 0) return Top.FirstFrame + made;
        if (_frameCount == _frames.Length) Array.Resize(ref _frames, 2 * _frameCount);
        _frames[_frameCount] = frame;
        return _frameCount++;
    }
}

/// <summary>One reading of a text.</summary>
/// <param name="State">Where it stands in a rule.</param>
/// <param name="Count">How often the rule was completed before, in this row.</param>
/// <param name="Stack">The calls around it.</param>
internal readonly record struct ParseThread(LocalState State, int Count, int Stack);

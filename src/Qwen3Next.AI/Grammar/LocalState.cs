namespace Qwen3Next.AI.Grammar;

/// <summary>
/// A set of positions within one rule: where a reader may stand who does not know yet which of several ways the text takes. What lies outside
/// the rule does not belong to it, so a grammar has few of them however deep texts nest.
/// </summary>
internal sealed class LocalState
{
    /// <summary>No position at all.</summary>
    public static readonly LocalState Dead = new([], null);

    public LocalState(int[] positions, GrammarRule? rule) => (Positions, Rule) = (positions, rule!);

    /// <summary>In order, with everything that is reached without input.</summary>
    public int[] Positions { get; }

    public GrammarRule Rule { get; }

    /// <summary>Where each byte leads; null where nobody has asked yet.</summary>
    public LocalState?[] Next { get; } = new LocalState?[256];

    /// <summary>Calls made without reading anything.</summary>
    public LocalCall[] Calls { get; set; } = [];

    /// <summary>Added tokens that may follow, and where they lead.</summary>
    public (int Token, LocalState Target)[] Tokens { get; set; } = [];

    /// <summary>The rule's end is among the positions.</summary>
    public bool AtEnd { get; init; }

    /// <summary>Some byte or added token may follow without leaving or calling a rule.</summary>
    public bool TakesInput { get; init; }

    /// <summary>How many rules deep the shortest way to the rule's end calls.</summary>
    public int Depth { get; init; }
}

/// <summary>A call that a state makes without reading anything.</summary>
/// <param name="Rule">What is called.</param>
/// <param name="Return">Where the caller goes on.</param>
internal readonly record struct LocalCall(GrammarRule Rule, LocalState Return);

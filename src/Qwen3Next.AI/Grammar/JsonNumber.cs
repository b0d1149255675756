namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Numbers, bounded so that they end: at most <see cref="IntegerDigits"/> digits before the point, which a 64-bit integer holds, and
/// <see cref="FractionDigits"/> behind it. Only numbers without limits may have an exponent, of at most two digits.
/// </summary>
internal static class JsonNumber
{
    public const int IntegerDigits = 18;
    public const int FractionDigits = 17;

    /// <summary>Any number.</summary>
    public static void Add(GrammarGraph graph, int from, int to)
    {
        var digits = graph.Optional(from, "-");
        var whole = graph.Literal(digits, "0");
        Digits(graph, graph.Bytes(digits, '1', '9'), IntegerDigits - 1, whole);
        var end = graph.Position();
        Digits(graph, graph.Bytes(graph.Literal(whole, "."), '0', '9'), FractionDigits - 1, end);
        graph.Empty(whole, end);

        var exponent = graph.Position();
        graph.Bytes(end, 'e', 'e', exponent);
        graph.Bytes(end, 'E', 'E', exponent);
        var sign = graph.Optional(exponent, "-");
        graph.Bytes(exponent, '+', '+', sign);
        Digits(graph, graph.Bytes(sign, '0', '9'), 1, to);
        graph.Empty(end, to);
    }

    /// <summary>The numbers of a range; none where it is empty.</summary>
    public static void AddRange(GrammarGraph graph, int from, NumberRange range, bool integer, int to)
    {
        if (integer) range = range.Integers();
        var positive = range.From(0, excluded: false);
        // Zero has no sign.
        var negative = range.Negated().From(0, excluded: true);
        if (integer) negative = negative.Integers();
        if (positive.Least <= positive.Most) new MagnitudeGraph(graph, positive, integer, to).Add(from);
        if (negative.Least <= negative.Most) new MagnitudeGraph(graph, negative, integer, to).Add(graph.Literal(from, "-"));
    }

    /// <summary>Up to so many digits.</summary>
    private static void Digits(GrammarGraph graph, int from, int most, int to)
    {
        graph.Empty(from, to);
        for (var i = 0; i < most; i++) graph.Empty(from = graph.Bytes(from, '0', '9'), to);
    }
}

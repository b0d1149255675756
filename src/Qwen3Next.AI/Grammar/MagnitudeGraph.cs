using System.Globalization;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Numbers without sign between two limits, digit by digit. As long as all digits so far are those of a limit, the limit bounds the next digit; from
/// the first other digit on it is kept by itself.
/// </summary>
internal sealed class MagnitudeGraph
{
    private readonly GrammarGraph _graph;
    private readonly NumberRange _range;
    private readonly bool _integer;
    private readonly int _end;
    private readonly (string Whole, string Fraction) _least, _most;
    private readonly Dictionary<(int Length, int Digits, bool AtLeast, bool AtMost), int> _positions = [];

    /// <param name="graph">What is extended.</param>
    /// <param name="range">Limits of 0 or more.</param>
    /// <param name="integer">No point and no fraction.</param>
    /// <param name="end">Where the numbers end.</param>
    public MagnitudeGraph(GrammarGraph graph, NumberRange range, bool integer, int end)
    {
        (_graph, _range, _integer, _end) = (graph, range, integer, end);
        (_least, _most) = (Split(range.Least), Split(range.Most));
    }

    public void Add(int from)
    {
        for (var length = _least.Whole.Length; length <= Math.Min(_most.Whole.Length, JsonNumber.IntegerDigits); length++)
            AddWhole(from, length, 0, length == _least.Whole.Length, length == _most.Whole.Length);
    }

    private static (string Whole, string Fraction) Split(decimal value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        var point = text.IndexOf('.', StringComparison.Ordinal);
        return point < 0 ? (text, "") : (text[..point], text[(point + 1)..].TrimEnd('0'));
    }

    private void AddWhole(int from, int length, int digits, bool atLeast, bool atMost)
    {
        if (digits == length)
        {
            _graph.Empty(from, Fraction(0, atLeast, atMost));
            return;
        }
        var first = digits == 0 && length > 1 ? '1' : '0';
        AddDigits(from, atLeast ? _least.Whole[digits] : first, atMost ? _most.Whole[digits] : '9', atLeast, atMost, (low, high) =>
        {
            var (known, position) = Find(length, digits + 1, low, high);
            if (!known) AddWhole(position, length, digits + 1, low, high);
            return position;
        });
    }

    /// <summary>The position behind so many digits of the fraction; behind the whole part for 0.</summary>
    private int Fraction(int digits, bool atLeast, bool atMost)
    {
        var (known, position) = Find(0, digits, atLeast, atMost);
        if (known) return position;
        var isLeast = atLeast && digits >= _least.Fraction.Length;
        var isMost = atMost && digits >= _most.Fraction.Length;
        if ((!atLeast || (isLeast && !_range.LeastExcluded)) && !(isMost && _range.MostExcluded)) _graph.Empty(position, _end);
        if (_integer || digits == JsonNumber.FractionDigits) return position;

        var from = digits == 0 ? _graph.Literal(position, ".") : position;
        AddDigits(from, Digit(atLeast, _least.Fraction, digits, '0'), Digit(atMost, _most.Fraction, digits, '9'), atLeast, atMost,
            (low, high) => Fraction(digits + 1, low, high));
        return position;
    }

    private static char Digit(bool bounded, string fraction, int index, char free) => !bounded ? free : index < fraction.Length ? fraction[index] : '0';

    private void AddDigits(int from, char low, char high, bool atLeast, bool atMost, Func<bool, bool, int> next)
    {
        for (var digit = low; digit <= high; digit++) _graph.Bytes(from, digit, digit, next(atLeast && digit == low, atMost && digit == high));
    }

    private (bool Known, int Position) Find(int length, int digits, bool atLeast, bool atMost)
    {
        if (_positions.TryGetValue((length, digits, atLeast, atMost), out var position)) return (true, position);
        return (false, _positions[(length, digits, atLeast, atMost)] = _graph.Position());
    }
}

using System.Globalization;

namespace Qwen3Next.AI.Cli.Tools;

/// <summary>
/// Evaluates expressions of decimal numbers: <c>+ - * / % ^</c> and parentheses, with the usual precedence; <c>^</c> binds from the right and before a
/// leading minus. Sums and products of decimal numbers are exact, unlike those of binary ones.
/// </summary>
internal sealed class Arithmetic
{
    private const int LongestExpression = 1000, DeepestNesting = 64, LargestExponent = 1000;

    private readonly string _text;
    private int _position;
    private int _depth;

    private Arithmetic(string text) => _text = text;

    /// <summary>The value as text, at most 10 digits after the point unless it is smaller than that.</summary>
    /// <exception cref="FormatException">The expression is not one; the message says where and why.</exception>
    /// <exception cref="ArithmeticException">It has no value, or none that a decimal can hold.</exception>
    public static string Evaluate(string expression)
    {
        var value = Value(expression);
        var rounded = decimal.Round(value, 10);
        return (rounded == 0 ? value : rounded).ToString("0.############################", CultureInfo.InvariantCulture);
    }

    /// <inheritdoc cref="Evaluate"/>
    public static decimal Value(string expression)
    {
        if (expression.Length > LongestExpression)
            throw new FormatException($"The expression has {expression.Length} characters; at most {LongestExpression} are allowed. Split it.");
        var parser = new Arithmetic(expression);
        try
        {
            var value = parser.Sum();
            return parser.Peek() == '\0' ? value : throw parser.Unexpected("an operator");
        }
        catch (OverflowException)
        {
            throw new ArithmeticException($"The result or a step towards it lies beyond {decimal.MaxValue:0}, the largest number.");
        }
    }

    private decimal Sum()
    {
        var value = Product();
        while (true)
        {
            if (TryTake('+')) value += Product();
            else if (TryTake('-')) value -= Product();
            else return value;
        }
    }

    private decimal Product()
    {
        var value = Signed();
        while (true)
        {
            if (TryTake('*')) value *= Signed();
            else if (TryTake('/')) value /= Divisor(Signed());
            else if (TryTake('%')) value %= Divisor(Signed());
            else return value;
        }
    }

    private decimal Signed()
    {
        var negative = false;
        while (true)
        {
            if (TryTake('-')) negative = !negative;
            else if (!TryTake('+')) break;
        }
        var value = PowerOrPrimary();
        return negative ? -value : value;
    }

    private decimal PowerOrPrimary()
    {
        var value = Primary();
        return TryTake('^') ? Power(value, Nested(Signed)) : value;
    }

    private decimal Primary()
    {
        if (!TryTake('(')) return Number();
        var value = Nested(Sum);
        return TryTake(')') ? value : throw Unexpected("')'");
    }

    private decimal Number()
    {
        Peek();
        var start = _position;
        while (_position < _text.Length && (char.IsAsciiDigit(_text[_position]) || _text[_position] == '.')) _position++;
        var digits = _text.AsSpan(start, _position - start);
        if (digits.IsEmpty) throw Unexpected("a number or '('");
        if (digits is "." || digits.Count('.') > 1) throw new FormatException($"'{digits}' at position {start + 1} is not a number.");
        return decimal.Parse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
    }

    /// <summary>Parentheses and exponents recurse; text must not be able to exhaust the stack.</summary>
    private decimal Nested(Func<decimal> part)
    {
        if (++_depth > DeepestNesting) throw new FormatException($"The expression is nested deeper than {DeepestNesting} levels. Simplify it.");
        var value = part();
        _depth--;
        return value;
    }

    private static decimal Divisor(decimal value) => value != 0 ? value : throw new ArithmeticException("Division by zero.");

    private static decimal Power(decimal value, decimal exponent)
    {
        if (exponent != decimal.Truncate(exponent) || Math.Abs(exponent) > LargestExponent)
            throw new ArithmeticException($"The exponent is {exponent.ToString(CultureInfo.InvariantCulture)}; it must be a whole number from -{LargestExponent} to {LargestExponent}.");
        var result = 1m;
        for (var i = Math.Abs(exponent); i > 0; i--) result *= value;
        return exponent < 0 ? 1 / Divisor(result) : result;
    }

    /// <summary>Takes an operator, also in the form people print it.</summary>
    private bool TryTake(char symbol)
    {
        var found = Peek() switch { '×' or '·' => '*', '÷' or ':' => '/', '−' => '-', var c => c };
        if (found != symbol) return false;
        _position++;
        return true;
    }

    private char Peek()
    {
        while (_position < _text.Length && char.IsWhiteSpace(_text[_position])) _position++;
        return _position < _text.Length ? _text[_position] : '\0';
    }

    private FormatException Unexpected(string wanted) => Peek() == '\0'
        ? new FormatException($"The expression ends where {wanted} was expected.")
        : new FormatException($"'{_text[_position]}' at position {_position + 1} was not expected; {wanted} was.");
}

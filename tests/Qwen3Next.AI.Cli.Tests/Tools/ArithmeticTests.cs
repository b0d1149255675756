using Qwen3Next.AI.Cli.Tools;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Tools;

public sealed class ArithmeticTests
{
    [Theory]
    [InlineData("2", "2")]
    [InlineData(" 2 + 3*4 ", "14")]
    [InlineData("(2 + 3) * 4", "20")]
    [InlineData("10 - 4 - 3", "3")]
    [InlineData("24 / 4 / 2", "3")]
    [InlineData("17 % 5 * 2", "4")]
    [InlineData("-7 % 3", "-1")]
    [InlineData("2 ^ 3 ^ 2", "512")]
    [InlineData("-2 ^ 2", "-4")]
    [InlineData("(-2) ^ 2", "4")]
    [InlineData("2 ^ -2", "0.25")]
    [InlineData("0 ^ 0", "1")]
    [InlineData("--3 + +4", "7")]
    [InlineData("2 - -3", "5")]
    [InlineData("0.1 + 0.2", "0.3")]
    [InlineData("1.50 * 2", "3")]
    [InlineData(".5 + 5.", "5.5")]
    [InlineData("1 / 3", "0.3333333333")]
    [InlineData("2 / 3", "0.6666666667")]
    [InlineData("1 / 3 * 3", "1")]
    [InlineData("1 / 8000000000000", "0.000000000000125")]
    [InlineData("250 * 12 / 100", "30")]
    [InlineData("6 × 7 ÷ 2 − 1", "20")]
    [InlineData("12345678901234567890 + 1", "12345678901234567891")]
    [InlineData("((((((1))))))", "1")]
    public void Evaluate_Expression_HasTheValueOfArithmetic(string expression, string expected) =>
        Assert.Equal(expected, Arithmetic.Evaluate(expression));

    [Theory]
    [InlineData("", "The expression ends where a number or '(' was expected.")]
    [InlineData("2 +", "The expression ends where a number or '(' was expected.")]
    [InlineData("(2 + 3", "The expression ends where ')' was expected.")]
    [InlineData("2 + 3)", "')' at position 6 was not expected; an operator was.")]
    [InlineData("2 3", "'3' at position 3 was not expected; an operator was.")]
    [InlineData("sqrt(4)", "'s' at position 1 was not expected; a number or '(' was.")]
    [InlineData("2 * * 3", "'*' at position 5 was not expected; a number or '(' was.")]
    [InlineData("1.2.3", "'1.2.3' at position 1 is not a number.")]
    [InlineData("1,000 + 1", "',' at position 2 was not expected; an operator was.")]
    public void Evaluate_NoExpression_SaysWhereAndWhy(string expression, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Arithmetic.Evaluate(expression)).Message);

    [Theory]
    [InlineData("1 / 0", "Division by zero.")]
    [InlineData("1 % (2 - 2)", "Division by zero.")]
    [InlineData("0 ^ -1", "Division by zero.")]
    [InlineData("2 ^ 0.5", "The exponent is 0.5; it must be a whole number from -1000 to 1000.")]
    [InlineData("2 ^ 1001", "The exponent is 1001; it must be a whole number from -1000 to 1000.")]
    [InlineData("10 ^ 29", "The result or a step towards it lies beyond 79228162514264337593543950335, the largest number.")]
    [InlineData("99999999999999999999999999999999", "The result or a step towards it lies beyond 79228162514264337593543950335, the largest number.")]
    public void Evaluate_NoValue_SaysWhy(string expression, string message) =>
        Assert.Equal(message, Assert.ThrowsAny<ArithmeticException>(() => Arithmetic.Evaluate(expression)).Message);

    [Theory]
    [InlineData('(')]
    [InlineData('-')]
    public void Evaluate_HostileLength_IsRefused(char symbol) =>
        Assert.Contains("100000 characters", Assert.Throws<FormatException>(() => Arithmetic.Evaluate(new string(symbol, 100_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void Evaluate_DeepNesting_IsRefusedBeforeTheStackEnds()
    {
        Assert.Equal("1", Arithmetic.Evaluate(new string('(', 64) + "1" + new string(')', 64)));
        Assert.Contains("64 levels", Assert.Throws<FormatException>(() => Arithmetic.Evaluate(new string('(', 65) + "1" + new string(')', 65))).Message, StringComparison.Ordinal);
        Assert.Contains("64 levels", Assert.Throws<FormatException>(() => Arithmetic.Evaluate(string.Join('^', Enumerable.Repeat("1", 70)))).Message, StringComparison.Ordinal);
    }
}

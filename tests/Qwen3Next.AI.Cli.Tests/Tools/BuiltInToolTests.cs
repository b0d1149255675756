using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Tools;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Tools;

public sealed class BuiltInToolTests
{
    private static readonly AIFunction[] s_tools = [.. BuiltInTool.All(new FixedClock()).Cast<AIFunction>()];

    [Fact]
    public void All_Declarations_AreThoseTheModelKnows()
    {
        Assert.Equal(["get_current_time: Gets the current date and time.", "calculate: Evaluates an arithmetic expression."], s_tools.Select(t => $"{t.Name}: {t.Description}"));
        Assert.Equal("""{"type": "object", "properties": {}}""", s_tools[0].JsonSchema.GetRawText());
        Assert.Equal("The expression, for example (2 + 3) * 4.",
            s_tools[1].JsonSchema.GetProperty("properties").GetProperty("expression").GetProperty("description").GetString());
        Assert.Equal("expression", s_tools[1].JsonSchema.GetProperty("required")[0].GetString());
    }

    [Fact]
    public async Task Clock_LocalTime_HasSecondsAndWeekday() =>
        Assert.Equal("2026-11-23 14:05:09 (Monday)", await s_tools[0].InvokeAsync());

    [Theory]
    [InlineData("\"(2 + 3) * 4\"", "20")]
    [InlineData("42", "42")]
    [InlineData("\"1 / 0\"", "error: Division by zero.")]
    [InlineData("\"two\"", "error: 't' at position 1 was not expected; a number or '(' was.")]
    [InlineData("null", "error: The argument 'expression' is missing.")]
    public async Task Calculator_Argument_GivesValueOrReason(string argument, string expected)
    {
        using var json = JsonDocument.Parse(argument);
        object? value = json.RootElement.ValueKind == JsonValueKind.Null ? null : json.RootElement;
        Assert.Equal(expected, await s_tools[1].InvokeAsync(new AIFunctionArguments { ["expression"] = value }));
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 23, 14, 5, 9, TimeSpan.Zero);

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    }
}

using Qwen3Next.AI.Cli.Tools;
using Xunit;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>The page's calculator against the one of the command line.</summary>
public sealed class ToolTests(BrowserFixture fixture) : PageTest(fixture)
{
    private static readonly string[] s_expressions =
    [
        "37 * 12", "0.1 + 0.2", "1 / 3", "2 / 3 * 3", "-2^2", "2^3^2", "2^-3", "-7 % 3", "7.5 % 2", "5 × 3 − 1 ÷ 4", "--3", "((1 + 2) * (3 - 4)) ^ 3", "1.50", "1/8", "12345678901234567890 * 2",
        "1 +", "(1", "1)", "1 / 0", "5 % 0", "2 ^ 0.5", "2 ^ 1001", "10 ^ 40", "one", "", "1..2", "alert(1)", "1; 2",
    ];

    [Fact]
    public async Task Calculate_InThePage_GivesWhatTheCommandLineGives()
    {
        var session = await Fixture.IdleAsync();
        var results = await session.Page.EvaluateAsync<string[]>("async all => { const { runTool } = await import('/js/tools.js'); return all.map(expression => runTool('calculate', JSON.stringify({ expression }))); }", s_expressions);
        foreach (var (expression, result) in s_expressions.Zip(results)) Assert.True(Same(Expected(expression), result), $"{expression}: {result}, not {Expected(expression)}");
    }

    [Fact]
    public async Task RunTool_WrongCall_IsAnErrorForTheModel()
    {
        var session = await Fixture.IdleAsync();
        var results = await session.Page.EvaluateAsync<string[]>("async () => { const { runTool } = await import('/js/tools.js'); return [runTool('format_disk', '{}'), runTool('calculate', '{}'), runTool('calculate', '{'), runTool('get_current_time', '')]; }");
        Assert.Equal("error: There is no tool 'format_disk'.", results[0]);
        Assert.Equal("error: The argument 'expression' is missing.", results[1]);
        Assert.StartsWith("error: ", results[2], StringComparison.Ordinal);
        Assert.Matches(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \([A-Z][a-z]+day\)$", results[3]);
    }

    private static string Expected(string expression)
    {
        try
        {
            return Arithmetic.Evaluate(expression);
        }
        catch (Exception e) when (e is FormatException or ArithmeticException)
        {
            return "error: " + e.Message;
        }
    }

    /// <summary>Values are the same; what is wrong with an expression may be said in other words.</summary>
    private static bool Same(string expected, string found) => expected == found || (expected.StartsWith("error: ", StringComparison.Ordinal) && found.StartsWith("error: ", StringComparison.Ordinal));
}

using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Tools;

/// <summary>The two tools of the chat. Their names, descriptions and schemas are part of what the bundled model was trained on.</summary>
internal sealed class BuiltInTool : AIFunction
{
    private readonly Func<AIFunctionArguments, string> _run;

    private BuiltInTool(string name, string description, string schema, Func<AIFunctionArguments, string> run)
    {
        (Name, Description, _run) = (name, description, run);
        using var document = JsonDocument.Parse(schema);
        JsonSchema = document.RootElement.Clone();
    }

    /// <summary>All tools.</summary>
    /// <param name="clock">Tells the time.</param>
    public static IList<AITool> All(TimeProvider clock) =>
    [
        new BuiltInTool("get_current_time", "Gets the current date and time.", """{"type": "object", "properties": {}}""", _ => Time(clock.GetLocalNow())),
        new BuiltInTool("calculate", "Evaluates an arithmetic expression.",
            """{"type": "object", "properties": {"expression": {"type": "string", "description": "The expression, for example (2 + 3) * 4."}}, "required": ["expression"]}""",
            Calculate),
    ];

    public override string Name { get; }

    public override string Description { get; }

    public override JsonElement JsonSchema { get; }

    protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) => new(_run(arguments));

    private static string Time(DateTimeOffset now) =>
        now.ToString("yyyy-MM-dd HH:mm:ss (dddd)", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A mistake in the expression is an answer to the model, who may correct it.</summary>
    private static string Calculate(AIFunctionArguments arguments)
    {
        // Models sometimes send a number where the schema asks for text.
        var expression = arguments.TryGetValue("expression", out var value) ? value?.ToString() : null;
        if (expression is null) return "error: The argument 'expression' is missing.";
        try
        {
            return Arithmetic.Evaluate(expression);
        }
        catch (Exception e) when (e is FormatException or ArithmeticException)
        {
            return $"error: {e.Message}";
        }
    }
}

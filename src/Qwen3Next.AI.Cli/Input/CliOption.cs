using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Qwen3Next.AI.Cli.Input;

/// <summary>Options whose errors name the option, the value and what it may be.</summary>
internal static class CliOption
{
    /// <summary>A number in a closed range; null when not given.</summary>
    public static Option<T?> Number<T>(string name, string description, T min, T max) where T : struct, INumber<T> => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max) return value;
            var kind = typeof(T) == typeof(float) ? "a number" : "a whole number";
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is '{text}'; it must be {kind} from {min} to {max}."));
            return null;
        },
    };

    /// <summary>One of some words; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] words) => new(name)
    {
        Description = description,
        HelpName = string.Join('|', words),
        DefaultValueFactory = _ => words[0],
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (words.FirstOrDefault(w => w.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } word) return word;
            result.AddError($"{name} is '{text}'; it must be {string.Join(", ", words[..^1])} or {words[^1]}.");
            return null;
        },
    };

    /// <summary>Whole numbers in a closed range, separated by commas; null when not given.</summary>
    public static Option<int[]?> Numbers(string name, string description, int min, int max) => new(name)
    {
        Description = description,
        HelpName = "N,N",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            var parts = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var values = new int[parts.Length];
            for (var i = 0; i < parts.Length; i++)
            {
                if (int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out values[i]) && values[i] >= min && values[i] <= max) continue;
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} has '{parts[i]}'; it must be whole numbers from {min} to {max}, separated by commas."));
                return null;
            }
            return values;
        },
    };

    public static Option<string?> Text(string name, string description, string helpName = "TEXT") => new(name) { Description = description, HelpName = helpName };

    /// <summary>Token ids separated by commas.</summary>
    public static Option<int[]?> Tokens(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "1,2,3",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = ParseTokens,
    };

    private static int[]? ParseTokens(ArgumentResult result)
    {
        var parts = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
        var ids = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out ids[i])) continue;
            result.AddError($"--tokens has '{parts[i]}'; it must be token ids separated by commas, such as 1,2,3.");
            return null;
        }
        return ids;
    }
}

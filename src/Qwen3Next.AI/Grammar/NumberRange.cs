using System.Globalization;

namespace Qwen3Next.AI.Grammar;

/// <summary>The numbers from one limit to another, cut to what <see cref="JsonNumber"/> writes.</summary>
internal readonly record struct NumberRange(decimal Least, bool LeastExcluded, decimal Most, bool MostExcluded)
{
    private const decimal Largest = 999_999_999_999_999_999;

    public static readonly NumberRange All = new(-Largest, false, Largest, false);

    public bool IsAll => this == All;

    public NumberRange From(decimal least, bool excluded)
    {
        if (least < Least || (least == Least && !excluded)) return this;
        return this with { Least = Math.Min(least, Largest + 1), LeastExcluded = excluded };
    }

    public NumberRange UpTo(decimal most, bool excluded)
    {
        if (most > Most || (most == Most && !excluded)) return this;
        return this with { Most = Math.Max(most, -Largest - 1), MostExcluded = excluded };
    }

    public bool Contains(decimal value) => (LeastExcluded ? value > Least : value >= Least) && (MostExcluded ? value < Most : value <= Most);

    /// <summary>The range of its integers, limits included.</summary>
    public NumberRange Integers() => new(
        LeastExcluded ? Math.Floor(Least) + 1 : Math.Ceiling(Least), false,
        MostExcluded ? Math.Ceiling(Most) - 1 : Math.Floor(Most), false);

    /// <summary>A JSON number; limits beyond all numbers written here become the nearest such limit.</summary>
    public static decimal Parse(string text)
    {
        if (decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) return Math.Clamp(value, -Largest - 1, Largest + 1);
        return text.StartsWith('-') ? -Largest - 1 : Largest + 1;
    }

    /// <summary>Those of its numbers below zero, without their sign.</summary>
    public NumberRange Negated() => new(-Most, MostExcluded, -Least, LeastExcluded);
}

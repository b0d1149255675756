using System.Globalization;

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>Middle and ends of a few measured values.</summary>
internal readonly record struct Spread(double Median, double Least, double Most)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }

    public override string ToString() => $"{Text(Median)} ({Text(Least)} to {Text(Most)})";

    private static string Text(double value) => value.ToString(value < 10 ? "0.000" : value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}

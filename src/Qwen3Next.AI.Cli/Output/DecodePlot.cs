using System.Globalization;
using System.Text;
using Qwen3Next.AI.Cli.Measuring;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>Decoding speed against context as an SVG picture: context on a logarithmic axis, tokens per second from zero.</summary>
internal static class DecodePlot
{
    private const double Width = 720, Height = 400, Left = 70, Right = 30, Top = 50, Bottom = 60;

    public static string Svg(SuiteResult result)
    {
        var points = result.Rows.Where(r => r.Kind == "decode" && double.IsFinite(r.TokensPerSecond)).OrderBy(r => r.Tokens).ToList();
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="13">""");
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<rect width="{Width}" height="{Height}" fill="white"/>""");
        Text(Width / 2, 24, "middle", $"{result.Model}, {result.Device}: decoding, one conversation");
        if (points.Count == 0)
        {
            Text(Width / 2, Height / 2, "middle", "No depth was measured.");
            return svg.AppendLine("</svg>").ToString();
        }

        double low = Math.Log2(points[0].Tokens), high = Math.Max(Math.Log2(points[^1].Tokens), low + 1), most = Ceiling(points.Max(p => p.TokensPerSecond));
        double X(double tokens) => Left + (Math.Log2(tokens) - low) / (high - low) * (Width - Left - Right);
        double Y(double rate) => Height - Bottom - rate / most * (Height - Top - Bottom);
        for (var i = 0; i <= 5; i++)
        {
            var rate = most * i / 5;
            svg.AppendLine(CultureInfo.InvariantCulture, $"""<line x1="{Left}" x2="{Width - Right}" y1="{Y(rate):0.0}" y2="{Y(rate):0.0}" stroke="#ddd"/>""");
            Text(Left - 8, Y(rate) + 4, "end", rate.ToString("#,0.##", CultureInfo.InvariantCulture));
        }
        svg.AppendLine(CultureInfo.InvariantCulture,
            $"""<polyline fill="none" stroke="#1f6feb" stroke-width="2" points="{string.Join(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.Tokens):0.0},{Y(p.TokensPerSecond):0.0}")))}"/>""");
        foreach (var point in points)
        {
            svg.AppendLine(CultureInfo.InvariantCulture, $"""<circle cx="{X(point.Tokens):0.0}" cy="{Y(point.TokensPerSecond):0.0}" r="4" fill="#1f6feb"/>""");
            Text(X(point.Tokens), Y(point.TokensPerSecond) - 10, "middle", point.TokensPerSecond.ToString("#,0", CultureInfo.InvariantCulture));
            Text(X(point.Tokens), Height - Bottom + 20, "middle", point.Tokens >= 1024 ? $"{point.Tokens / 1024}K" : $"{point.Tokens}");
        }
        Text(Width / 2, Height - 14, "middle", "tokens of context");
        Text(12, Top - 14, "start", "tokens/s");
        return svg.AppendLine("</svg>").ToString();

        void Text(double x, double y, string anchor, string text) => svg.AppendLine(CultureInfo.InvariantCulture,
            $"""<text x="{x:0.0}" y="{y:0.0}" text-anchor="{anchor}">{System.Net.WebUtility.HtmlEncode(text)}</text>""");
    }

    /// <summary>The next number of one digit, 1, 2 or 5, and zeros.</summary>
    private static double Ceiling(double value)
    {
        var unit = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(value, 1e-9))));
        return unit * (value <= unit ? 1 : value <= 2 * unit ? 2 : value <= 5 * unit ? 5 : 10);
    }
}

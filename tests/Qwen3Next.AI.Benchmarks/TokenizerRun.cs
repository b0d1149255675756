using System.Diagnostics;
using System.Text;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>Tokenizer speed on one core with the real vocabulary: text of this repository, shuffled by lines so that no pass repeats another.</summary>
internal static class TokenizerRun
{
    private const string Chinese =
        "模型在本机运行，不需要网络。\n它先思考，然后回答问题，或者调用工具。\n长文档被切成段落，每一段都有页码和标题。\n缓存记住已经读过的内容，第二个问题因此更快。\n" +
        "注意力层每四层出现一次，其余三层是门控增量网络。\n词表有十五万个词元，数字总是逐个切分。\n如果文件里没有答案，它会如实说明。\n请把今天下午三点的会议改到明天上午十点半。\n" +
        "显卡的带宽决定了逐字生成的速度上限。\n天气很好，我们沿着河边走了很久，又在桥头的小店里喝了茶。\n";

    public static void Measure(Tokenizer tokenizer)
    {
        var root = Path.GetDirectoryName(RealTokenizer.Find("Qwen3Next.AI.sln"))!;
        WholeRun.Row("tokenizer, English", Speed(tokenizer, Lines(root, "*.md")), "MB/s");
        WholeRun.Row("tokenizer, C#", Speed(tokenizer, Lines(root, "*.cs")), "MB/s");
        WholeRun.Row("tokenizer, Chinese", Speed(tokenizer, MixedChinese()), "MB/s");
    }

    /// <summary>Lines of pairs of characters in random order: few words occur twice, so the word cache helps little.</summary>
    private static string[] MixedChinese()
    {
        var random = new Random(2);
        var text = Chinese.Replace("\n", "", StringComparison.Ordinal);
        return [.. Enumerable.Range(0, 20_000).Select(_ => string.Concat(Enumerable.Range(0, 20).Select(_ => text.Substring(random.Next(text.Length - 2), 2))))];
    }

    private static string[] Lines(string root, string pattern) =>
        [.. Directory.EnumerateFiles(root, pattern, SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).SelectMany(File.ReadLines)];

    /// <summary>Megabytes of UTF-8 per second, median of five texts of about 4 MB.</summary>
    private static double Speed(Tokenizer tokenizer, string[] lines)
    {
        var random = new Random(1);
        var speeds = new List<double>();
        for (var run = 0; run < 6; run++)
        {
            var text = new StringBuilder();
            while (text.Length < 4_000_000) text.AppendLine(lines[random.Next(lines.Length)]);
            var whole = text.ToString();
            var start = Stopwatch.GetTimestamp();
            tokenizer.Encode(whole);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (run > 0) speeds.Add(Encoding.UTF8.GetByteCount(whole) / 1e6 / seconds);
        }
        return speeds.Order().ElementAt(speeds.Count / 2);
    }
}

using System.Text.Json;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class BenchCommandTests
{
    [Fact]
    public async Task Bench_Json_HasRatesInOrder()
    {
        var result = await CliRunner.RunAsync("bench", "--model", TestModel.Reference, "--prompt-tokens", "20", "--tokens", "200", "--batch", "3", "--runs", "3", "--format", "json");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Out);
        foreach (var name in new[] { "first_token_seconds", "prefill_tokens_per_second", "decode_tokens_per_second" })
        {
            var spread = json.RootElement.GetProperty(name);
            var (least, median, most) = (spread.GetProperty("least").GetDouble(), spread.GetProperty("median").GetDouble(), spread.GetProperty("most").GetDouble());
            Assert.True(0 < least && least <= median && median <= most, $"{name}: {least} {median} {most}");
        }
        Assert.Equal(3, json.RootElement.GetProperty("batch").GetInt32());
    }

    [Fact]
    public async Task Bench_Text_IsPlain()
    {
        var result = await CliRunner.RunAsync("bench", "--model", TestModel.Reference, "--prompt-tokens", "8", "--tokens", "100", "--runs", "1");
        Assert.Contains("8 prompt tokens, 1 x 100 generated; median (least to most) of 1 runs", result.Out, StringComparison.Ordinal);
        // On a busy machine the reader may find a whole answer at once.
        Assert.Matches(@"decode +([\d.,]+ |not measured)", result.Out);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public async Task Bench_ForcedAcceptance_IsMarked()
    {
        var result = await CliRunner.RunAsync("bench", "--device", "cpu", "--prompt-tokens", "8", "--tokens", "60", "--runs", "1",
            "--drafts", "2", "--force-acceptance", "0.9");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"drafts +0\.\d\d of \d+ right; FORCED acceptance", result.Out);
    }

    [Fact]
    public async Task Bench_DummyWeights_NeedsNoCheckpoint()
    {
        var result = await CliRunner.RunAsync("bench", "--dummy-weights", "--model-config", TestModel.Reference, "--layers", "2", "--device", "cpu", "--prompt-tokens", "8", "--tokens", "20", "--runs", "1");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("(dummy weights)", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_Suite_MeasuresEveryLineAndDrawsThePlot()
    {
        var svg = Path.Combine(Directory.CreateTempSubdirectory().FullName, "decode.svg");
        var result = await CliRunner.RunAsync("bench", "--suite", "--device", "cpu", "--depths", "20,90", "--streams", "2", "--prefills", "30",
            "--first-tokens", "40", "--tokens", "12", "--runs", "1", "--peak-tflops", "1", "--format", "json", "--svg", svg);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Out);
        var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToList();
        Assert.Equal(["decode 20 1", "decode 90 1", "streams 512 2", "prefill 30 1", "first token 40 1"],
            rows.Select(r => $"{r.GetProperty("kind").GetString()} {r.GetProperty("tokens")} {r.GetProperty("conversations")}"));
        Assert.All(rows, r => Assert.True(r.GetProperty("milliseconds").GetDouble() > 0 && r.GetProperty("tokens_per_second").GetDouble() > 0));
        Assert.All(rows.Take(3), r => Assert.InRange(r.GetProperty("share_of_read_rate").GetDouble(), 0, 1));
        Assert.All(rows.Skip(3), r => Assert.InRange(r.GetProperty("share_of_peak_operations").GetDouble(), 0, 1));
        Assert.Contains("projections", json.RootElement.GetProperty("decode_step").EnumerateArray().Select(f => f.GetProperty("family").GetString()));
        var plot = System.Xml.Linq.XDocument.Load(svg);
        Assert.Equal(2, plot.Descendants().Count(e => e.Name.LocalName == "circle"));
        Directory.Delete(Path.GetDirectoryName(svg)!, recursive: true);
    }

    [Fact]
    public async Task Bench_Serving_MeasuresEveryLineOnOneLoad()
    {
        var result = await CliRunner.RunAsync("bench", "--serving", "--device", "cpu", "--streams", "1,3", "--turns", "40,700", "--draft-streams", "2", "--tokens", "24", "--runs", "1", "--format", "json");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(result.Out);
        Assert.True(json.RootElement.GetProperty("state").GetProperty("bytes").GetInt64() > 1_000_000);
        Assert.False(json.RootElement.TryGetProperty("memory_bytes", out _));
        Assert.Equal([1, 3], Rows("streams").Select(r => r.GetProperty("conversations").GetInt32()));
        // All but the answer's last token, which turn 1 chose and did not compute, and the question.
        Assert.Equal(["40: 71 of 92", "700: 731 of 752"], Rows("turns").Select(r => $"{r.GetProperty("tokens")}: {r.GetProperty("second_turn_cached_tokens")} of {r.GetProperty("second_turn_tokens")}"));
        Assert.Equal(["none", .. Enumerable.Repeat("default", 4), .. Enumerable.Repeat("1", 4), .. Enumerable.Repeat("2", 4), .. Enumerable.Repeat("3", 4)], Rows("drafts").Select(r => r.GetProperty("drafts").GetString()));
        Assert.Equal(4 * 3, Rows("drafts").Count(r => r.GetProperty("forced_acceptance").ValueKind == JsonValueKind.Number));
        var guessed = Rows("drafts").Select(r => r.GetProperty("guessed").GetInt32()).ToList();
        Assert.Equal(0, guessed[0]);
        Assert.All(guessed.Skip(5), count => Assert.True(count > 0));
        Assert.All(Rows("streams").Concat(Rows("drafts")), r => Assert.True(r.GetProperty("tokens_per_second").GetProperty("median").GetDouble() > 0));

        List<JsonElement> Rows(string name) => [.. json.RootElement.GetProperty(name).EnumerateArray()];
    }

    [Fact]
    public async Task Bench_ServingText_MarksForcedAcceptanceAndLeavesPartsOut()
    {
        var result = await CliRunner.RunAsync("bench", "--serving", "--dummy-weights", "--model-config", TestModel.Reference, "--device", "cpu", "--streams", "0", "--turns", "0", "--draft-streams", "1", "--tokens", "12", "--runs", "1");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"default +FORCED 0\.95 ", result.Out);
        Assert.Matches(@"
 +1 +1 +FORCED 0\.6 ", result.Out);
        Assert.Contains("the text is meaningless", result.Out, StringComparison.Ordinal);
        Assert.DoesNotMatch("first token|host's part|1 +verified", result.Out);
    }

    [Theory]
    [InlineData("--suite and --serving are two", "--suite", "--serving")]
    [InlineData("--serving measures several numbers of drafts", "--serving", "--drafts", "2")]
    public async Task Bench_ServingWithWhatItChooses_IsWrongUsage(string message, params string[] args) =>
        (await CliRunner.RunAsync(["bench", .. args])).AssertError(2, message);

    [Fact]
    public async Task Bench_ShapeWithoutDummyWeights_IsWrongUsage() =>
        (await CliRunner.RunAsync("bench", "--model-config", "qwen3-32b")).AssertError(2, "--model-config and --layers describe made-up weights");

    [Theory]
    [InlineData("--prompt-tokens is '0'", "--prompt-tokens", "0")]
    [InlineData("--tokens is '1'", "--tokens", "1")]
    [InlineData("--batch is '1025'", "--batch", "1025")]
    [InlineData("--runs is 'many'", "--runs", "many")]
    [InlineData("--drafts is '5'", "--drafts", "5")]
    [InlineData("--force-acceptance is '2'", "--force-acceptance", "2")]
    [InlineData("--format is 'csv'", "--format", "csv")]
    public async Task Bench_WrongUsage_IsOneLineAndCode2(string message, params string[] args) =>
        (await CliRunner.RunAsync(["bench", "--model", TestModel.Reference, .. args])).AssertError(2, message);

    [Fact]
    public async Task Bench_LongerThanTheModel_IsAnError() =>
        (await CliRunner.RunAsync("bench", "--model", TestModel.Reference, "--prompt-tokens", "300")).AssertError(1, "--context is 428;");
}

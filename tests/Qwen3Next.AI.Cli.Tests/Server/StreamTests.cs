using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>Many readers at once, and readers who leave.</summary>
public sealed class StreamTests
{
    private const string Chat = "/v1/chat/completions";
    private const int PieceLength = 50_000;

    [Fact]
    public async Task Streams_64AtOnce_EachGetsItsOwnAnswer()
    {
        await using var model = new EndlessModel(folder: TinyCheckpoint.Path);
        await using var server = await RunningServer.StartAsync(model.Served);
        string[] words = ["Hello!", "What is 2 + 2?", "Who are you?", "Count from 3 to 7.", "What is 37 + 12?", "Turn on the lamp.", "Say yes.", "Bye!"];
        var alone = new List<string>();
        foreach (var word in words) alone.Add(await ReadAsync(server, model, word));
        Assert.True(alone.Distinct().Count() > words.Length / 2, string.Join(" | ", alone));
        var together = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => ReadAsync(server, model, words[i % words.Length])));
        for (var i = 0; i < together.Length; i++) Assert.Equal(alone[i % words.Length], together[i]);
        Assert.Equal((0, 0), (model.Engine.Status.RunningRequests, model.Engine.Status.WaitingRequests));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Readers_WhoLeave_FreeTheirPlaces(bool stream)
    {
        await using var model = new EndlessModel(places: 8, folder: TinyCheckpoint.Path);
        await using var server = await RunningServer.StartAsync(model.Served);
        await model.Engine.LoadAsync();
        for (var round = 0; round < 4; round++)
        {
            using var leave = new CancellationTokenSource();
            var readers = Enumerable.Range(0, 12).Select(async i =>
            {
                try
                {
                    using var response = await server.PostAsync(Chat, model.Request(7000, stream, $"reader {i}"), leave.Token);
                    using var body = await response.Content.ReadAsStreamAsync(leave.Token);
                    while (await body.ReadAsync(new byte[256], leave.Token) > 0) { }
                    Assert.Fail("the answer was complete before its reader left");
                }
                catch (OperationCanceledException)
                {
                }
            }).ToList();
            await UntilAsync(() => model.Engine.Status.RunningRequests == 8, "all places to be taken");
            await leave.CancelAsync();
            await Task.WhenAll(readers);
            await UntilAsync(() => model.Engine.Status is { RunningRequests: 0, WaitingRequests: 0 }, "all places to be free");
        }
    }

    [Fact]
    public async Task Stop_WhileAnAnswerIsUnderWay_LetsItEnd()
    {
        await using var model = new EndlessModel(folder: TinyCheckpoint.Path);
        await using var server = await RunningServer.StartAsync(model.Served);
        using var response = await server.PostAsync(Chat, model.Request(60, stream: true));
        var stop = server.StopAsync();
        Assert.EndsWith("data: [DONE]\n\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await stop.WaitAsync(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<HttpRequestException>(() => server.PostAsync(Chat, model.Request(1)));
    }

    /// <summary>A source without end, and a reader who takes nothing: the source is asked no further, and in the end left.</summary>
    [Fact]
    public async Task Reader_WhoTakesNothing_HoldsTheSourceAndIsCutOff()
    {
        await using var model = new EndlessModel();
        var (given, left) = (0, new TaskCompletionSource());
        await using var server = await RunningServer.StartAsync(model.ServedThrough((_, cancel) => EndlessAsync(() => given++, left, cancel)), new ServerOptions { RequestTimeout = TimeSpan.FromSeconds(3) });
        using var response = await server.PostAsync(Chat, model.Request(1, stream: true));
        var before = -1;
        await UntilAsync(() => given > 0, "the stream to begin");
        for (; before != given; await Task.Delay(300)) before = given;
        Assert.True(given < 1000, $"{given} pieces of {PieceLength} characters went into one connection that nobody read");
        await left.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> EndlessAsync(Action give, TaskCompletionSource left, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
                give();
                yield return new ChatResponseUpdate(ChatRole.Assistant, new string('x', PieceLength)) { ResponseId = "r", ModelId = "m", CreatedAt = DateTimeOffset.UtcNow };
            }
        }
        finally
        {
            left.SetResult();
        }
    }

    private static async Task<string> ReadAsync(RunningServer server, EndlessModel model, string word)
    {
        using var response = await server.PostAsync(Chat, model.Request(8, stream: true, word));
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, body);
        Assert.EndsWith("data: [DONE]\n\n", body, StringComparison.Ordinal);
        var text = new StringBuilder();
        foreach (var piece in body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[..^1])
        {
            var choice = JsonElement.Parse(piece["data: ".Length..]).GetProperty("choices")[0];
            foreach (var name in new[] { "reasoning_content", "content" })
                if (choice.GetProperty("delta").TryGetProperty(name, out var part)) text.Append(part.GetString());
        }
        return text.ToString();
    }

    private static async Task UntilAsync(Func<bool> holds, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(5), $"waited too long for {what}");
            await Task.Delay(5);
        }
    }
}

using Microsoft.Extensions.AI;
using Qwen3Next.AI.Tests.Chat;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>The members of IChatClient: arguments, threads, cancellation, services, disposal.</summary>
public sealed class Qwen3NextChatClientTests
{
    private static readonly ChatMessage[] s_hi = [new(ChatRole.User, "Hi")];

    [Fact]
    public async Task GetStreamingResponseAsync_NullMessages_ThrowsBeforeEnumeration()
    {
        using var client = new Qwen3NextChatClient(new ScriptedEngine());
        Assert.Throws<ArgumentNullException>("messages", () => { client.GetStreamingResponseAsync(null!); });
        await Assert.ThrowsAsync<ArgumentNullException>("messages", () => client.GetResponseAsync((IEnumerable<ChatMessage>)null!));
        Assert.Throws<ArgumentNullException>("serviceType", () => client.GetService(null!));
        Assert.Throws<ArgumentNullException>("engine", () => new Qwen3NextChatClient((IQwen3NextEngine)null!));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_Messages_AreEnumeratedOnceOnTheCallingThread()
    {
        var engine = new ScriptedEngine().Reply("yes");
        using var client = new Qwen3NextChatClient(engine);
        var (enumerations, thread) = (0, -1);
        IEnumerable<ChatMessage> Messages()
        {
            enumerations++;
            thread = Environment.CurrentManagedThreadId;
            yield return s_hi[0];
        }

        var updates = client.GetStreamingResponseAsync(Messages());
        Assert.Equal((1, Environment.CurrentManagedThreadId), (enumerations, thread));
        var response = await updates.ToChatResponseAsync();
        Assert.Equal("yes", response.Text);
        Assert.Equal(1, enumerations);
    }

    [Fact]
    public void GetStreamingResponseAsync_WorkOfTheRequest_LeavesTheCallingThread()
    {
        var engine = new ScriptedEngine().Reply("a");
        using var client = new Qwen3NextChatClient(engine);
        var (caller, prepared, text) = (0, 0, "");
        var options = new ChatOptions
        {
            RawRepresentationFactory = _ =>
            {
                prepared = Environment.CurrentManagedThreadId;
                return null;
            },
        };
        // A thread of its own, so that no pool thread can be the same.
        var thread = new Thread(() =>
        {
            caller = Environment.CurrentManagedThreadId;
            text = client.GetResponseAsync(s_hi, options).GetAwaiter().GetResult().Text;
        });
        thread.Start();
        thread.Join();
        Assert.Equal("a", text);
        Assert.NotEqual(0, prepared);
        Assert.NotEqual(caller, prepared);
        Assert.NotEqual(caller, engine.CallingThread);
    }

    [Fact]
    public async Task GetResponseAsync_Arguments_AreNotChanged()
    {
        using var client = new Qwen3NextChatClient(new ScriptedEngine().Reply("yes"));
        var messages = new List<ChatMessage> { new(ChatRole.User, "Hi") };
        var options = new ChatOptions { Instructions = "Be brief.", Temperature = 0, Tools = [AIFunctionFactory.Create(() => 1, "one")], StopSequences = ["x"] };
        await client.GetResponseAsync(messages, options);
        Assert.Equal("Hi", Assert.Single(messages).Text);
        Assert.Equal(("Be brief.", 0f, 1, 1), (options.Instructions, options.Temperature, options.Tools.Count, options.StopSequences.Count));
        Assert.Null(options.MaxOutputTokens);
    }

    [Fact]
    public async Task GetResponseAsync_NoMessagesOrEmptyOnes_StillAnswers()
    {
        var engine = new ScriptedEngine().Reply("a").Reply("b");
        using var client = new Qwen3NextChatClient(engine);
        Assert.Equal("a", (await client.GetResponseAsync([])).Text);
        Assert.Equal("<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n", engine.Prompts[0]);
        Assert.Equal("b", (await client.GetResponseAsync([new(ChatRole.System, []), new(ChatRole.User, []), new(ChatRole.Assistant, [])])).Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cancellation_WhileDecoding_ThrowsAndFreesThePlace(bool onTheEnumerator)
    {
        var engine = new ScriptedEngine().ReplyAndHang("a", "b");
        using var client = new Qwen3NextChatClient(engine);
        using var cancel = new CancellationTokenSource();
        var stream = onTheEnumerator
            ? client.GetStreamingResponseAsync(s_hi).WithCancellation(cancel.Token)
            : client.GetStreamingResponseAsync(s_hi, cancellationToken: cancel.Token).WithCancellation(default);
        var text = "";
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in stream)
            {
                text += update.Text;
                if (text == "ab") cancel.CancelAfter(20);
            }
        });
        Assert.Equal(cancel.Token, error.CancellationToken);
        Assert.Equal("ab", text);
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }

    [Fact]
    public async Task Cancellation_BeforeTheFirstToken_ThrowsAndFreesThePlace()
    {
        var engine = new ScriptedEngine().ReplyAndHang();
        using var client = new Qwen3NextChatClient(engine);
        using var cancel = new CancellationTokenSource();
        var response = client.GetResponseAsync(s_hi, cancellationToken: cancel.Token);
        await engine.Hanging.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => response);
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }

    [Fact]
    public async Task GetResponseAsync_CancelledToken_NeverReachesTheEngine()
    {
        var engine = new ScriptedEngine().Reply("a");
        using var client = new Qwen3NextChatClient(engine);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetResponseAsync(s_hi, cancellationToken: new CancellationToken(canceled: true)));
        Assert.Empty(engine.Requests);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_AbandonedEnumeration_FreesThePlace()
    {
        var engine = new ScriptedEngine().ReplyAndHang("a", "b");
        using var client = new Qwen3NextChatClient(engine);
        await foreach (var update in client.GetStreamingResponseAsync(s_hi)) break;
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }

    [Fact]
    public async Task GetStreamingResponseAsync_ManyAtOnce_EachGetsItsOwnAnswer()
    {
        var engine = new ScriptedEngine();
        for (var i = 0; i < 40; i++) engine.Reply("<think>", $"r{i % 40}", "</think>", $"answer {i}");
        using var client = new Qwen3NextChatClient(engine);
        var responses = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => client.GetResponseAsync(s_hi)));
        Assert.Equal(40, responses.Select(r => r.Text).Distinct().Count());
        Assert.Equal(40, responses.Select(r => r.ResponseId).Distinct().Count());
        Assert.Equal(0, engine.Running);
    }

    [Fact]
    public void GetService_KnownTypes_AreGivenWithoutKeyOnly()
    {
        var engine = new ScriptedEngine();
        using var client = new Qwen3NextChatClient(engine);
        var metadata = client.GetService<ChatClientMetadata>();
        Assert.NotNull(metadata);
        Assert.Equal(("qwen3next", null, "scripted"), (metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId));
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Same(client, client.GetService<Qwen3NextChatClient>());
        Assert.Same(engine, client.GetService<IQwen3NextEngine>());
        Assert.Same(engine.Tokenizer, client.GetService<Tokenizer>());
        Assert.Same(engine.ModelInfo, client.GetService<Qwen3NextModelInfo>());
        Assert.Null(client.GetService<string>());
        Assert.Null(client.GetService(typeof(ChatClientMetadata), "key"));
        Assert.Null(client.GetService(typeof(Qwen3NextChatClient), "key"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Dispose_Twice_DisposesAnOwnedEngineAndEndsUse(bool ownsEngine)
    {
        var engine = new ScriptedEngine();
        var client = new Qwen3NextChatClient(engine, ownsEngine: ownsEngine);
        client.Dispose();
        client.Dispose();
        Assert.Equal(ownsEngine, engine.Disposed);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync(s_hi));
    }

    [Fact]
    public async Task GetResponseAsync_EngineFails_TheErrorReachesTheCaller()
    {
        using var client = new Qwen3NextChatClient(new ScriptedEngine()); // no script: the engine throws
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync(s_hi));
    }
}

using System.Security.Cryptography;
using Qwen3Next.AI.Cli.Download;
using Qwen3Next.AI.Tests;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Download;

public sealed class ModelDownloadTests : IDisposable
{
    private const string Weights = "model.safetensors";

    private readonly HubServer _hub = new();
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _weights = RandomNumberGenerator.GetBytes(3_000_000);

    public ModelDownloadTests()
    {
        _hub.Files["config.json"] = "{}"u8.ToArray();
        _hub.Files[Weights] = _weights;
    }

    private string Target => _folder.File(Weights);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_BothHubs_FetchWhatLoadingNeeds(bool modelScope)
    {
        _hub.Files["tokenizer.json"] = RandomNumberGenerator.GetBytes(1000);
        _hub.Files["LICENSE"] = RandomNumberGenerator.GetBytes(100);
        _hub.Files["model.gguf"] = RandomNumberGenerator.GetBytes(100);
        _hub.Files[".gitattributes"] = [];
        _hub.Files["original/config.json"] = [];
        _hub.Files["../evil.json"] = [];
        await FetchAsync(modelScope: modelScope);
        var fetched = Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["LICENSE", "config.json", "model.safetensors", "tokenizer.json"], fetched);
        foreach (var name in fetched) Assert.Equal(_hub.Files[name!], File.ReadAllBytes(_folder.File(name!)));
    }

    /// <summary>The hub is told the token, the storage that it redirects to is not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_Token_GoesToTheHubAlone(bool modelScope)
    {
        await FetchAsync(modelScope: modelScope, token: new HubToken("secret", modelScope ? ModelScopeHub.TokenCookie : null));
        Assert.Contains(_hub.Requests, request => request.Host.StartsWith("localhost", StringComparison.Ordinal));
        foreach (var (host, _, _, authorization, cookie) in _hub.Requests)
        {
            var isHub = host.StartsWith("127.", StringComparison.Ordinal);
            Assert.Equal(isHub && !modelScope ? "Bearer secret" : null, authorization);
            Assert.Equal(isHub && modelScope ? "m_session_id=secret" : null, cookie);
        }
    }

    [Fact]
    public async Task Run_ConnectionsThatBreak_GoesOnWhereTheyDid()
    {
        foreach (var cut in new[] { 0, 1_000_000, 1_500_000, 2_999_999 }) _hub.Cuts.Enqueue(cut);
        _hub.Files["config.json"] = [];
        await FetchAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Target));
        Assert.True(_hub.RangesOf(Weights).Count(range => range is not null) >= 2);
    }

    [Fact]
    public async Task Run_RangesIgnored_BeginsAgain()
    {
        _hub.IgnoresRanges = true;
        _hub.Cuts.Enqueue(10);
        _hub.Cuts.Enqueue(2_000_000);
        await FetchAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task Run_AlwaysBroken_FailsAfterFiveAndKeepsWhatCame()
    {
        for (var i = 0; i < 20; i++) _hub.Cuts.Enqueue(2_000_000);
        Assert.Contains("5 times in a row", await FailAsync(), StringComparison.Ordinal);
        _hub.Cuts.Clear();
        await FetchAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Target));
        Assert.StartsWith("bytes=", _hub.RangesOf(Weights).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WrongContentOnce_IsFetchedAgain()
    {
        _hub.Files["config.json"] = [];
        _hub.Swaps.Enqueue(RandomNumberGenerator.GetBytes(_weights.Length));
        await FetchAsync(parallel: 1, order: [Weights, "config.json"]);
        Assert.Equal(_weights, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task Run_WrongHash_IsRefusedAndNothingIsPutInPlace()
    {
        _hub.Lies[Weights] = (null, new string('a', 64));
        Assert.Contains("twice with a wrong checksum", await FailAsync(), StringComparison.Ordinal);
        Assert.False(File.Exists(Target));
    }

    [Theory]
    [InlineData(2_999_999, false)]
    [InlineData(2_999_999, true)]
    [InlineData(3_000_001, false)]
    public async Task Run_OtherSizeThanListed_IsRefused(long size, bool hidesLength)
    {
        (_hub.Lies[Weights], _hub.HidesLength) = ((size, null), hidesLength);
        Assert.Contains("are listed", await FailAsync(), StringComparison.Ordinal);
        Assert.False(File.Exists(Target));
    }

    [Fact]
    public async Task Run_LessThanListedWithoutLength_IsRefused()
    {
        (_hub.Lies[Weights], _hub.HidesLength) = ((3_000_001, null), true);
        Assert.Contains("ended after 3000000 of 3000001 bytes", await FailAsync(), StringComparison.Ordinal);
        Assert.False(File.Exists(Target));
    }

    [Fact]
    public async Task Run_Busy_WaitsAsAskedAndTriesAgain()
    {
        _hub.Refusals.Enqueue((503, null));
        _hub.Refusals.Enqueue((429, "1"));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await FetchAsync();
        Assert.True(clock.ElapsedMilliseconds > 900, $"{clock.ElapsedMilliseconds} ms");
        Assert.Equal(_weights, File.ReadAllBytes(Target));
    }

    [Theory]
    [InlineData(401, "needs an access token")]
    [InlineData(403, "needs an access token")]
    [InlineData(404, "Check the model's name")]
    public async Task Run_Refused_SaysWhatToDo(int status, string remedy)
    {
        for (var i = 0; i < 4; i++) _hub.Refusals.Enqueue((status, null));
        Assert.Contains(remedy, await FailAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Again_AsksForNoFile()
    {
        await FetchAsync();
        var asked = _hub.RangesOf(Weights).Count();
        await FetchAsync();
        Assert.Equal(asked, _hub.RangesOf(Weights).Count());
        _hub.Files[Weights] = RandomNumberGenerator.GetBytes(_weights.Length);
        await FetchAsync();
        Assert.Equal(_hub.Files[Weights], File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task Run_FileFromElsewhere_IsKeptWhereItsHashIsRight()
    {
        File.WriteAllBytes(Target, _weights);
        await FetchAsync();
        Assert.Empty(_hub.RangesOf(Weights));
        var damaged = _weights.ToArray();
        damaged[17] ^= 1;
        Directory.Delete(_folder.File(".qwen3next-download"), recursive: true);
        File.WriteAllBytes(Target, damaged);
        await FetchAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task Run_Stopped_GoesOnInTheNextRun()
    {
        _hub.Files[Weights] = RandomNumberGenerator.GetBytes(20_000_000);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FetchAsync(stopAt: (2_000_000, stop)));
        Assert.False(File.Exists(Target));
        await FetchAsync();
        Assert.Equal(_hub.Files[Weights], File.ReadAllBytes(Target));
        Assert.NotNull(_hub.RangesOf(Weights).Last());
        Assert.Empty(Directory.GetFiles(_folder.File(".qwen3next-download"), "*.part"));
    }

    [Fact]
    public async Task Run_TooLittleRoom_IsRefusedBeforeAnythingIsFetched()
    {
        var message = await FailAsync(freeBytes: 2_000_000);
        Assert.Contains("3.0 MB are still to be fetched and 2.0 MB are free", message, StringComparison.Ordinal);
        Assert.Empty(_hub.RangesOf(Weights));
    }

    [Fact]
    public async Task Run_TwoAtOnce_TheSecondIsRefused()
    {
        using var first = new DownloadFolder(_folder.Path);
        Assert.Contains("Another download fills", await FailAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("..\\evil.json")]
    [InlineData("C:evil.json")]
    [InlineData(".hidden.json")]
    [InlineData("nul.json")]
    [InlineData("line\nbreak.json")]
    [InlineData("Config.json")]
    public async Task Check_NameThatLeadsElsewhere_RefusesTheList(string name)
    {
        _hub.Files[name] = [];
        Assert.Contains("Nothing was downloaded", await FailAsync(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData(Weights)]
    public async Task Check_NoModel_IsRefused(string without)
    {
        _hub.Files.Remove(without);
        Assert.Contains("no checkpoint", await FailAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_Pages_AreAllRead()
    {
        _hub.NextPage = $"/api/models/{HubServer.Model}/tree/{HubServer.Commit}?page=2";
        await FetchAsync();
        Assert.Equal(_weights, File.ReadAllBytes(Target));
        _hub.NextPage = "http://localhost:1/list";
        Assert.Contains("continues its list at 'http://localhost:1/list'", await FailAsync(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _hub.Dispose();
        _folder.Dispose();
    }

    private async Task<string> FailAsync(long freeBytes = long.MaxValue) => (await Assert.ThrowsAsync<Qwen3NextException>(() => FetchAsync(freeBytes: freeBytes))).Message;

    /// <summary>What the command does, with pauses of a millisecond.</summary>
    private async Task FetchAsync(
        bool modelScope = false, int parallel = 4, long freeBytes = long.MaxValue, string[]? order = null, HubToken? token = null, (long Bytes, CancellationTokenSource Source)? stopAt = null)
    {
        using var http = new HubHttp(_hub.Address, token, TimeSpan.FromSeconds(10));
        ModelHub hub = modelScope ? new ModelScopeHub(http, _hub.Address) : new HuggingFaceHub(http, _hub.Address);
        var files = await hub.ListAsync(HubServer.Model, hub.DefaultRevision, CancellationToken.None);
        HubFileNames.Check(files, HubServer.Model);
        if (order is not null) files = [.. order.Select(name => files.Single(file => file.Name == name))];
        using var folder = new DownloadFolder(_folder.Path);
        var progress = new DownloadProgress(_ => { }, _ => { });
        var retries = new Retries(TimeSpan.FromMilliseconds(1));
        if (stopAt is not { } stop)
        {
            await new ModelDownload(http, retries) { FreeBytes = _ => freeBytes }.RunAsync(files, folder, parallel, progress, CancellationToken.None);
            return;
        }
        var fetched = 0L;
        var download = new FileDownload(http, folder, retries, bytes => { if ((fetched += bytes) > stop.Bytes) stop.Source.Cancel(); });
        await download.RunAsync(files.Single(file => file.Name == Weights), stop.Source.Token);
    }
}

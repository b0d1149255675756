using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Qwen3Next.AI.Tests;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>OpenAI's own client for JavaScript, pointed at this server and otherwise as it is. <c>node/client.mjs</c> says what it asks.</summary>
public sealed class NodeClientTests(TinyServer tiny)
{
    private static readonly string s_folder = Path.Combine(SourceTree.Root, "tests", "Qwen3Next.AI.Cli.Tests", "Server", "node");

    [Fact]
    public async Task Client_EverythingItKnows_IsAnswered()
    {
        Assert.SkipUnless(Directory.Exists(Path.Combine(s_folder, "node_modules", "openai")), "npm's openai is not installed: npm install --prefix tests/Qwen3Next.AI.Cli.Tests/Server/node");
        var server = await tiny.StartedAsync();
        var found = await RunAsync("client.mjs", server.Version1.ToString(), TinyServer.Model, TinyServer.EmbeddingModel);

        var (whole, streamed) = (found.GetProperty("whole"), found.GetProperty("streamed"));
        Assert.Contains("4", whole.GetProperty("text").GetString(), StringComparison.Ordinal);
        foreach (var name in new[] { "text", "thoughts", "finish" }) Assert.Equal(whole.GetProperty(name).GetString(), streamed.GetProperty(name).GetString());
        Assert.NotEqual("", whole.GetProperty("thoughts").GetString());
        Assert.Equal(whole.GetProperty("usage").GetProperty("total_tokens").GetInt32(), streamed.GetProperty("total").GetInt32());
        Assert.Equal("37 * 12", Assert.Single(found.GetProperty("tool").GetProperty("asked").EnumerateArray()).GetString());
        Assert.Contains("444", found.GetProperty("tool").GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Contains(found.GetProperty("json").GetProperty("word").GetString(), (string[])["yes", "no"]);
        var text = found.GetProperty("text");
        Assert.Equal(text.GetProperty("whole").GetString(), text.GetProperty("pieces").GetString());
        Assert.Equal(text.GetProperty("whole").GetString(), string.Concat(text.GetProperty("tokens").EnumerateArray()));
        Assert.Equal(5, text.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal((2, true), (found.GetProperty("embeddings").GetProperty("count").GetInt32(), found.GetProperty("embeddings").GetProperty("same").GetBoolean()));
        Assert.Equal([TinyServer.Model, TinyServer.EmbeddingModel], found.GetProperty("models").EnumerateArray().Select(id => id.GetString()));
        var error = found.GetProperty("error");
        Assert.Equal((true, 404, "model_not_found", "model"), (error.GetProperty("isNotFound").GetBoolean(), error.GetProperty("status").GetInt32(), error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    private static async Task<JsonElement> RunAsync(string script, params string[] args)
    {
        using var process = Start(script, args);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(process.ExitCode == 0, await error);
        return JsonElement.Parse(await output);
    }

    private static Process Start(string script, string[] args)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("node", [script, .. args]) { WorkingDirectory = s_folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("Node.js 20 or newer is not installed");
            throw;
        }
    }
}

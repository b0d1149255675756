using Qwen3Next.AI.Model;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Weights;

public sealed class CheckpointReaderTests : IDisposable
{
    private const string SecondShard = "model-00002-of-00002.safetensors";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_Sharded_FindsEveryTensorInItsFile()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        using var checkpoint = CheckpointReader.Open(builder.SaveSharded(_folder));
        Assert.Equal(builder.Tensors.Keys, checkpoint.TensorNames.Order(StringComparer.Ordinal));
        Assert.Equal(2, builder.Tensors.Keys.Select(checkpoint.FileOf).Distinct().Count());
        Assert.All(builder.Tensors, t => Assert.True(checkpoint.TryGet(t.Key, out var tensor) && tensor.Bytes == t.Value.Data.Length));
    }

    [Fact]
    public void Open_MissingShard_NamesIt()
    {
        CheckpointBuilder.From("next-yarn").SaveSharded(_folder);
        File.Delete(_folder.File(SecondShard));
        AssertRefused(SecondShard, "missing");
    }

    [Fact]
    public void Open_LinkToNothing_NamesTheShard()
    {
        CheckpointBuilder.From("next-yarn").SaveSharded(_folder);
        File.Delete(_folder.File(SecondShard));
        File.CreateSymbolicLink(_folder.File(SecondShard), _folder.File("blob"));
        AssertRefused(SecondShard);
    }

    [Fact]
    public void Open_ShardWithoutAnIndexedTensor_NamesBoth()
    {
        CheckpointBuilder.From("next-yarn").SaveSharded(_folder);
        ChangeIndex(text => text.Replace("model.norm.weight", "model.norm.bias", StringComparison.Ordinal));
        AssertRefused("model.norm.bias", "index.json says so");
    }

    [Fact]
    public void Open_SameTensorInTwoShards_IsRefused()
    {
        CheckpointBuilder.From("next-yarn").SaveSharded(_folder);
        File.Copy(_folder.File(SecondShard), _folder.File("model-00001-of-00002.safetensors"), overwrite: true);
        AssertRefused("is both in");
    }

    [Theory]
    [InlineData("../" + SecondShard)]
    [InlineData("..")]
    [InlineData("")]
    public void Open_ShardOutsideTheFolder_IsRefused(string name)
    {
        CheckpointBuilder.From("next-yarn").SaveSharded(_folder);
        ChangeIndex(text => text.Replace(SecondShard, name, StringComparison.Ordinal));
        AssertRefused("a file name without a path");
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "JSON object")]
    [InlineData("{}", "weight_map is missing")]
    [InlineData("""{"weight_map":[]}""", "must be an object")]
    [InlineData("""{"weight_map":{"\ud800":"x"}}""", "not valid")]
    public void Open_DamagedIndex_NamesIt(string json, string expected)
    {
        CheckpointBuilder.From("next-yarn").SaveSharded(_folder);
        ChangeIndex(_ => json);
        AssertRefused("model.safetensors.index.json", expected);
    }

    [Fact]
    public void Open_NoWeights_SaysWhatIsExpected()
    {
        File.WriteAllText(_folder.File("config.json"), "{}");
        AssertRefused("neither model.safetensors nor model.safetensors.index.json");
    }

    [Fact]
    public void Resolve_HubCache_FollowsRefsMain()
    {
        var source = CheckpointBuilder.From("next-yarn").Save(_folder);
        using var cache = new TemporaryFolder();
        var model = Path.Combine(cache.Path, "models--some--model");
        Directory.CreateDirectory(Path.Combine(model, "blobs"));
        Directory.CreateDirectory(Path.Combine(model, "refs"));
        foreach (var revision in new[] { "aaa", "bbb" })
        {
            var snapshot = Directory.CreateDirectory(Path.Combine(model, "snapshots", revision)).FullName;
            foreach (var file in new[] { "config.json", "model.safetensors" })
            {
                File.Copy(Path.Combine(source, file), Path.Combine(model, "blobs", revision + file));
                File.CreateSymbolicLink(Path.Combine(snapshot, file), Path.Combine("..", "..", "blobs", revision + file));
            }
        }
        Assert.Contains("2 snapshots", Refusal(model), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(model, "refs", "main"), "bbb\n");
        Assert.Equal(Path.Combine(model, "snapshots", "bbb"), CheckpointFolder.Resolve(model));
        using var weights = Qwen3NextWeights.Load(Qwen3NextConfig.Load(model), CheckpointReader.Open(model));
        Assert.Equal(4, weights.Layers.Length);

        File.WriteAllText(Path.Combine(model, "refs", "main"), "ccc");
        Assert.Contains("'ccc'", Refusal(model), StringComparison.Ordinal);
        File.Delete(Path.Combine(model, "refs", "main"));
        Directory.Delete(Path.Combine(model, "snapshots", "aaa"), recursive: true);
        Assert.Equal(Path.Combine(model, "snapshots", "bbb"), CheckpointFolder.Resolve(model));
    }

    [Fact]
    public void Resolve_NotAModel_SaysWhatToGive()
    {
        var file = _folder.File("model.gguf");
        File.WriteAllText(file, "");
        Assert.Contains("is a file", Refusal(file), StringComparison.Ordinal);
        Assert.Contains("neither", Refusal(_folder.Path), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refusal(_folder.File("x")), StringComparison.Ordinal);
    }

    private static string Refusal(string path) => Assert.Throws<CheckpointException>(() => CheckpointFolder.Resolve(path)).Message;

    private void ChangeIndex(Func<string, string> change)
    {
        var path = _folder.File("model.safetensors.index.json");
        File.WriteAllText(path, change(File.ReadAllText(path)));
    }

    private void AssertRefused(params string[] parts)
    {
        var message = Assert.Throws<CheckpointException>(() => CheckpointReader.Open(_folder.Path)).Message;
        Assert.All(parts, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }
}

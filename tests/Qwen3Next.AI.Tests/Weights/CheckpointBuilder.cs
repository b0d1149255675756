using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Tests.Weights;

/// <summary>A checkpoint that a test takes from the reference data, changes or breaks, and saves.</summary>
internal sealed class CheckpointBuilder
{
    public JsonObject Config { get; private init; } = [];

    public SortedDictionary<string, (string Type, long[] Shape, byte[] Data)> Tensors { get; } = new(StringComparer.Ordinal);

    public static CheckpointBuilder From(string golden)
    {
        var folder = Golden.Path(golden);
        var builder = new CheckpointBuilder { Config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject() };
        using var file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        foreach (var (name, entry) in file.Entries) builder.Tensors[name] = (entry.TypeName, entry.Dimensions, file.Bytes(name).ToArray());
        return builder;
    }

    public void Rename(Func<string, string> rename)
    {
        var all = Tensors.ToArray();
        Tensors.Clear();
        foreach (var (name, tensor) in all) Tensors[rename(name)] = tensor;
    }

    public void Set<T>(string name, string type, long[] shape, T[] values) where T : unmanaged =>
        Tensors[name] = (type, shape, MemoryMarshal.AsBytes<T>(values).ToArray());

    /// <summary>Takes a tensor out.</summary>
    public (string Type, long[] Shape, byte[] Data) Take(string name)
    {
        var tensor = Tensors[name];
        Tensors.Remove(name);
        return tensor;
    }

    public string Save(TemporaryFolder folder)
    {
        SaveConfig(folder);
        SaveTensors(folder.File("model.safetensors"), Tensors.Keys);
        return folder.Path;
    }

    /// <summary>Two shards and their index.</summary>
    public string SaveSharded(TemporaryFolder folder)
    {
        SaveConfig(folder);
        var map = new JsonObject();
        foreach (var names in Tensors.Keys.Index().GroupBy(n => n.Index % 2, n => n.Item))
        {
            var shard = $"model-0000{names.Key + 1}-of-00002.safetensors";
            SaveTensors(folder.File(shard), [.. names]);
            foreach (var name in names) map[name] = shard;
        }
        var index = new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map };
        File.WriteAllText(folder.File("model.safetensors.index.json"), index.ToJsonString());
        return folder.Path;
    }

    private void SaveConfig(TemporaryFolder folder) => File.WriteAllText(folder.File("config.json"), Config.ToJsonString());

    private void SaveTensors(string path, IReadOnlyCollection<string> names)
    {
        using var writer = new SafetensorsWriter(path, [.. names.Select(n => new SafetensorsTensor(n, Tensors[n].Type, Tensors[n].Shape))]);
        foreach (var name in names) writer.Write<byte>(Tensors[name].Data);
        writer.Complete();
    }
}

using System.Text.Json;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Weights;

/// <summary>A model folder with one safetensors file or a sharded set of them. All headers are read on opening; no weight is.</summary>
internal sealed class CheckpointReader : ICheckpoint
{
    private const string SingleFile = "model.safetensors", IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> _owners = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> _files = [];

    private CheckpointReader(string folder) => Name = folder;

    public string Name { get; }

    public IReadOnlyCollection<string> TensorNames => _owners.Keys;

    /// <param name="path">A model folder or a hub cache folder.</param>
    /// <exception cref="CheckpointException">A file is missing, damaged or contradicts the index.</exception>
    public static CheckpointReader Open(string path)
    {
        var reader = new CheckpointReader(CheckpointFolder.Resolve(path));
        try
        {
            reader.OpenFiles();
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    public string FileOf(string tensor) => _owners.TryGetValue(tensor, out var file) ? file.Path : Name;

    public bool TryGet(string name, out Tensor tensor)
    {
        tensor = default;
        return _owners.TryGetValue(name, out var file) && file.TryGet(name, out tensor);
    }

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private void OpenFiles()
    {
        var index = Path.Combine(Name, IndexFile);
        var single = Path.Combine(Name, SingleFile);
        if (File.Exists(single)) Add(single);
        else if (File.Exists(index)) OpenShards(index);
        else throw new CheckpointException($"{Name} holds neither {SingleFile} nor {IndexFile}; only safetensors checkpoints can be loaded.");
    }

    private void OpenShards(string index)
    {
        var map = JsonSection.Read(index).Object("weight_map") ?? throw new CheckpointException($"{index}: weight_map is missing.");
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.Element.EnumerateObject()) shardOf[entry.Name] = ShardName(map, entry);
        foreach (var shard in shardOf.Values.Distinct().Order(StringComparer.Ordinal))
        {
            var path = Path.Combine(Name, shard);
            if (!File.Exists(path)) throw new CheckpointException($"{path} is missing, though {IndexFile} names it; download the checkpoint again.");
            Add(path);
        }
        foreach (var (tensor, shard) in shardOf)
        {
            if (!_owners.TryGetValue(tensor, out var owner) || Path.GetFileName(owner.Path) != shard)
                throw new CheckpointException($"{Path.Combine(Name, shard)} does not hold tensor {tensor}, though {IndexFile} says so.");
        }
    }

    /// <summary>Shards lie beside their index; a path that leads elsewhere is refused.</summary>
    private static string ShardName(JsonSection map, JsonProperty entry)
    {
        var name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
        var plain = name.Length > 0 && name is not ("." or "..") && name.IndexOfAny(['/', '\\']) < 0;
        return plain ? name : throw map.Bad(entry.Name, entry.Value, "a file name without a path");
    }

    private void Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (var tensor in file.Entries.Keys)
        {
            if (!_owners.TryAdd(tensor, file)) throw new CheckpointException($"Tensor {tensor} is both in {_owners[tensor].Path} and in {path}.");
        }
    }
}

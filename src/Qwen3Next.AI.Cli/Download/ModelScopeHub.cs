using System.Text.Json;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>ModelScope.</summary>
internal sealed class ModelScopeHub(HubHttp http, Uri address) : ModelHub(http, address)
{
    public static readonly Uri PublicAddress = new("https://www.modelscope.cn/");

    public const string TokenCookie = "m_session_id";

    public override string DefaultRevision => "master";

    public override async Task<IReadOnlyList<HubFile>> ListAsync(string model, string revision, CancellationToken cancellationToken)
    {
        // Without the last part the list ends after a few files.
        var list = At($"api/v1/models/{model}/repo/files?Revision={Uri.EscapeDataString(revision)}&Recursive=true");
        var (json, _) = await Http.GetJsonAsync(list, cancellationToken);
        if (!json.TryGetProperty("Data", out var data) || data.ValueKind != JsonValueKind.Object || !data.TryGetProperty("Files", out var entries) || entries.ValueKind != JsonValueKind.Array)
            throw NotAList(list);
        return [.. from entry in entries.EnumerateArray()
                   let path = Text(entry, "Path")
                   where Text(entry, "Type") == "blob" && path is not null && HubFileNames.IsWanted(path)
                   select new HubFile(path, Size(entry, "Size"), Text(entry, "Sha256") is { Length: > 0 } hash ? hash.ToLowerInvariant() : null, Text(entry, "Revision") ?? revision,
                       At($"api/v1/models/{model}/repo?Revision={Uri.EscapeDataString(revision)}&FilePath={Uri.EscapeDataString(path)}"))];
    }
}

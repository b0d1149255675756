using System.Text.Json;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>Hugging Face, or a server that answers like it.</summary>
internal sealed class HuggingFaceHub(HubHttp http, Uri address) : ModelHub(http, address)
{
    public static readonly Uri PublicAddress = new("https://huggingface.co/");

    private const int MostPages = 100;

    public override string DefaultRevision => "main";

    public override async Task<IReadOnlyList<HubFile>> ListAsync(string model, string revision, CancellationToken cancellationToken)
    {
        // A branch may move while its files are fetched; the commit it means now does not.
        var (info, _) = await Http.GetJsonAsync(At($"api/models/{model}/revision/{Uri.EscapeDataString(revision)}"), cancellationToken);
        var commit = Uri.EscapeDataString(Text(info, "sha") ?? throw NotAList(At($"api/models/{model}")));
        var files = new List<HubFile>();
        Uri? page = At($"api/models/{model}/tree/{commit}");
        for (var pages = 0; page is not null; pages++)
        {
            if (pages == MostPages) throw new Qwen3NextException($"The list of {model} has more than {MostPages} pages. Nothing was downloaded; use another source with --from.");
            var (json, next) = await Http.GetJsonAsync(page, cancellationToken);
            if (json.ValueKind != JsonValueKind.Array) throw NotAList(page);
            foreach (var entry in json.EnumerateArray())
                if (Text(entry, "type") == "file" && Text(entry, "path") is { } path && HubFileNames.IsWanted(path)) files.Add(File(model, commit, path, entry));
            page = next;
        }
        return files;
    }

    private HubFile File(string model, string commit, string path, JsonElement entry) => new(
        path, Size(entry, "size"), entry.TryGetProperty("lfs", out var lfs) ? Text(lfs, "oid")?.ToLowerInvariant() : null, Text(entry, "oid") ?? commit,
        At($"{model}/resolve/{commit}/{Uri.EscapeDataString(path)}"));
}

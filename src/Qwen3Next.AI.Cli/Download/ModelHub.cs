using System.Text.Json;
using System.Text.RegularExpressions;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>A place that lists and serves the files of models.</summary>
internal abstract partial class ModelHub(HubHttp http, Uri address)
{
    /// <summary>What is fetched where no revision is asked for.</summary>
    public abstract string DefaultRevision { get; }

    protected HubHttp Http => http;

    /// <summary>The files of a model's first folder, all of one version.</summary>
    /// <exception cref="Qwen3NextException">There is no such model, or the list is not one.</exception>
    /// <exception cref="IOException">The network failed; it may work again.</exception>
    public abstract Task<IReadOnlyList<HubFile>> ListAsync(string model, string revision, CancellationToken cancellationToken);

    /// <summary>A model is named owner/name on every hub.</summary>
    public static bool IsModelName(string text) => Name().IsMatch(text);

    protected Uri At(string path) => new(address, path);

    protected static Qwen3NextException NotAList(Uri uri) => new($"{uri} did not answer with a list of files. Check --from.");

    protected static string? Text(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    protected static long Size(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.TryGetInt64(out var size) ? size : -1;

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._\-]*/[A-Za-z0-9_][A-Za-z0-9._\-]*\z")]
    private static partial Regex Name();
}

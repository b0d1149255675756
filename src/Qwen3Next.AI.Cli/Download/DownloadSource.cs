using System.Text.RegularExpressions;
using Qwen3Next.AI.Cli.Input;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>Which hub, and the token for it.</summary>
internal sealed partial record DownloadSource(Uri Address, HubToken? Token, bool IsModelScope)
{
    public const string HuggingFace = "huggingface", ModelScope = "modelscope";

    /// <param name="from">huggingface, modelscope or an address.</param>
    /// <param name="tokenVariable">Where the user says the token is; null for the hub's own variable.</param>
    /// <exception cref="UsageException">It is none of these, the variable is empty, or the token would travel in the open.</exception>
    public static DownloadSource Parse(string from, string? tokenVariable)
    {
        var (address, usual) = from switch
        {
            HuggingFace => (HuggingFaceHub.PublicAddress, "HF_TOKEN"),
            ModelScope => (ModelScopeHub.PublicAddress, "MODELSCOPE_API_TOKEN"),
            // A token is for the hub that gave it: another address gets one only when it is named.
            _ => (Parse(from), null),
        };
        var token = (tokenVariable ?? usual) is { } variable ? Environment.GetEnvironmentVariable(variable)?.Trim() : null;
        if (tokenVariable is not null && string.IsNullOrEmpty(token)) throw new UsageException($"--token-variable names {tokenVariable}, which is not set.");
        if (string.IsNullOrEmpty(token)) return new DownloadSource(address, null, from == ModelScope);
        if (!PlainToken().IsMatch(token)) throw new UsageException($"{tokenVariable ?? usual} holds characters that no access token has.");
        if (address.Scheme != Uri.UriSchemeHttps && !address.IsLoopback) throw new UsageException($"--from is '{from}'; a token is sent over https only.");
        return new DownloadSource(address, new HubToken(token, from == ModelScope ? ModelScopeHub.TokenCookie : null), from == ModelScope);
    }

    public ModelHub Open(HubHttp http) => IsModelScope ? new ModelScopeHub(http, Address) : new HuggingFaceHub(http, Address);

    [GeneratedRegex(@"^[A-Za-z0-9._~+/=\-]+\z")]
    private static partial Regex PlainToken();

    private static Uri Parse(string from) => Uri.TryCreate(from.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
        ? address
        : throw new UsageException($"--from is '{from}'; it must be {HuggingFace}, {ModelScope} or an address that begins with https:// or http://.");
}

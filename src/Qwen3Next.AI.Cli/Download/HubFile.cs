using System.Security.Cryptography;
using System.Text;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>A file of a model, as a hub lists it.</summary>
/// <param name="Name">A plain file name: checked by <see cref="HubFileNames"/>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Of its content, in lower-case hexadecimal; null where the hub gives none.</param>
/// <param name="Version">Changes with the content.</param>
/// <param name="Address">Where its bytes are.</param>
internal sealed record HubFile(string Name, long Size, string? Sha256, string Version, Uri Address)
{
    /// <summary>Names what is kept of a download: bytes of another version never go on where these ended.</summary>
    public string Identity { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Name}\n{Size}\n{Sha256 ?? Version}")));
}

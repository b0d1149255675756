using System.Net;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>Where the server listens, who may ask, and how much.</summary>
internal sealed record ServerOptions
{
    /// <summary>Default: this machine only.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0 takes any free port.</summary>
    public int Port { get; init; }

    /// <summary>Bearer token of every request but those for the page and the health. Null: everybody who reaches the address may ask.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Bytes of a request's body.</summary>
    public long MaxRequestBytes { get; init; } = 8 << 20;

    /// <summary>Messages of a conversation.</summary>
    public int MaxMessages { get; init; } = 1024;

    /// <summary>From a request's arrival to the end of its answer.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A stream that has nothing to say for so long sends a comment, so that nobody on the way takes it for dead.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);
}

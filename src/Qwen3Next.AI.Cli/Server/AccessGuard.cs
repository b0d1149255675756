using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>Lets a request pass that carries the key, or that needs none: endpoints marked <c>AllowAnonymous</c>, and all where there is no key.</summary>
internal sealed class AccessGuard(ServerOptions options)
{
    private const string Scheme = "Bearer ";

    // Digests have one length, so that comparing them takes one time whatever was sent.
    private readonly byte[]? _key = options.ApiKey is { } key ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : null;

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (_key is null) CheckHost(context.Request.Host);
        else if (context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null) CheckKey(context.Request);
        return next(context);
    }

    private void CheckKey(HttpRequest request)
    {
        var sent = request.Headers.Authorization.ToString();
        if (sent.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) &&
            CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(sent[Scheme.Length..].Trim())), _key)) return;
        var message = sent.Length == 0 ? "The request carries no API key. Send it as 'Authorization: Bearer KEY'." : "The API key is not the server's. Check it.";
        throw new ApiException(StatusCodes.Status401Unauthorized, message, code: "invalid_api_key");
    }

    // A web page whose name was made to point here could otherwise use the visitor's own server.
    private void CheckHost(HostString host)
    {
        if (!IPAddress.IsLoopback(options.Address) || !host.HasValue) return;
        if (host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return;
        if (IPAddress.TryParse(host.Host, out var address) && IPAddress.IsLoopback(address)) return;
        throw new ApiException(StatusCodes.Status403Forbidden,
            $"The request is for the host '{host.Host}', but this server answers to localhost only. Ask for http://localhost, or start the server with an API key.");
    }
}

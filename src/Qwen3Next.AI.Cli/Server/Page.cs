using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>The page to chat in: a client of this server's own API, whose files are part of the tool.</summary>
internal static class Page
{
    private const string Resources = "page/";

    // It loads nothing from elsewhere, runs nothing but its own files, and has no way from text to markup.
    private const string Policy =
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    /// <summary>Maps the page at <c>/</c>, its files beside it, and <c>/page/text</c>, which reads PDF files for it. The files need no key.</summary>
    public static void MapPage(this IEndpointRouteBuilder app)
    {
        var assembly = typeof(Page).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Resources, StringComparison.Ordinal)))
        {
            using var content = assembly.GetManifestResourceStream(name)!;
            var file = PageFile.Read(name[Resources.Length..].Replace('\\', '/'), content);
            app.MapMethods(file.Path, [HttpMethods.Get, HttpMethods.Head], context =>
            {
                SetHeaders(context.Response.Headers);
                return file.AnswerAsync(context);
            }).AllowAnonymous();
        }
        app.MapPost("/page/text", PageText.HandleAsync).WithMetadata(PageText.SizeLimit);
    }

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-cache"; // asked for each time, and sent only when it has changed
    }
}

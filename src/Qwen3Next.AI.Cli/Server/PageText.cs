using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace Qwen3Next.AI.Cli.Server;

/// <summary><c>POST /page/text</c>: the text of a PDF file, as <c>{"pages": 3, "text": "..."}</c>.</summary>
internal static class PageText
{
    private const string Pdf = "application/pdf";
    private const int MostAtOnce = 2;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    // One for the process, which lives as long.
    private static readonly SemaphoreSlim s_places = new(MostAtOnce);

    /// <summary>Files are larger than chats.</summary>
    public static IRequestSizeLimitMetadata SizeLimit { get; } = new BodyLimit(20 << 20);

    public static async Task HandleAsync(HttpContext context)
    {
        // Of another type, a page from elsewhere could send it without asking this server first.
        var type = context.Request.ContentType?.Split(';')[0].Trim();
        if (!Pdf.Equals(type, StringComparison.OrdinalIgnoreCase))
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, $"The body's Content-Type is '{type}'; it must be {Pdf}.");
        await s_places.WaitAsync(context.RequestAborted);
        try
        {
            var text = await PdfProcess.ReadAsync(context.Request.Body, s_limit, context.RequestAborted);
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = text.Length;
            await context.Response.Body.WriteAsync(text, context.RequestAborted);
        }
        finally
        {
            s_places.Release();
        }
    }

    private sealed record BodyLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}

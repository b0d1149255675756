using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>JSON that came from outside: after this, every text in it can be read and no name comes twice.</summary>
internal static class RequestBody
{
    private const int MostLevels = 64;

    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = MostLevels, AllowDuplicateProperties = false };

    public static async Task<JsonFields> ReadAsync(HttpContext context)
    {
        // A web page can send other types to any address without asking; this one it cannot.
        if (!context.Request.HasJsonContentType())
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType,
                $"The content type is '{context.Request.ContentType}'. Send JSON, with 'Content-Type: application/json'.");
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return new JsonFields(Parse(body.GetBuffer().AsSpan(0, (int)body.Length), "The body"), "");
    }

    /// <param name="json">UTF-8.</param>
    /// <param name="what">Names it in errors.</param>
    /// <exception cref="ApiException">It is no JSON, nests too deep, or holds texts that are none.</exception>
    public static JsonElement Parse(ReadOnlySpan<byte> json, string what)
    {
        try
        {
            if (!Utf8.IsValid(json)) throw new JsonException("it is not UTF-8.");
            CheckTexts(json);
            return JsonElement.Parse(json, s_options);
        }
        catch (JsonException e)
        {
            throw ApiException.Bad($"{what} cannot be read as JSON: {e.Message}");
        }
    }

    // Half a surrogate pair is valid in JSON but in no text.
    private static void CheckTexts(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MostLevels });
        try
        {
            while (reader.Read())
                if (reader.ValueIsEscaped) reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException($"byte {reader.TokenStartIndex} begins a text with half a character.", e);
        }
    }
}

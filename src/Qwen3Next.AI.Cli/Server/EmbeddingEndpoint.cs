using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary><c>POST /v1/embeddings</c>.</summary>
internal sealed class EmbeddingEndpoint(ServedModel model)
{
    private const int MostTexts = 2048;

    public async Task HandleAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context);
        var generator = model.Embeddings ?? throw new ApiException(StatusCodes.Status404NotFound,
            "No embedding model is loaded. Start the server with --embedding-model FOLDER, a Qwen3-Embedding checkpoint.", code: "model_not_found");
        var info = model.EmbeddingInfo!;
        if (body.Text("model") is { } name && !name.Equals(info.ModelId, StringComparison.OrdinalIgnoreCase)) throw model.Unknown(name);
        var texts = Texts(body);
        var options = new EmbeddingGenerationOptions { Dimensions = body.Whole("dimensions", 1, int.MaxValue) };
        if (body.Text("instruction") is { } instruction) options.AdditionalProperties = new() { ["instruction"] = instruction };
        var asBytes = body.Text("encoding_format") switch
        {
            null or "float" => false,
            "base64" => true,
            var other => throw body.Wrong("encoding_format", other, "it must be float or base64"),
        };
        body.Ignore("user");
        body.RefuseRest();

        var embeddings = await generator.GenerateAsync(texts, options, context.RequestAborted);
        var tokens = embeddings.Usage?.InputTokenCount ?? 0;
        var list = new EmbeddingList([.. embeddings.Select((e, i) => new EmbeddedText(i, Write(e.Vector.Span, asBytes)))], info.ModelId, new Usage(tokens, null, tokens));
        await context.Response.WriteAsJsonAsync(list, AnswerJson.Types.EmbeddingList, cancellationToken: context.RequestAborted);
    }

    private static List<string> Texts(JsonFields body)
    {
        var input = body.Any("input") ?? throw body.Missing("input", "a text or an array of texts");
        List<JsonElement> items = input.ValueKind == JsonValueKind.Array ? [.. input.EnumerateArray()] : [input];
        if (items.Count is > 0 and <= MostTexts && items.TrueForAll(item => item.ValueKind == JsonValueKind.String)) return [.. items.Select(item => item.GetString()!)];
        throw JsonFields.Wrong("input", input, $"a text or 1 to {MostTexts} texts; token ids of other models mean nothing here");
    }

    private static JsonElement Write(ReadOnlySpan<float> vector, bool asBytes) => asBytes
        ? JsonSerializer.SerializeToElement(Convert.ToBase64String(MemoryMarshal.AsBytes(vector)), AnswerJson.Types.String)
        : JsonSerializer.SerializeToElement(vector.ToArray(), AnswerJson.Types.SingleArray);
}

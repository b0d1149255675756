using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>One file of the page.</summary>
internal sealed class PageFile
{
    private readonly byte[] _content;
    private readonly string _type;
    private readonly EntityTagHeaderValue _tag;

    private PageFile(string name, byte[] content)
    {
        Path = name == "index.html" ? "/" : "/" + name;
        _content = content;
        _type = TypeOf(name);
        _tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..32]}\"");
    }

    /// <summary>Where it is served.</summary>
    public string Path { get; }

    public static PageFile Read(string name, Stream content)
    {
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return new PageFile(name, bytes);
    }

    /// <summary>The file, or status 304 where the browser has it.</summary>
    public Task AnswerAsync(HttpContext context) => TypedResults.Bytes(_content, _type, entityTag: _tag).ExecuteAsync(context);

    private static string TypeOf(string name) => System.IO.Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => throw new NotSupportedException($"'{name}' of the page is of a type that is not known here. Add it."),
    };
}

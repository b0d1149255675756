using System.Text.Json;

namespace Qwen3Next.AI.Tests.Endpoint;

/// <summary>Streamed pieces as the servers write them: the names of fields, what is null and what is left out differ between them and their versions.</summary>
internal sealed class WireFormat
{
    private readonly string _name;
    private readonly string _reasoning;

    private WireFormat(string name, string reasoning) => (_name, _reasoning) = (name, reasoning);

    public static WireFormat Of(string server) => server switch
    {
        "vllm" => new WireFormat(server, "reasoning"),
        "vllm before 0.11" => new WireFormat(server, "reasoning_content"),
        "sglang" => new WireFormat(server, "reasoning_content"),
        _ => throw new ArgumentOutOfRangeException(nameof(server), server, null),
    };

    private bool IsSglang => _name == "sglang";

    public string Role() => Piece(IsSglang ? """{"role":"assistant","content":""}""" : """{"role":"assistant","content":"","reasoning_content":null}""");

    public string Reasoning(string text) => Piece("{\"" + _reasoning + "\":" + Quote(text) + (IsSglang ? ""","role":null,"content":null,"tool_calls":null}""" : "}"));

    public string Text(string text) => Piece("""{"content":""" + Quote(text) + (IsSglang ? ""","role":null,"reasoning_content":null,"tool_calls":null}""" : "}"));

    public string CallStart(int index, string id, string name) => Piece(
        """{"tool_calls":[{"index":""" + index + ""","id":""" + Quote(id) + ""","type":"function","function":{"name":""" + Quote(name) + ""","arguments":""}}]}""");

    public string CallArguments(int index, string part) => Piece(
        """{"tool_calls":[{"index":""" + index + (IsSglang ? ""","id":null,"type":"function","function":{"name":null,"arguments":""" : ""","function":{"arguments":""") + Quote(part) + "}}]}");

    public string Finish(string reason) => Piece("{}", Quote(reason));

    public string Usage(int prompt, int completion, int cached, int reasoning) => Whole("[]", $",\"usage\":{{\"prompt_tokens\":{prompt},\"total_tokens\":{prompt + completion},"
        + $"\"completion_tokens\":{completion},\"prompt_tokens_details\":{{\"cached_tokens\":{cached}}}" + (IsSglang ? $",\"reasoning_tokens\":{reasoning}}}" : "}"));

    private string Piece(string delta, string finish = "null") => IsSglang
        ? Whole("""[{"index":0,"delta":""" + delta + ""","logprobs":null,"finish_reason":""" + finish + ""","matched_stop":null}]""", ""","usage":null""")
        : Whole("""[{"index":0,"delta":""" + delta + ""","logprobs":null,"finish_reason":""" + finish + (finish == "null" ? "}]" : ""","stop_reason":null}]"""));

    private string Whole(string choices, string more = "") => """{"id":""" + (IsSglang ? "\"9f2c51\"" : "\"chatcmpl-7d41\"")
        + ""","object":"chat.completion.chunk","created":1764042665,"model":"Qwen/Qwen3-Next-80B-A3B-Thinking","choices":""" + choices + more + "}";

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}

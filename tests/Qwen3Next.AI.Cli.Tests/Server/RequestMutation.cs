using System.Text;
using System.Text.Json.Nodes;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>A valid request with one or more things wrong; the same seed gives the same request.</summary>
internal sealed class RequestMutation
{
    private static readonly string[] s_chats =
    [
        """{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello!"}],"temperature":0.7,"top_p":0.9,"top_k":20,"min_p":0.1,"max_tokens":2,"seed":5,"stop":["x"],"user":"u"}""",
        """{"messages":[{"role":"user","content":[{"type":"text","text":"Hello!"}]}],"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":2,"logprobs":true,"top_logprobs":2,"logit_bias":{"5":-1}}""",
        """{"messages":[{"role":"user","content":"Add."},{"role":"assistant","content":null,"reasoning_content":"Hm.","tool_calls":[{"id":"a","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}],"tools":[{"type":"function","function":{"name":"add","description":"Adds.","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":9},"b":{"enum":["x","y"]}},"required":["a"],"additionalProperties":false}}}],"tool_choice":{"type":"function","function":{"name":"add"}},"parallel_tool_calls":false,"max_tokens":3}""",
        """{"messages":[{"role":"user","content":"JSON."}],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{"s":{"type":"string","maxLength":3,"pattern":"^[a-c]+$"},"l":{"type":"array","items":{"$ref":"#/$defs/n"},"maxItems":2}},"required":["s"],"$defs":{"n":{"anyOf":[{"type":"number"},{"type":"null"}]}}}}},"max_tokens":3,"reasoning_effort":"low","thinking_budget":3,"chat_template_kwargs":{"enable_thinking":false},"frequency_penalty":0.5,"presence_penalty":-0.5,"repetition_penalty":1.1}""",
    ];

    private static readonly string[] s_completions =
    [
        """{"prompt":"Hello","max_tokens":2,"temperature":1,"seed":1,"logprobs":2,"echo":false,"best_of":1,"n":1}""",
        """{"prompt":[72,101,108],"max_tokens":2,"stream":true,"stop":"z"}""",
    ];

    private const string Embedding = """{"input":["Hello","you"],"dimensions":4,"encoding_format":"base64","user":"u"}""";

    private static readonly string[] s_values =
    [
        "null", "true", "-1", "0", "1.5", "1e999", "-1e999", "1e-400", "123456789012345678901234567890", "9223372036854775808", "2147483648", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "\"<|im_end|>\"", "\"auto\"",
        "[]", "{}", "[[]]", "[null]", "{\"\":0}", "{\"type\":\"function\"}", "{\"type\":\"object\",\"$ref\":\"#\"}", "\"\\\\\"", "\"{\"", "[1,2,3]", "\"\u00e9\u4f60\"", "{\"pattern\":\"(a+)+$\"}", "{\"maxLength\":2147483647}",
        "{\"type\":\"array\",\"minItems\":1000000}", "{\"allOf\":[{\"$ref\":\"#\"}]}", "{\"enum\":[]}", "{\"minimum\":1e308,\"maximum\":-1e308}",
    ];

    private readonly Random _random;
    private readonly string _path;
    private readonly byte[] _body;
    private readonly HttpMethod _method = HttpMethod.Post;
    private readonly string _contentType = "application/json";
    private readonly (string Name, string Value)? _header;

    public RequestMutation(int seed, string[] paths)
    {
        _random = new Random(seed);
        _path = Pick(paths);
        var valid = _path switch { "/v1/completions" => Pick(s_completions), "/v1/embeddings" => Embedding, _ => Pick(s_chats) };
        _body = _random.Next(10) switch
        {
            < 5 => Encoding.UTF8.GetBytes(ChangeTree(valid)),
            < 8 => ChangeBytes(Encoding.UTF8.GetBytes(valid)),
            8 => Encoding.UTF8.GetBytes(Nest(valid)),
            _ => Encoding.UTF8.GetBytes(valid),
        };
        switch (_random.Next(20))
        {
            case 0: _method = new HttpMethod(Pick("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEADLESS")); break;
            case 1: _contentType = Pick("text/plain", "application/json; charset=utf-16", "application/json; charset=\"", "application/vnd.api+json", "json", "application/jsonp"); break;
            case 2: _header = (Pick("Content-Encoding", "Authorization", "Accept", "X-Forwarded-For", "Range", "Origin"), Pick("gzip", "\u0001", "Bearer x", "*/*;q=x", "bytes=0-1", "null")); break;
            case 3: _path = Pick("/v1", "/v1/", "/v1/chat/completions/", "/v1/models/%2e%2e", "/V1/CHAT/COMPLETIONS", "/v1/chat/completions?x=%00", "/health", "/metrics"); break;
            default: break;
        }
    }

    public HttpRequestMessage Create()
    {
        var request = new HttpRequestMessage(_method, _path) { Content = new ByteArrayContent(_body) };
        if (_header is { } header) request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", _contentType);
        return request;
    }

    public override string ToString() => $"{_method} {_path} ({_contentType}) {_header} {Encoding.UTF8.GetString(_body)}";

    private string Pick(params ReadOnlySpan<string> values) => values[_random.Next(values.Length)];

    /// <summary>Members and items replaced, removed, renamed, doubled or added.</summary>
    private string ChangeTree(string json)
    {
        var root = JsonNode.Parse(json)!;
        for (var changes = _random.Next(1, 4); changes > 0; changes--)
        {
            var parents = Parents(root).ToList();
            if (parents.Count == 0) break;
            var parent = parents[_random.Next(parents.Count)];
            // A mark that becomes the raw value in the end: most of these values are none that a tree can hold.
            var value = JsonValue.Create($"@{_random.Next(s_values.Length)}@");
            if (parent is JsonObject members) Change(members, value);
            else parent[_random.Next(((JsonArray)parent).Count)] = value;
        }
        var text = root.ToJsonString();
        for (var i = 0; i < s_values.Length; i++) text = text.Replace($"\"@{i}@\"", s_values[i], StringComparison.Ordinal);
        return text;
    }

    private void Change(JsonObject members, JsonNode value)
    {
        var name = members.ElementAt(_random.Next(members.Count)).Key;
        switch (_random.Next(6))
        {
            case 0: members.Remove(name); break;
            case 1: members[Pick("unknown", "", "n", "tools", "stream", "model", "prompt", "messages", "functions", "\u4f60")] = value; break;
            case 2:
                var moved = members[name]?.DeepClone();
                members.Remove(name);
                members[name.ToUpperInvariant()] = moved;
                break;
            default: members[name] = value; break;
        }
    }

    private static IEnumerable<JsonNode> Parents(JsonNode? node)
    {
        var children = node switch { JsonObject o => o.Select(m => m.Value), JsonArray a => a, _ => [] };
        if (node is JsonObject { Count: > 0 } or JsonArray { Count: > 0 }) yield return node;
        foreach (var child in children.ToList())
            foreach (var parent in Parents(child)) yield return parent;
    }

    private byte[] ChangeBytes(byte[] body)
    {
        var bytes = body.ToList();
        for (var changes = _random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = _random.Next(bytes.Count);
            switch (_random.Next(5))
            {
                case 0: bytes[at] = (byte)_random.Next(256); break;
                case 1: bytes.RemoveAt(at); break;
                case 2: bytes.Insert(at, (byte)_random.Next(256)); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(20, bytes.Count - at))); break;
            }
        }
        return [.. bytes];
    }

    // Some depths are allowed, some are not.
    private string Nest(string json)
    {
        var depth = _random.Next(1, 2000);
        return json.Replace("\"max_tokens\":2", $"\"max_tokens\":2,\"metadata\":{string.Concat(Enumerable.Repeat("[", depth))}{string.Concat(Enumerable.Repeat("]", depth))}", StringComparison.Ordinal);
    }
}

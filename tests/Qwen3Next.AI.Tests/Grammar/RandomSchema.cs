using System.Text.Json.Nodes;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>Makes schemas of all supported keywords, with recursion; each has at least one value.</summary>
internal sealed class RandomSchema(Random random)
{
    private static readonly string[] s_names = ["a", "ab", "name", "e-mail", "x y", "größe", "q\"uote", "back\\slash", "n/1", "t~0"];
    private static readonly string[] s_patterns = ["^[a-z]{1,4}$", "^(red|green)-[0-9]+$", "[A-F]", "^\\d{2}:\\d{2}$", "^[^\"\\\\]*$", "^\\w+( \\w+)?$", "^-?(\\d+\\.)?\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,7})?$"];
    private static readonly string[] s_formats = ["date", "time", "date-time", "uuid", "email", "uri", "ipv4", "ipv6", "hostname"];

    public JsonObject Document()
    {
        var root = Object(3);
        // Recursive, and may end at once.
        root["definitions"] = new JsonObject
        {
            ["list"] = JsonNode.Parse("""{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"type":"null"},{"$ref":"#/definitions/list"}]}},"required":["v"],"additionalProperties":false}"""),
            ["tree"] = JsonNode.Parse("""{"type":"array","items":{"$ref":"#/definitions/tree"},"maxItems":3}"""),
            ["leaf"] = Scalar(),
        };
        return root;
    }

    private JsonObject Schema(int depth) => depth == 0 ? Scalar() : random.Next(9) switch
    {
        0 or 1 => Object(depth - 1),
        2 => Array(depth - 1),
        3 => new JsonObject { ["anyOf"] = new JsonArray(Schema(depth - 1), Schema(depth - 1)) },
        4 => new JsonObject { ["$ref"] = "#/definitions/" + Pick("list", "tree", "leaf") },
        5 => new JsonObject { ["oneOf"] = new JsonArray(Text(), Object(depth - 1), Number()) },
        6 => new JsonObject { ["allOf"] = new JsonArray(Number("integer", -1000, 1000), Number("number", -500.5, 1500.25)) },
        _ => Scalar(),
    };

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in s_names.OrderBy(_ => random.Next()).Take(random.Next(6)))
        {
            properties[name] = Schema(depth);
            if (random.Next(2) == 0) required.Add(name);
        }
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        if (random.Next(3) > 0) schema["additionalProperties"] = random.Next(3) == 0 ? Scalar() : random.Next(2) == 0;
        return schema;
    }

    private JsonObject Array(int depth)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = Schema(depth) };
        var least = random.Next(4);
        if (random.Next(2) == 0) schema["minItems"] = least;
        if (random.Next(2) == 0) schema["maxItems"] = least + random.Next(3);
        return schema;
    }

    private JsonObject Scalar() => random.Next(6) switch
    {
        0 => Number(),
        1 => new JsonObject { ["type"] = "boolean" },
        2 => new JsonObject { ["type"] = new JsonArray(Pick("string", "integer", "boolean"), "null") },
        3 => new JsonObject { ["enum"] = new JsonArray("one", 2, 3.5, null, true, "drei \"3\"") },
        _ => Text(),
    };

    private JsonObject Text()
    {
        var schema = new JsonObject { ["type"] = "string" };
        var least = random.Next(5);
        switch (random.Next(6))
        {
            case 0: schema["pattern"] = Pick(s_patterns); break;
            case 1: schema["format"] = Pick(s_formats); break;
            case 2: schema["enum"] = new JsonArray("x", "xy", "ä", "</tool_call>"); break;
            case 3: schema["maxLength"] = least + random.Next(40); goto case 4;
            case 4: schema["minLength"] = least; break;
        }
        return schema;
    }

    private JsonObject Number()
    {
        var least = random.Next(-2000, 2000);
        return random.Next(3) switch
        {
            0 => new JsonObject { ["type"] = Pick("integer", "number") },
            1 => Number("integer", least, least + random.Next(500)),
            _ => Number("number", least / 8.0, (least + random.Next(500)) / 8.0),
        };
    }

    private static JsonObject Number(string type, double least, double most) => new() { ["type"] = type, ["minimum"] = least, ["maximum"] = most };

    private T Pick<T>(params T[] choices) => choices[random.Next(choices.Length)];
}

using System.Text.Json;
using Qwen3Next.AI.Grammar;

namespace Qwen3Next.AI.Chat;

/// <summary>The text of a call between its tags, letter for letter as the models were trained to write it; arguments follow the tool's schema.</summary>
internal sealed class ToolCallGrammar
{
    // Names that no tag can be part of.
    private const string ParameterName = "[^<>\\s]{1,64}";
    private static readonly string[] s_tags = [OutputTags.ParameterEnd, OutputTags.Parameter, OutputTags.FunctionEnd];
    private static readonly SchemaNode s_object = new(JsonElement.Parse("""{"type":"object"}"""), "an object");
    private static readonly SchemaNode s_notString = new(JsonElement.Parse("""{"type":["null","boolean","number","array","object"]}"""), "not a string");

    private readonly GrammarGraph _graph;
    private readonly string _name;
    private readonly JsonElement _schema;
    private readonly bool _isXml;

    /// <param name="graph">What is extended.</param>
    /// <param name="tool">A function object.</param>
    /// <param name="isXml">Whether calls are XML and not JSON.</param>
    public ToolCallGrammar(GrammarGraph graph, JsonElement tool, bool isXml)
    {
        var function = tool.GetProperty("function");
        (_graph, _isXml, _schema, _name) = (graph, isXml, function.GetProperty("parameters"), function.GetProperty("name").GetString()!);
    }

    /// <summary>Adds calls whose arguments follow the schema behind a position, and gives the position behind them.</summary>
    /// <exception cref="NotSupportedException">The schema cannot be honoured.</exception>
    public int Add(int from)
    {
        try
        {
            return _isXml ? AddXml(from) : AddJson(from, json => new JsonSchemaGrammar(json, _schema).RuleOf([SchemaNode.At(_schema, "#"), s_object]));
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            throw new NotSupportedException($"Calls of the tool '{_name}' cannot be held to its parameters: {e.Message}", e);
        }
    }

    /// <summary>Adds calls with any arguments, in the form that models write and parsers read.</summary>
    public int AddLoose(int from) => _isXml ? AddLooseXml(from) : AddJson(from, json => json.AnyObject);

    private int AddJson(int from, Func<JsonGraph, GrammarRule> arguments)
    {
        // White space within the arguments is left to the model; around them, the trained form is the only one.
        var at = _graph.Literal(from, $"\n{{\"name\": {PythonJson.Quote(_name)}, \"arguments\": ");
        return _graph.Literal(_graph.Call(at, arguments(new JsonGraph(_graph))), "}\n");
    }

    private int AddXml(int from)
    {
        var json = new JsonGraph(_graph, s_tags);
        var schemas = new JsonSchemaGrammar(json, _schema);
        var root = SchemaNode.At(_schema, "#");
        var required = root.Texts("required");
        var at = OpenXml(from);
        foreach (var (key, parameter) in root.Map("properties"))
        {
            var value = _graph.Literal(at, $"{OutputTags.Parameter}{key}>\n");
            var end = _graph.Position();
            // A string stands bare; anything else as JSON, which the parser of answers reads back by the types that the schema names.
            if (ToolSchema.TypesOf(key, _schema).Find(type => type != "null") is null or "string") schemas.AddBareStrings(value, parameter, s_tags, end);
            else _graph.Call(value, schemas.RuleOf([parameter, s_notString]), end);
            var next = _graph.Literal(end, $"\n{OutputTags.ParameterEnd}\n");
            if (!required.Contains(key)) _graph.Empty(at, next);
            at = next;
        }
        return CloseXml(at);
    }

    private int AddLooseXml(int from)
    {
        var at = OpenXml(from);
        var (named, end) = (_graph.Position(), _graph.Position());
        RegularExpression.Parse(ParameterName, whole: true).AddTo(_graph, _graph.Literal(at, OutputTags.Parameter), named, json: false);
        WordFilter.AddText(_graph, _graph.Literal(named, ">\n"), end, s_tags);
        _graph.Empty(_graph.Literal(end, $"\n{OutputTags.ParameterEnd}\n"), at);
        return CloseXml(at);
    }

    private int OpenXml(int from) => _graph.Literal(from, $"\n{OutputTags.Function}{_name}>\n");

    private int CloseXml(int from) => _graph.Literal(from, $"{OutputTags.FunctionEnd}\n");
}

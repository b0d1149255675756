using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>The arrays of a schema: items with a schema each, then items that share one.</summary>
internal sealed class ArraySchema
{
    private readonly JsonGraph _json;
    private readonly JsonSchemaGrammar _schemas;
    private readonly SchemaConjunction _schema;
    private readonly int _least, _most;

    public ArraySchema(JsonGraph json, JsonSchemaGrammar schemas, SchemaConjunction schema)
    {
        (_json, _schemas, _schema) = (json, schemas, schema);
        _least = schema.Nodes.Max(node => node.Count("minItems") ?? 0);
        _most = schema.Nodes.Min(node => node.Count("maxItems") ?? int.MaxValue);
    }

    private GrammarGraph Graph => _json.Graph;

    /// <summary>Adds them behind a position and gives the position behind them.</summary>
    public int Add(int from)
    {
        var at = Graph.Literal(from, "[");
        var (begin, end) = (at, Graph.Position());
        // The first item of the common kind stands alone, since no comma comes before it.
        var alone = Math.Min(Math.Max(_schema.Nodes.Max(node => Prefix(node).Count), 1), _most);
        for (var i = 0; i < alone; i++)
        {
            at = Graph.Call(i == 0 ? _json.Gap(at) : _json.Comma(at), _schemas.RuleOf(SchemasOf(i)));
            if (i + 1 >= _least) Graph.Empty(at, end);
        }
        if (_most > alone)
        {
            var row = Graph.Rule(Math.Max(_least - alone, 1), _most == int.MaxValue ? _most : _most - alone);
            Graph.Empty(Graph.Call(_json.Comma(row.Start), _schemas.RuleOf(SchemasOf(int.MaxValue))), row.End);
            Graph.Call(at, row, end);
        }
        var close = _json.Gap(end);
        if (_least == 0) Graph.Empty(begin, close);
        return Graph.Literal(close, "]");
    }

    private List<SchemaNode> SchemasOf(int index)
    {
        var schemas = new List<SchemaNode>();
        foreach (var node in _schema.Nodes)
        {
            var prefix = Prefix(node);
            if (index < prefix.Count) schemas.Add(prefix[index]);
            else if (node.Child(HasListOfItems(node) ? "additionalItems" : "items") is { } rest) schemas.Add(rest);
        }
        return schemas;
    }

    // Older drafts have the list in "items" and the schema of the rest in "additionalItems".
    private static bool HasListOfItems(SchemaNode node) => node.Find("items") is { ValueKind: JsonValueKind.Array };

    private static IReadOnlyList<SchemaNode> Prefix(SchemaNode node) => node.List(HasListOfItems(node) ? "items" : "prefixItems");
}

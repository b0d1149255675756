using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>The objects of a schema: declared properties in their order, then others where they are allowed.</summary>
internal sealed class ObjectSchema
{
    private readonly JsonGraph _json;
    private readonly JsonSchemaGrammar _schemas;
    private readonly SchemaConjunction _schema;
    private readonly List<string> _names;
    private readonly HashSet<string> _required;

    public ObjectSchema(JsonGraph json, JsonSchemaGrammar schemas, SchemaConjunction schema)
    {
        (_json, _schemas, _schema) = (json, schemas, schema);
        _required = [.. schema.Nodes.SelectMany(node => node.Texts("required"))];
        _names = [.. schema.Nodes.SelectMany(node => node.Map("properties")).Select(property => property.Key).Concat(_required).Distinct()];
    }

    private GrammarGraph Graph => _json.Graph;

    /// <summary>Adds them behind a position and gives the position behind them.</summary>
    public int Add(int from)
    {
        var (least, most) = CountOthers();
        // No object has so many properties, or so few.
        if (least > most) return Graph.Position();
        // Before any property, and behind one; both walk over the declared names together.
        var first = Graph.Literal(from, "{");
        var later = Graph.Position();
        foreach (var name in _names)
        {
            var key = _json.Gap(first);
            Graph.Empty(_json.Comma(later), key);
            var next = Graph.Call(_json.Colon(Graph.Literal(key, _json.Quote(name))), _schemas.RuleOf(SchemasOf(name)));
            if (_required.Contains(name))
            {
                (first, later) = (Graph.Position(), next);
                continue;
            }
            Graph.Empty(later, next);
            later = next;
        }
        if (most > 0) (first, later) = AddOthers(first, later, least, most);
        var close = _json.Gap(later);
        Graph.Empty(first, close);
        return Graph.Literal(close, "}");
    }

    private (int First, int Later) AddOthers(int first, int later, int least, int most)
    {
        var names = _names.Count == 0 ? _json.AnyString : _schemas.NamesExcept(_names);
        var value = _schemas.RuleOf([.. _schema.Nodes.Select(node => node.Child("additionalProperties")).Where(other => other is not null).Select(other => other!.Value)]);
        var one = Graph.Rule();
        Graph.Empty(Graph.Call(_json.Colon(Graph.Call(one.Start, names)), value), one.End);

        var end = Graph.Position();
        AddRow(later, one, least, most, end);
        // The first of all has no comma before it.
        var begun = Graph.Call(_json.Gap(first), one);
        AddRow(begun, one, least - 1, most == int.MaxValue ? most : most - 1, end);
        return (least > 0 ? Graph.Position() : first, end);
    }

    /// <summary>So many more, each behind a comma.</summary>
    private void AddRow(int from, GrammarRule one, int least, int most, int end)
    {
        if (least <= 0) Graph.Empty(from, end);
        if (most == 0) return;
        var row = Graph.Rule(Math.Max(least, 1), most);
        Graph.Empty(Graph.Call(_json.Comma(row.Start), one), row.End);
        Graph.Call(from, row, end);
    }

    private List<SchemaNode> SchemasOf(string name)
    {
        var schemas = new List<SchemaNode>();
        foreach (var node in _schema.Nodes)
        {
            var declared = node.Map("properties").Where(property => property.Key == name).Select(property => (SchemaNode?)property.Value).FirstOrDefault();
            if ((declared ?? node.Child("additionalProperties")) is { } schema) schemas.Add(schema);
        }
        return schemas;
    }

    /// <summary>How many properties that are not declared may come; none where nobody asks for them.</summary>
    private (int Least, int Most) CountOthers()
    {
        if (_schema.Nodes.Any(node => node.Has("propertyNames"))) throw Refused("propertyNames", "is not supported");
        var allowed = !_schema.Nodes.Any(node => node.Find("additionalProperties") is { ValueKind: JsonValueKind.False })
            && (_names.Count == 0 || _schema.Nodes.Any(node => node.Has("additionalProperties")));
        var least = _schema.Nodes.Max(node => node.Count("minProperties") ?? 0) - _required.Count;
        var most = _schema.Nodes.Min(node => node.Count("maxProperties") ?? int.MaxValue);
        if (least > 1) throw Refused("minProperties", "asks for several properties that are not required by name", "List the properties in required");
        if (least > 0 && _names.Count > _required.Count) throw Refused("minProperties", "counts properties of which some are optional", "List the properties in required");
        if (most < _names.Count && _names.Count > _required.Count) throw Refused("maxProperties", "counts properties of which some are optional", "Declare fewer properties");
        if (most != int.MaxValue) most -= _names.Count;
        return (Math.Max(least, 0), allowed ? most : Math.Min(most, 0));
    }

    private NotSupportedException Refused(string keyword, string why, string remedy = "Remove it from the schema and check the answer instead") =>
        _schema.Nodes.First(node => node.Has(keyword)).Refused(keyword, why, remedy);
}

using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Resolves references and combinations: a set of schemas that must all hold becomes alternatives, each a list of schemas whose remaining keywords
/// speak of the value itself.
/// </summary>
internal sealed class SchemaExpansion(JsonElement document)
{
    private const int MostAlternatives = 256;
    private const int MostReferences = 256;

    /// <summary>Keywords that restrict a value in ways that text cannot be held to while it is written.</summary>
    private static readonly string[] s_refused =
    [
        "patternProperties", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies", "contains", "minContains", "maxContains",
        "unevaluatedItems", "unevaluatedProperties", "multipleOf", "$dynamicRef", "$recursiveRef",
    ];

    private sealed record Step(SchemaNode Node, Step? From);

    /// <summary>The alternatives; none where no value can satisfy the set.</summary>
    public List<List<SchemaNode>> Expand(IEnumerable<SchemaNode> schemas)
    {
        var alternatives = new List<List<SchemaNode>>();
        Expand(new Stack<Step>(schemas.Reverse().Select(node => new Step(node, null))), [], alternatives);
        return alternatives;
    }

    private List<List<SchemaNode>> Expand(Step step)
    {
        var alternatives = new List<List<SchemaNode>>();
        Expand(new Stack<Step>([step]), [], alternatives);
        return alternatives;
    }

    private void Expand(Stack<Step> pending, List<SchemaNode> flat, List<List<SchemaNode>> alternatives)
    {
        while (pending.TryPop(out var step))
        {
            var node = step.Node;
            RefuseCircle(step);
            if (node.Value.ValueKind == JsonValueKind.False) return;
            if (node.Value.ValueKind == JsonValueKind.True || flat.Exists(known => known.Pointer == node.Pointer)) continue;
            RefuseUnknown(node);
            flat.Add(node);
            if (node.Text("$ref") is { } reference) pending.Push(new Step(Resolve(node, reference), step));
            foreach (var part in node.List("allOf").Reverse()) pending.Push(new Step(part, step));

            // Each branch goes on with all that is still pending, other choices included.
            var (anyOf, oneOf) = (Branches(node, "anyOf"), Branches(node, "oneOf"));
            if (oneOf is not null) RequireDisjoint(step, oneOf);
            if ((anyOf ?? oneOf) is null) continue;
            foreach (var any in anyOf ?? [null])
            {
                foreach (var one in oneOf ?? [null])
                {
                    var branch = new Stack<Step>(pending.Reverse());
                    if (one is { } exclusive) branch.Push(new Step(exclusive, step));
                    if (any is { } inclusive) branch.Push(new Step(inclusive, step));
                    Expand(branch, [.. flat], alternatives);
                }
            }
            return;
        }
        alternatives.Add(flat);
        if (alternatives.Count > MostAlternatives)
            throw flat[0].Refused("anyOf", $"and the combinations below it have more than {MostAlternatives} alternatives", "Combine fewer choices in one place");
    }

    private static SchemaNode?[]? Branches(SchemaNode node, string keyword) => node.Has(keyword) ? [.. node.List(keyword).Select(branch => (SchemaNode?)branch)] : null;

    // A schema that is its own alternative says nothing about the value.
    private static void RefuseCircle(Step step)
    {
        var length = 0;
        for (var above = step.From; above is not null; above = above.From)
        {
            if (++length > MostReferences) throw step.Node.Refused("$ref", $"and the references and combinations around it are more than {MostReferences}", "Shorten the chain");
            if (above.Node.Pointer == step.Node.Pointer)
                throw step.Node.Refused("$ref", "leads back to itself without describing a value", "Let the reference stand below properties or items");
        }
    }

    private static void RefuseUnknown(SchemaNode node)
    {
        foreach (var keyword in s_refused)
        {
            if (node.Has(keyword)) throw node.Refused(keyword, "cannot be enforced while text is generated");
        }
        if (node.Find("uniqueItems") is { ValueKind: JsonValueKind.True }) throw node.Refused("uniqueItems", "cannot be enforced while text is generated");
    }

    private SchemaNode Resolve(SchemaNode node, string reference)
    {
        if (!SchemaPointer.IsLocal(reference))
            throw node.Refused("$ref", $"is '{reference}', which is not a pointer into the schema itself", "Copy what it refers to into $defs and refer to '#/$defs/name'");
        return SchemaPointer.Resolve(document, reference) is { } found
            ? SchemaNode.At(found, reference)
            : throw new ArgumentException($"JSON schema keyword '$ref' at '{node.Pointer}' is '{reference}', and the schema has no such place. Correct the pointer.");
    }

    /// <summary>A value must match exactly one branch, so choosing freely is right only where no value matches two.</summary>
    private void RequireDisjoint(Step step, SchemaNode?[] branches)
    {
        var conjunctions = branches.Select(branch => Expand(new Step(branch!.Value, step)).ConvertAll(nodes => new SchemaConjunction(nodes))).ToList();
        for (var i = 0; i < conjunctions.Count; i++)
        {
            for (var k = i + 1; k < conjunctions.Count; k++)
            {
                if (!conjunctions[i].TrueForAll(one => conjunctions[k].TrueForAll(one.ExcludesByTypeOrValue)))
                    throw step.Node.Refused("oneOf", $"has branches {i} and {k} that one value may match both", "Use anyOf, or give each branch a required property with a const of its own");
            }
        }
    }
}

namespace Qwen3Next.AI.Cache;

/// <summary>
/// A radix tree over token ids. Every leaf carries a checkpoint, and so does every node that has a single child: where tokens part or a
/// checkpoint lies, there is a node, and nowhere else.
/// </summary>
internal sealed class PrefixTree
{
    public PrefixNode Root { get; } = new([], null);

    /// <summary>The deepest node on the way of the tokens whose edge they contain whole, and how many tokens the tree has in common with them.</summary>
    public (PrefixNode Node, int Shared) Walk(ReadOnlySpan<int> tokens)
    {
        var (node, depth) = (Root, 0);
        while (depth < tokens.Length && node.Children.TryGetValue(tokens[depth], out var child))
        {
            var common = tokens[depth..].CommonPrefixLength(child.Edge);
            if (common < child.Edge.Length) return (node, depth + common);
            (node, depth) = (child, depth + common);
        }
        return (node, depth);
    }

    /// <summary>The node at the end of exactly these tokens, made where there is none.</summary>
    public PrefixNode Add(ReadOnlySpan<int> tokens)
    {
        var (node, shared) = Walk(tokens);
        if (node.Depth < shared) node = Split(node.Children[tokens[node.Depth]], shared);
        if (node.Depth == tokens.Length) return node;
        var leaf = new PrefixNode(tokens[node.Depth..].ToArray(), node);
        node.Children.Add(leaf.Edge[0], leaf);
        return leaf;
    }

    /// <summary>Takes a node out that has lost its checkpoint, as far as nothing hangs on it, and what that makes superfluous.</summary>
    public static void Prune(PrefixNode node)
    {
        while (node is { Parent: { } parent, Checkpoint: null })
        {
            if (node.Children.Count > 1) return;
            parent.Children.Remove(node.Edge[0]);
            if (node.Children.Count == 1)
            {
                var child = node.Children.Values.Single();
                child.Lengthen(node);
                parent.Children.Add(child.Edge[0], child);
                return;
            }
            node = parent;
        }
    }

    private static PrefixNode Split(PrefixNode node, int depth)
    {
        var parent = node.Parent!;
        var upper = new PrefixNode(node.Edge[..(depth - parent.Depth)], parent);
        parent.Children[upper.Edge[0]] = upper;
        node.Shorten(upper);
        upper.Children.Add(node.Edge[0], node);
        return upper;
    }
}

/// <summary>A prefix: the tokens of all edges from the root to here.</summary>
internal sealed class PrefixNode(int[] edge, PrefixNode? parent)
{
    public int[] Edge { get; private set; } = edge;

    public PrefixNode? Parent { get; private set; } = parent;

    /// <summary>Tokens of the prefix.</summary>
    public int Depth { get; } = edge.Length + (parent?.Depth ?? 0);

    /// <summary>By the first token of their edges.</summary>
    public Dictionary<int, PrefixNode> Children { get; } = [];

    public Checkpoint? Checkpoint { get; set; }

    /// <summary>The tokens of the prefix.</summary>
    public int[] Tokens()
    {
        var tokens = new int[Depth];
        for (var node = this; node is not null; node = node.Parent) node.Edge.CopyTo(tokens, node.Depth - node.Edge.Length);
        return tokens;
    }

    /// <summary>Puts a new node between this one and its parent.</summary>
    public void Shorten(PrefixNode upper) => (Edge, Parent) = (Edge[upper.Edge.Length..], upper);

    /// <summary>Takes over the edge of the parent, which goes.</summary>
    public void Lengthen(PrefixNode upper) => (Edge, Parent) = ([.. upper.Edge, .. Edge], upper.Parent);
}

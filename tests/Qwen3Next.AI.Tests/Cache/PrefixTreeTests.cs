using Qwen3Next.AI.Cache;
using Xunit;

namespace Qwen3Next.AI.Tests.Cache;

public sealed class PrefixTreeTests
{
    [Fact]
    public void Walk_AfterRandomAddsAndPrunes_FindsWhatAListFinds()
    {
        var random = new Random(3);
        var tree = new PrefixTree();
        var kept = new List<int[]>();
        for (var round = 0; round < 3000; round++)
        {
            if (kept.Count == 0 || random.Next(3) > 0)
            {
                var tokens = Tokens(random, 1 + random.Next(8));
                if (!kept.Exists(k => k.AsSpan().SequenceEqual(tokens))) kept.Add(tokens);
                var node = tree.Add(tokens);
                node.Checkpoint = new Checkpoint(node, canDraft: true);
                Assert.Equal(tokens, node.Tokens());
            }
            else
            {
                var gone = kept[random.Next(kept.Count)];
                kept.Remove(gone);
                var (node, _) = tree.Walk(gone);
                Assert.Equal(gone.Length, node.Depth);
                node.Checkpoint = null;
                PrefixTree.Prune(node);
            }
            var asked = Tokens(random, 1 + random.Next(10));
            var (found, shared) = tree.Walk(asked);
            while (found is { Checkpoint: null, Parent: { } parent }) found = parent;
            Assert.Equal(kept.Where(k => asked.AsSpan().StartsWith(k)).Select(k => k.Length).Append(0).Max(), found.Depth);
            Assert.Equal(kept.Select(k => asked.AsSpan().CommonPrefixLength(k)).Append(0).Max(), shared);
            AssertCompact(tree.Root);
        }
        Assert.True(kept.Count > 100, $"only {kept.Count} prefixes were kept");
    }

    private static int[] Tokens(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(3))];

    /// <summary>Nodes lie where tokens part or a checkpoint is, and nowhere else.</summary>
    private static void AssertCompact(PrefixNode node)
    {
        foreach (var (first, child) in node.Children)
        {
            Assert.Equal(first, child.Edge[0]);
            Assert.Same(node, child.Parent);
            Assert.Equal(node.Depth + child.Edge.Length, child.Depth);
            Assert.True(child.Checkpoint is not null || child.Children.Count > 1, "a node without use");
            AssertCompact(child);
        }
    }
}

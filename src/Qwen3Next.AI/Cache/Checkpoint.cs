namespace Qwen3Next.AI.Cache;

/// <summary>From where a sequence that begins with a node's tokens can go on: blocks and a state on the device, or an image of them on the host.</summary>
/// <param name="node">Its place in the tree.</param>
/// <param name="canDraft">The MTP layer's keys and values are complete.</param>
internal sealed class Checkpoint(PrefixNode node, bool canDraft)
{
    public PrefixNode Node => node;

    public bool CanDraft => canDraft;

    /// <summary>Tokens of the prefix.</summary>
    public int Length => node.Depth;

    /// <summary>KV blocks in position order, held by the prefix cache; null on the host.</summary>
    public int[]? Blocks { get; set; }

    /// <summary>State slot; -1 on the host, and where a model has no states.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Null on the device.</summary>
    public CacheImage? Image { get; set; }

    /// <summary>Place in the order of use among those of the device or of the host.</summary>
    public LinkedListNode<Checkpoint>? Use { get; set; }
}

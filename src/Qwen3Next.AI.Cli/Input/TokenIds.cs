namespace Qwen3Next.AI.Cli.Input;

/// <summary>Token ids that a user typed.</summary>
internal static class TokenIds
{
    /// <summary>The same ids; an error before any weight is read when the model has no such token.</summary>
    public static int[] CheckedFor(this int[] ids, Qwen3NextModelInfo model)
    {
        foreach (var id in ids)
        {
            if (id >= model.VocabularySize)
                throw new UsageException($"--tokens has {id}; the ids of {model.ModelId} lie between 0 and {model.VocabularySize - 1}.");
        }
        return ids;
    }
}

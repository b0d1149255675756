using LongDocumentRag.Store;

namespace LongDocumentRag.Answering;

/// <summary>What an answer is worth.</summary>
internal enum Support
{
    /// <summary>Every citation holds, and there is one.</summary>
    Cited,

    /// <summary>The documents do not answer the question, and the model says so.</summary>
    NotInDocuments,

    /// <summary>No passage says what the answer says, or a citation is wrong.</summary>
    None,
}

/// <summary>An answer that has been checked against the passages it was made from.</summary>
/// <param name="Text">What the model wrote, with the numbers of passages in brackets.</param>
/// <param name="Support">The outcome of the check.</param>
/// <param name="Citations">In the order of the text.</param>
internal sealed record Answer(string Text, Support Support, IReadOnlyList<Citation> Citations)
{
    /// <summary>Tokens of the last prompt, and how many of them came from the prefix cache.</summary>
    public PromptTokens Prompt { get; init; }

    /// <summary>What the model had before it when it answered; numbers count from 1.</summary>
    public IReadOnlyList<Passage> Passages { get; init; } = [];
}

/// <param name="Total">Of the prompt.</param>
/// <param name="Cached">Of them, not computed again.</param>
internal readonly record struct PromptTokens(long Total, long Cached);

/// <summary>A number in an answer, checked.</summary>
/// <param name="Number">As the model wrote it, or as it was found.</param>
/// <param name="Passage">The passage of that number; null where there is none.</param>
/// <param name="Holds">Whether the passage has the words.</param>
/// <param name="Found">Whether the model named no passage and the check found one that has its words.</param>
internal sealed record Citation(int Number, Passage? Passage, bool Holds, bool Found = false);

using System.ComponentModel;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Microsoft.SemanticKernel;

namespace LongDocumentRag.Answering;

/// <summary>The documents as a plugin that the model calls by itself. It belongs to one question and remembers what was found for it.</summary>
/// <param name="retriever">Searches.</param>
/// <param name="question">Searched too, the first time: a small model's own query is often worse than the question.</param>
/// <param name="count">Passages of a search.</param>
internal sealed class DocumentPlugin(Retriever retriever, string question, int count)
{
    private readonly List<Passage> _found = [];

    /// <summary>All passages found, in the order of their numbers.</summary>
    public IReadOnlyList<Passage> Found => _found;

    /// <summary>The model's queries.</summary>
    public List<string> Queries { get; } = [];

    [KernelFunction("search"), Description("Searches the documents and returns passages with their numbers.")]
    public async Task<string> SearchAsync([Description("What to search for.")] string query, CancellationToken cancellationToken)
    {
        Queries.Add(query);
        var asked = Queries.Count == 1 ? await retriever.SearchAsync(question, count, cancellationToken) : [];
        var own = await retriever.SearchAsync(query, count, cancellationToken);
        // In turns, and not by joint ranks: so a bad query cannot push out what the question has found.
        var passages = InTurns(asked, own).DistinctBy(passage => passage.Id).Take(count).ToList();
        var fresh = passages.ExceptBy(_found.Select(passage => passage.Id), passage => passage.Id).ToList();
        if (fresh.Count == 0) return passages.Count == 0 ? "No passage has these words." : "Only passages that you have seen already.";
        var text = ReadingPrompt.Numbered(fresh, _found.Count + 1);
        _found.AddRange(fresh);
        return text;
    }

    private static IEnumerable<Passage> InTurns(IReadOnlyList<Passage> first, IReadOnlyList<Passage> second)
    {
        for (var i = 0; i < Math.Max(first.Count, second.Count); i++)
        {
            if (i < first.Count) yield return first[i];
            if (i < second.Count) yield return second[i];
        }
    }
}

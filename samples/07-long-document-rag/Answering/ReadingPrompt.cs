using System.Globalization;
using System.Text;
using LongDocumentRag.Store;

namespace LongDocumentRag.Answering;

/// <summary>Instructions and passages as one system message: the part of a prompt that many questions share.</summary>
internal static class ReadingPrompt
{
    /// <summary>How a model says that the passages do not answer; recognised wherever it stands.</summary>
    public const string NotInDocuments = "The text does not say";

    private const string Rules = $"""
        Answer from the passages alone. Copy the words that answer the question, in quotation marks, and put the number of their passage behind them, like "these words" [1]. If the passages do not answer the question, write only: {NotInDocuments}.
        """;

    /// <summary>Told to the model before it searches.</summary>
    public const string Search = $"You answer questions about documents that you can search. {Rules}";

    public static string ForReading(IReadOnlyList<Passage> passages) => $"{Rules}\n\n{Numbered(passages)}";

    /// <summary>Each passage behind its number and its source.</summary>
    public static string Numbered(IReadOnlyList<Passage> passages, int first = 1)
    {
        var text = new StringBuilder();
        for (var i = 0; i < passages.Count; i++) text.Append(CultureInfo.InvariantCulture, $"[{first + i}] {passages[i].Source}\n{passages[i].Text}\n\n");
        return text.ToString().TrimEnd();
    }
}

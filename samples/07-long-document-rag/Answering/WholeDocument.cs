using LongDocumentRag.Documents;
using LongDocumentRag.Store;

namespace LongDocumentRag.Answering;

/// <summary>A document that is read as a whole, once: its passages are the beginning of every prompt, which the prefix cache keeps.</summary>
internal sealed class WholeDocument(QuestionAnswerer answerer, IReadOnlyList<Passage> passages)
{
    public int Passages => passages.Count;

    /// <summary>Cuts a document into passages that citations can name. Nothing is stored.</summary>
    /// <exception cref="DocumentException">The document cannot be read, or holds no text.</exception>
    public static WholeDocument Open(string path, QuestionAnswerer answerer, DocumentReaders readers, RagOptions options)
    {
        var name = Path.GetFileName(path);
        var passages = new PassageCutter(options.PassageWords).Cut(readers.Read(path)).Select((part, i) => new Passage(i + 1, name, part.Place, part.Text)).ToList();
        return passages.Count > 0 ? new WholeDocument(answerer, passages) : throw new DocumentException($"{name} holds no text. Scanned pages need text recognition first.");
    }

    /// <summary>Answers from the document. Questions do not see each other, so that each goes on from the same prefix.</summary>
    /// <exception cref="Qwen3Next.AI.ContextLengthExceededException">The document is too long for the context.</exception>
    public Task<Answer> AskAsync(string question, CancellationToken cancellationToken) => answerer.ReadAsync(passages, question, [], cancellationToken);
}

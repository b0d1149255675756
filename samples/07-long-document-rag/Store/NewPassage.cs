using LongDocumentRag.Documents;

namespace LongDocumentRag.Store;

/// <summary>A passage to be stored, with its embedding where there is a model for that.</summary>
internal readonly record struct NewPassage(DocumentPart Part, ReadOnlyMemory<float>? Vector);

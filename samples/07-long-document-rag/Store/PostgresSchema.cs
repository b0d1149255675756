namespace LongDocumentRag.Store;

/// <summary>The tables of <see cref="PostgresPassageStore"/>, in the connection's schema.</summary>
internal static class PostgresSchema
{
    // More numbers than this pgvector stores but does not index.
    private const int MostIndexedDimensions = 2000;

    public const string Extension = "CREATE EXTENSION IF NOT EXISTS vector";

    // A heading counts half of what the text does, about: B is 0.4, A is 1.
    public const string Tables = """
        CREATE TABLE IF NOT EXISTS rag_document (name text PRIMARY KEY, hash text NOT NULL);
        CREATE TABLE IF NOT EXISTS rag_passage (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            document text NOT NULL REFERENCES rag_document (name) ON DELETE CASCADE,
            place text NOT NULL,
            text text NOT NULL,
            words tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english', place), 'B') || setweight(to_tsvector('english', text), 'A')) STORED);
        CREATE INDEX IF NOT EXISTS rag_passage_document ON rag_passage (document);
        CREATE INDEX IF NOT EXISTS rag_passage_words ON rag_passage USING gin (words);
        """;

    public const string HasVectors =
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'rag_passage'::regclass AND attname = 'embedding' AND NOT attisdropped)";

    /// <summary>The column for embeddings, once their length is known, with an index where there can be one.</summary>
    public static string Vectors(int dimensions) => dimensions > MostIndexedDimensions
        ? $"ALTER TABLE rag_passage ADD COLUMN embedding vector({dimensions})"
        : $"ALTER TABLE rag_passage ADD COLUMN embedding vector({dimensions}); CREATE INDEX rag_passage_embedding ON rag_passage USING hnsw (embedding vector_cosine_ops)";
}

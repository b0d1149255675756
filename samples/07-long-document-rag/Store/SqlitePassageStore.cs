using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace LongDocumentRag.Store;

/// <summary>One SQLite file: words by FTS5 and BM25, embeddings compared one by one, which is exact and fast enough for some 100,000.</summary>
internal sealed class SqlitePassageStore : IPassageStore
{
    private const string Columns = "passage.id, passage.document, passage.place, passage.text";
    private readonly string _connection;

    /// <exception cref="SqliteException">The file is no database, or its folder does not exist.</exception>
    public SqlitePassageStore(string path)
    {
        _connection = new SqliteConnectionStringBuilder { DataSource = path }.ToString();
        using var connection = Open();
        Command(connection, SqliteSchema.Text).ExecuteNonQuery();
    }

    public async Task<IReadOnlyDictionary<string, string>> GetDocumentsAsync(CancellationToken cancellationToken)
    {
        using var connection = Open();
        using var command = Command(connection, "SELECT name, hash FROM document");
        using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var documents = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken)) documents.Add(reader.GetString(0), reader.GetString(1));
        return documents;
    }

    public async Task<int> ReplaceAsync(string document, string hash, IAsyncEnumerable<NewPassage> passages, CancellationToken cancellationToken)
    {
        using var connection = Open();
        using var transaction = connection.BeginTransaction();
        using var remove = Command(connection, "DELETE FROM passage WHERE document = $document", ("$document", document));
        using var insert = Command(connection, "INSERT INTO passage (document, place, text, vector) VALUES ($document, $place, $text, $vector)",
            ("$document", document), ("$place", ""), ("$text", ""), ("$vector", DBNull.Value));
        using var note = Command(connection, "INSERT OR REPLACE INTO document (name, hash) VALUES ($document, $hash)", ("$document", document), ("$hash", hash));

        await remove.ExecuteNonQueryAsync(cancellationToken);
        var count = 0;
        await foreach (var (part, vector) in passages.WithCancellation(cancellationToken))
        {
            insert.Parameters["$place"].Value = part.Place;
            insert.Parameters["$text"].Value = part.Text;
            insert.Parameters["$vector"].Value = vector is { } v ? MemoryMarshal.AsBytes(v.Span).ToArray() : DBNull.Value;
            await insert.ExecuteNonQueryAsync(cancellationToken);
            count++;
        }
        await note.ExecuteNonQueryAsync(cancellationToken);
        transaction.Commit();
        return count;
    }

    public async Task RemoveAsync(string document, CancellationToken cancellationToken)
    {
        using var connection = Open();
        using var transaction = connection.BeginTransaction();
        using var remove = Command(connection, "DELETE FROM passage WHERE document = $document; DELETE FROM document WHERE name = $document", ("$document", document));
        await remove.ExecuteNonQueryAsync(cancellationToken);
        transaction.Commit();
    }

    public async Task<IReadOnlyList<Passage>> SearchWordsAsync(string query, int count, CancellationToken cancellationToken)
    {
        var words = string.Join(" OR ", QueryWords.Of(query).Select(word => $"\"{word}\""));
        if (words.Length == 0) return [];
        using var connection = Open();
        // A heading counts half of what the text does.
        using var command = Command(connection, $"""
            SELECT {Columns} FROM passage_words JOIN passage ON passage.id = passage_words.rowid
            WHERE passage_words MATCH $words ORDER BY bm25(passage_words, 0.5, 1.0), passage.id LIMIT $count
            """, ("$words", words), ("$count", count));
        return await ReadAsync(command, cancellationToken);
    }

    public async Task<IReadOnlyList<Passage>> SearchVectorAsync(ReadOnlyMemory<float> vector, int count, CancellationToken cancellationToken)
    {
        using var connection = Open();
        var nearest = new PriorityQueue<long, float>();
        using (var command = Command(connection, "SELECT id, vector FROM passage WHERE vector IS NOT NULL"))
        using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var other = MemoryMarshal.Cast<byte, float>(reader.GetFieldValue<byte[]>(1));
                if (other.Length != vector.Length) continue; // of another model, until the next ingest
                nearest.Enqueue(reader.GetInt64(0), TensorPrimitives.CosineSimilarity(other, vector.Span));
                if (nearest.Count > count) nearest.Dequeue();
            }
        }
        var passages = new Passage[nearest.Count];
        for (var rank = passages.Length - 1; rank >= 0; rank--)
        {
            using var command = Command(connection, $"SELECT {Columns} FROM passage WHERE id = $id", ("$id", nearest.Dequeue()));
            passages[rank] = (await ReadAsync(command, cancellationToken))[0];
        }
        return passages;
    }

    public void Dispose() => SqliteConnection.ClearPool(new SqliteConnection(_connection));

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        return connection;
    }

    private static SqliteCommand Command(SqliteConnection connection, string text, params (string Name, object Value)[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value);
        return command;
    }

    private static async Task<IReadOnlyList<Passage>> ReadAsync(SqliteCommand command, CancellationToken cancellationToken)
    {
        using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Passage> passages = [];
        while (await reader.ReadAsync(cancellationToken)) passages.Add(new Passage(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        return passages;
    }
}

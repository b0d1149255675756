using Npgsql;
using Pgvector;

namespace LongDocumentRag.Store;

/// <summary>PostgreSQL: words by its full-text search for English, embeddings by pgvector, which is needed only where there are embeddings.</summary>
internal sealed class PostgresPassageStore : IPassageStore
{
    private const string Columns = "id, document, place, text";
    private readonly NpgsqlDataSource _source;
    private volatile bool _hasVectors;

    /// <param name="connection">Npgsql's connection string.</param>
    /// <param name="withVectors">Whether embeddings will be stored or searched.</param>
    /// <exception cref="NpgsqlException">The server cannot be reached, or refuses, or has no pgvector.</exception>
    public PostgresPassageStore(string connection, bool withVectors)
    {
        var builder = new NpgsqlDataSourceBuilder(connection);
        if (withVectors)
        {
            // Before the first connection of the other source, which then knows the type.
            using var plain = NpgsqlDataSource.Create(connection);
            Execute(plain, PostgresSchema.Extension);
            builder.UseVector();
        }
        _source = builder.Build();
        Execute(_source, PostgresSchema.Tables);
        using var column = _source.CreateCommand(PostgresSchema.HasVectors);
        _hasVectors = withVectors && column.ExecuteScalar() is true;
    }

    public async Task<IReadOnlyDictionary<string, string>> GetDocumentsAsync(CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT name, hash FROM rag_document");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var documents = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken)) documents.Add(reader.GetString(0), reader.GetString(1));
        return documents;
    }

    public async Task<int> ReplaceAsync(string document, string hash, IAsyncEnumerable<NewPassage> passages, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, "DELETE FROM rag_document WHERE name = $1", cancellationToken, document);
        await ExecuteAsync(connection, "INSERT INTO rag_document (name, hash) VALUES ($1, $2)", cancellationToken, document, hash);
        var (count, hasVectors) = (0, _hasVectors);
        await foreach (var (part, vector) in passages.WithCancellation(cancellationToken))
        {
            if (vector is { } numbers)
            {
                if (!hasVectors) await ExecuteAsync(connection, PostgresSchema.Vectors(numbers.Length), cancellationToken);
                hasVectors = true;
                await ExecuteAsync(connection, "INSERT INTO rag_passage (document, place, text, embedding) VALUES ($1, $2, $3, $4)",
                    cancellationToken, document, part.Place, part.Text, new Vector(numbers));
            }
            else
            {
                await ExecuteAsync(connection, "INSERT INTO rag_passage (document, place, text) VALUES ($1, $2, $3)", cancellationToken, document, part.Place, part.Text);
            }
            count++;
        }
        await transaction.CommitAsync(cancellationToken);
        _hasVectors = hasVectors;
        return count;
    }

    public async Task RemoveAsync(string document, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, "DELETE FROM rag_document WHERE name = $1", cancellationToken, document);
    }

    public Task<IReadOnlyList<Passage>> SearchWordsAsync(string query, int count, CancellationToken cancellationToken)
    {
        // In this search language "or" is the one operator made of letters.
        var words = string.Join(" or ", QueryWords.Of(query).Where(word => word != "or"));
        return ReadAsync($"""
            SELECT {Columns} FROM rag_passage, websearch_to_tsquery('english', $1) AS query
            WHERE words @@ query ORDER BY ts_rank(words, query) DESC, id LIMIT $2
            """, words, count, cancellationToken);
    }

    public async Task<IReadOnlyList<Passage>> SearchVectorAsync(ReadOnlyMemory<float> vector, int count, CancellationToken cancellationToken) => _hasVectors
        ? await ReadAsync($"SELECT {Columns} FROM rag_passage WHERE embedding IS NOT NULL ORDER BY embedding <=> $1 LIMIT $2", new Vector(vector), count, cancellationToken)
        : [];

    public void Dispose() => _source.Dispose();

    private async Task<IReadOnlyList<Passage>> ReadAsync(string text, object query, int count, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(text);
        command.Parameters.AddWithValue(query);
        command.Parameters.AddWithValue(count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Passage> passages = [];
        while (await reader.ReadAsync(cancellationToken)) passages.Add(new Passage(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        return passages;
    }

    private static void Execute(NpgsqlDataSource source, string text)
    {
        using var command = source.CreateCommand(text);
        command.ExecuteNonQuery();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string text, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(text, connection);
        foreach (var value in values) command.Parameters.AddWithValue(value);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

using System.ComponentModel.DataAnnotations;

namespace LongDocumentRag;

/// <summary>The section <c>Rag</c> of the settings. The defaults suit the bundled tiny model; <c>appsettings.Large.json</c> has those for a large one.</summary>
internal sealed class RagOptions
{
    /// <summary>Where passages are kept.</summary>
    public StoreKind Store { get; set; } = StoreKind.Sqlite;

    /// <summary>The SQLite database, relative to the current folder; made when missing.</summary>
    [Required]
    public string SqlitePath { get; set; } = "documents.db";

    /// <summary>Npgsql's connection string, for <see cref="StoreKind.Postgres"/>.</summary>
    public string? PostgresConnection { get; set; }

    /// <summary>Most words of a passage.</summary>
    [Range(10, 2000)]
    public int PassageWords { get; set; } = 60;

    /// <summary>Passages that a search gives the model.</summary>
    [Range(1, 50)]
    public int Passages { get; set; } = 3;

    /// <summary>Whether the model has to search before it answers. A large model decides well by itself.</summary>
    public bool RequireSearch { get; set; } = true;

    /// <summary>Searches of one question, after which the answer is written from what they found.</summary>
    [Range(1, 20)]
    public int MostSearches { get; set; } = 1;

    /// <summary>Most tokens of an answer, thinking included.</summary>
    [Range(16, 1_000_000)]
    public int MaxAnswerTokens { get; set; } = 300;

    /// <summary>Larger Markdown, HTML and text files are not read: unlike PDFs they are parsed as a whole.</summary>
    [Range(1, 2000)]
    public int MaxFileMegabytes { get; set; } = 32;
}

internal enum StoreKind
{
    Sqlite,
    Postgres,
}

namespace LongDocumentRag.Store;

/// <summary>The tables of <see cref="SqlitePassageStore"/>. The word index has no copy of the text; triggers keep it in step with the passages.</summary>
internal static class SqliteSchema
{
    public const string Text = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE IF NOT EXISTS document (name TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS passage (id INTEGER PRIMARY KEY, document TEXT NOT NULL, place TEXT NOT NULL, text TEXT NOT NULL, vector BLOB);
        CREATE INDEX IF NOT EXISTS passage_document ON passage (document);
        CREATE VIRTUAL TABLE IF NOT EXISTS passage_words USING fts5
            (place, text, content = 'passage', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2');
        CREATE TRIGGER IF NOT EXISTS passage_added AFTER INSERT ON passage BEGIN
            INSERT INTO passage_words (rowid, place, text) VALUES (new.id, new.place, new.text);
        END;
        CREATE TRIGGER IF NOT EXISTS passage_removed AFTER DELETE ON passage BEGIN
            INSERT INTO passage_words (passage_words, rowid, place, text) VALUES ('delete', old.id, old.place, old.text);
        END;
        """;
}

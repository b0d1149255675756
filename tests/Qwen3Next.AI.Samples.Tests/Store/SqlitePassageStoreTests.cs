using LongDocumentRag.Store;
using Microsoft.Data.Sqlite;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Store;

public sealed class SqlitePassageStoreTests : PassageStoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private protected override IPassageStore Open(bool withVectors = false) => new SqlitePassageStore(_folder.File("documents.db"));

    [Fact]
    public void Open_NoDatabase_Fails()
    {
        File.WriteAllText(_folder.File("documents.db"), new string('x', 5000));
        Assert.Contains("not a database", Assert.Throws<SqliteException>(() => Open()).Message);
    }
}

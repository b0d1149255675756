using LongDocumentRag.Store;
using Npgsql;
using Xunit;

namespace LongDocumentRag.Tests.Store;

/// <summary>Against a real server with pgvector, started for these tests.</summary>
public sealed class PostgresPassageStoreTests(PostgresServer server) : PassageStoreContract, IClassFixture<PostgresServer>
{
    private protected override IPassageStore Open(bool withVectors = false)
    {
        Assert.SkipWhen(server.Connection is null, server.Missing);
        Assert.SkipWhen(withVectors && !server.HasVectors, "PostgreSQL has no pgvector here. Install Debian's postgresql-NN-pgvector, or run .ci/postgres as root.");
        var name = "test_" + Guid.NewGuid().ToString("n");
        using var source = NpgsqlDataSource.Create(server.Connection!);
        using var create = source.CreateCommand($"CREATE DATABASE {name}");
        create.ExecuteNonQuery();
        return new PostgresPassageStore(server.Connection + $";Database={name};Pooling=false", withVectors);
    }
}

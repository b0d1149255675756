using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

namespace LongDocumentRag.Tests.Store;

/// <summary>A PostgreSQL server of its own in a temporary folder, on a free port, gone after the tests. It refuses to run as root, so root lends it another user.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private const string Owner = "postgres";
    private readonly string? _programs = FindPrograms();
    private string _folder = "";

    /// <summary>Null where there is no server; then <see cref="Missing"/> says why.</summary>
    public string? Connection { get; private set; }

    public string Missing { get; private set; } = "PostgreSQL is not on this machine. Install Debian's postgresql and postgresql-NN-pgvector, or run .ci/postgres as root.";

    public bool HasVectors { get; private set; }

    private string Data => Path.Combine(_folder, "data");

    public async ValueTask InitializeAsync()
    {
        if (_programs is null) return;
        _folder = Directory.CreateTempSubdirectory("qwen3next-postgres-").FullName;
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", Owner, _folder);
        await RunAsync("initdb", "-D", Data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
        var port = FreePort();
        await RunAsync("pg_ctl", "start", "-w", "-D", Data, "-l", Path.Combine(_folder, "log"),
            "-o", $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off");
        Connection = $"Host=127.0.0.1;Port={port};Username=tests;Database=postgres";
        await using var source = NpgsqlDataSource.Create(Connection);
        await using var command = source.CreateCommand("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')");
        HasVectors = (bool)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_folder.Length == 0) return;
        if (Connection is not null) await RunAsync("pg_ctl", "stop", "-D", Data, "-m", "immediate");
        Directory.Delete(_folder, recursive: true);
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        var own = Path.Combine(_programs!, program);
        string[] line = File.Exists(own) ? [own, .. arguments] : [program, .. arguments];
        if (File.Exists(own) && Environment.IsPrivilegedProcess) line = ["runuser", "-u", Owner, "--", .. line];
        // The server outlives pg_ctl and would hold redirected output open; what it says is in its log.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$@\" </dev/null >/dev/null 2>&1", "sh", .. line]) { WorkingDirectory = _folder })!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', line)} ended with {process.ExitCode}");
    }

    private static string? FindPrograms()
    {
        const string Debian = "/usr/lib/postgresql";
        var debian = Directory.Exists(Debian) ? Directory.GetDirectories(Debian).OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin")) : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return debian.Concat(path).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

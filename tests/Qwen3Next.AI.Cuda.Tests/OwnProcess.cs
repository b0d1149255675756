using System.Diagnostics;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>Runs a test of this assembly in a process of its own: native libraries are found once per process.</summary>
internal static class OwnProcess
{
    /// <summary>Runs one explicit test method and fails with its output where it fails.</summary>
    public static void Run(Type type, string method, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Without an executable of its own the assembly is run by dotnet.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, $"{type.Assembly.GetName().Name}.dll"));
        foreach (var argument in new[] { "-explicit", "only", "-method", $"{type.FullName}.{method}" }) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0", StringComparison.Ordinal), output + errors.Result);
    }
}

using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests;

/// <summary>Ctrl+C for a process.</summary>
internal static class Interrupt
{
    /// <summary>Skips a test where its processes cannot be interrupted.</summary>
    public static void SkipWhereImpossible()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a process cannot be sent Ctrl+C there");
        Assert.SkipWhen(IsIgnored(), "this shell's background jobs ignore Ctrl+C, and so do the processes that they start; run the tests in the foreground");
    }

    public static async Task SendAsync(Process process)
    {
        using var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    private static bool IsIgnored()
    {
        const string Field = "SigIgn:", Status = "/proc/self/status";
        if (!File.Exists(Status)) return false;
        var mask = File.ReadLines(Status).First(line => line.StartsWith(Field, StringComparison.Ordinal))[Field.Length..];
        return (ulong.Parse(mask.Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 2) != 0;
    }
}

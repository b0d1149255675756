namespace Qwen3Next.AI.Tests;

/// <summary>How much of the long random tests is run: a tenth, or with QWEN3NEXT_NIGHTLY=1 in the environment all of it.</summary>
internal static class Nightly
{
    public static bool IsOn { get; } = Environment.GetEnvironmentVariable("QWEN3NEXT_NIGHTLY") == "1";

    public static int Count(int whole) => IsOn ? whole : whole / 10;
}

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>One measured line of the benchmark suite.</summary>
/// <param name="Kind">decode, streams, prefill or first token.</param>
/// <param name="Tokens">Depth of the context, or length of the prompt.</param>
/// <param name="Conversations">At the same time.</param>
/// <param name="Milliseconds">Of one decoding step, or until the first token.</param>
/// <param name="TokensPerSecond">Over all conversations.</param>
/// <param name="Bytes">That such a step must move at least; null for prompts.</param>
/// <param name="Operations">Multiplications and additions that reading such a prompt takes; null for decoding.</param>
internal sealed record SuiteRow(string Kind, int Tokens, int Conversations, double Milliseconds, double TokensPerSecond, double? Bytes, double? Operations)
{
    /// <summary>Bytes moved per second.</summary>
    public double? ByteRate => Bytes / (Milliseconds / 1e3);

    /// <summary>Operations per second.</summary>
    public double? OperationRate => Operations / (Milliseconds / 1e3);
}

/// <summary>All that a run of the suite measured.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="ReadRate">Bytes per second that the device reads at best.</param>
/// <param name="PeakOperations">Operations per second at best, where the user gave them.</param>
/// <param name="StartUp">Parts of the start in order, in seconds.</param>
/// <param name="Rows">Measured lines.</param>
/// <param name="DecodeStep">Families of operations of one decoding step at the first depth.</param>
/// <param name="PrefillStep">Families of operations of one step that reads a prompt.</param>
internal sealed record SuiteResult(
    string Model, string Device, double ReadRate, double? PeakOperations, IReadOnlyList<(string Part, double Seconds)> StartUp,
    IReadOnlyList<SuiteRow> Rows, IReadOnlyList<Qwen3NextOpTime> DecodeStep, IReadOnlyList<Qwen3NextOpTime> PrefillStep);

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>
    /// Bytes per second that the device reads from its memory at best: a sum over a buffer far larger than its caches. What any op that streams
    /// weights is measured against. Takes memory for the time of the call.
    /// </summary>
    double MeasureReadRate();
}

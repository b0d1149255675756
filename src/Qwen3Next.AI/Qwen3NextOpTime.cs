namespace Qwen3Next.AI;

/// <summary>What one family of operations takes in one forward step.</summary>
/// <param name="Family">projections, attention, delta rule, experts, logits, or small: embedding, norms and rotary angles.</param>
/// <param name="Calls">Operations of this family in the step.</param>
/// <param name="Time">The device's time for them when they run one after another.</param>
/// <param name="Bytes">Bytes that must move at least: weights, caches and states once, activations in and out; routed experts as if chosen evenly.</param>
/// <param name="Operations">Multiplications and additions of the matrix products.</param>
public sealed record Qwen3NextOpTime(string Family, int Calls, TimeSpan Time, double Bytes, double Operations);

using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>What every layer of one forward step shares.</summary>
/// <param name="Backend">Computes.</param>
/// <param name="Batch">Rows of this step.</param>
/// <param name="Cache">Remembers.</param>
/// <param name="CosSin">[T, R] rotary angles of the rows.</param>
/// <param name="Buffers">Working memory.</param>
internal readonly record struct StepContext(IBackend Backend, Batch Batch, HybridCache Cache, Tensor CosSin, ActivationBuffers Buffers);

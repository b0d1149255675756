using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Ops;

internal sealed partial class CudaBackend
{
    /// <summary>The delta rule's kernels for heads of certain sizes.</summary>
    private sealed class DeltaRuleKernels
    {
        private const int WarpChannels = 8;

        public DeltaRuleKernels(CudaBackend backend, int keyDim, int valueDim, int taps)
        {
            if (keyDim % WarpChannels != 0 || valueDim % WarpChannels != 0 || keyDim > 256 || valueDim > 240)
                throw new NotSupportedException($"DeltaNet heads of {keyDim} key and {valueDim} value channels: the kernels take multiples of 8 up to 256 and 240");
            string[] sizes = [$"DK={keyDim}", $"DV={valueDim}", $"TAPS={taps}"];
            Recurrent = backend.LoadKernels("Ops/DeltaRule/delta_rule.cu", sizes).GetKernel("delta_rule_recurrent", overlaps: true);
            // As in delta_rule.cu: warps of 8 value channels, and one more.
            RecurrentThreads = 32 * (valueDim / WarpChannels + 1);
            // Other sizes run token by token, however many there are.
            if (keyDim % 32 == 0 && keyDim <= 128 && valueDim % 16 == 0) Chunked = new DeltaRuleChunkKernels(backend, keyDim, valueDim, sizes);
        }

        public Kernel Recurrent { get; }

        /// <summary>Threads of a block of it.</summary>
        public int RecurrentThreads { get; }

        public DeltaRuleChunkKernels? Chunked { get; }
    }

    /// <summary>The kernels of the chunked form, and the sizes that their sources fix.</summary>
    private sealed class DeltaRuleChunkKernels
    {
        public const int ChunkRows = 64, PrepareThreads = 256, NormThreads = 32 * NormHeads;

        private const int NormRows = 8, NormHeads = 8, Pairs = ChunkRows * ChunkRows, PlanFloats = 2 * Pairs + 2 * ChunkRows;

        private readonly int _keyFloats, _valueFloats;

        public DeltaRuleChunkKernels(CudaBackend backend, int keyDim, int valueDim, string[] sizes)
        {
            (_keyFloats, _valueFloats) = (2 * ChunkRows * keyDim, valueDim * ChunkRows + PlanFloats);
            var stageBytes = (_keyFloats + PlanFloats) * sizeof(float);
            var stages = 2 * stageBytes <= backend._device.MaxSharedBytes ? 2 : 1;
            RunSharedBytes = stages * stageBytes;
            PrepareSharedBytes = Math.Max(_keyFloats, 2 * (ChunkRows * (ChunkRows + 4) + Pairs)) * sizeof(float);
            Prepare = backend.LoadKernels("Ops/DeltaRule/delta_rule_prepare.cu", sizes).GetKernel("prepare_chunks", overlaps: true);
            var module = backend.LoadKernels("Ops/DeltaRule/delta_rule_chunks.cu", [.. sizes, $"STAGES={stages}"]);
            Run = module.GetKernel("run_chunks", overlaps: true);
            Norm = module.GetKernel("norm_heads", overlaps: true);
        }

        public Kernel Prepare { get; }

        public Kernel Run { get; }

        public Kernel Norm { get; }

        public int PrepareSharedBytes { get; }

        public int RunSharedBytes { get; }

        public static Dim3 NormBlocks(int slots, int heads) => (slots * (ChunkRows / NormRows), (heads + NormHeads - 1) / NormHeads);

        /// <summary>Scratch memory of a chunk slot.</summary>
        public long SlotBytes(in DeltaRuleParameters p) => ((long)p.KeyHeads * _keyFloats + (long)p.ValueHeads * _valueFloats) * sizeof(float);
    }
}

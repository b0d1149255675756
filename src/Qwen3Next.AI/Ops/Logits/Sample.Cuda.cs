using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    private const int ScanThreads = 256, ChunksPerScan = 8, ChooseThreads = 512;

    private Kernel? _scanLogits, _chooseTokens;
    private DeviceSampling? _sampling;

    public void Sample(Tensor logits, SamplingRows rows)
    {
        if (_scanLogits is null)
        {
            var module = LoadKernels("Ops/Logits/sampling.cu");
            (_scanLogits, _chooseTokens) = (module.GetKernel("scan_logits", overlaps: true), module.GetKernel("choose_tokens", overlaps: true));
        }
        if (_sampling?.Fits(rows) != true)
        {
            // Recorded steps read tokens where the old one had them.
            _graphs.Clear();
            _stream.Synchronize();
            _sampling?.Dispose();
            _sampling = new DeviceSampling(_device, _stream, rows, ChooseThreads);
        }
        _sampling.Load(rows);
        var (chunks, stride) = (_sampling.Chunks, logits.Shape[1]);
        if (rows.Count == 0) return;
        _scanLogits.Launch(
            _stream, ((chunks + ChunksPerScan - 1) / ChunksPerScan, rows.Count), ScanThreads, 0,
            logits.Address, stride, rows.TokenIds, _sampling.ChunkSize, chunks, _sampling.Rows, _sampling.Edits, _sampling.Masks, 2 * rows.MaskWords, _sampling.Best, _sampling.Mass);
        _chooseTokens!.Launch(
            _stream, rows.Count, ChooseThreads, 0,
            logits.Address, stride, rows.TokenIds, _sampling.ChunkSize, chunks, _sampling.Rows, _sampling.Best, _sampling.Mass, _sampling.Tokens);
        _sampling.Fetch(rows);
    }

    public ReadOnlySpan<int> ReadTokens(SamplingRows rows) => rows.Count == 0 ? [] : _sampling!.Read(rows);
}

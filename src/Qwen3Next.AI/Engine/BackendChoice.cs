using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Engine;

/// <summary>Opens the device that the options name.</summary>
internal static class BackendChoice
{
    /// <exception cref="Qwen3NextException">Device is Cuda and there is no usable GPU, or an option does not go with the device.</exception>
    public static IBackend Open(Qwen3NextOptions options, ILogger logger)
    {
        if (options.Device == Qwen3NextDevice.Cuda)
        {
            return CudaBackend.Open(options.GpuIndex, options.KvCacheType == Qwen3NextKvCacheType.Float8 ? DType.F8E4M3 : DType.BF16,
                narrowWeights: options.WeightType == Qwen3NextWeightType.Float8);
        }
        if (options.Device == Qwen3NextDevice.Auto) EngineLog.AutoDevice(logger, "CPU", "the CUDA engine is asked for by Device Cuda");
        return OpenCpu(options);
    }

    private static CpuBackend OpenCpu(Qwen3NextOptions options)
    {
        if (options.KvCacheType != Qwen3NextKvCacheType.Auto)
            throw new Qwen3NextException($"KvCacheType is {options.KvCacheType}, and the CPU keeps keys and values in 32 bits. Set KvCacheType to Auto, or Device to Cuda.");
        if (options.WeightType != Qwen3NextWeightType.AsStored && options.DummyWeights is null)
            throw new Qwen3NextException($"WeightType is {options.WeightType}, and the CPU uses weights as stored. Set WeightType to AsStored, or Device to Cuda.");
        return new CpuBackend(options.Threads ?? Environment.ProcessorCount);
    }
}

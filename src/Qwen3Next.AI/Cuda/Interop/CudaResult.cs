namespace Qwen3Next.AI.Cuda.Interop;

/// <summary>The driver's CUresult codes that the library tells apart.</summary>
internal enum CudaResult
{
    Success = 0,
    OutOfMemory = 2,
    NoDevice = 100,
    NotReady = 600,
}

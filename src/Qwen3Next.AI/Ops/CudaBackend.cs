using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// Computes on one CUDA device, in one stream. Matrices are BF16 or FP8 with block scales (others are rounded to BF16 when placed); activations
/// and states F32. Each family's .Cuda.cs file chooses kernels and launches them; its .cu file holds them.
/// </summary>
internal sealed unsafe partial class CudaBackend : IBackend
{
    private readonly CudaDevice _device;
    private readonly bool _narrowWeights, _ownsDevice;
    private readonly CudaStream _stream;
    private readonly DeviceArena _arena;
    private readonly WeightUploader _uploader;
    private readonly CudaGraphs _graphs;
    private readonly List<KernelModule> _modules = [];
    private readonly List<CudaEvent> _marks = [];
    private CudaBatch? _batch;
    private DeviceMemory? _scratch;
    private PinnedMemory? _readBuffer;
    private int _marked;

    /// <param name="device">Not owned.</param>
    /// <param name="kvType">What keys and values are kept in: BF16, F8E4M3 or F32.</param>
    /// <param name="narrowWeights">Matrices that tolerate it are converted to FP8 when placed.</param>
    /// <param name="slabBytes">Memory is taken from the device in pieces of this size; 0 takes each tensor's by itself.</param>
    public CudaBackend(CudaDevice device, DType kvType = DType.BF16, bool narrowWeights = false, long slabBytes = 256L << 20)
        : this(device, kvType, narrowWeights, slabBytes, ownsDevice: false) { }

    private CudaBackend(CudaDevice device, DType kvType, bool narrowWeights, long slabBytes, bool ownsDevice)
    {
        (_device, KvType, _narrowWeights, _ownsDevice) = (device, kvType, narrowWeights, ownsDevice);
        _stream = device.CreateStream();
        _arena = new DeviceArena(device, slabBytes);
        _uploader = new WeightUploader(device, _stream);
        _graphs = new CudaGraphs(_stream);
    }

    /// <summary>Opens a GPU; the backend owns it.</summary>
    /// <param name="gpu">The driver's number of the GPU.</param>
    /// <param name="kvType">As for the constructor.</param>
    /// <param name="narrowWeights">As for the constructor.</param>
    /// <exception cref="Qwen3NextException">There is no driver, no such GPU, or it is too old.</exception>
    public static CudaBackend Open(int gpu, DType kvType, bool narrowWeights)
    {
        var device = CudaDevice.Open(gpu);
        try
        {
            return new CudaBackend(device, kvType, narrowWeights, 256L << 20, ownsDevice: true);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public string Name => $"CUDA, {_device.Name}";

    public bool SharesHostMemory => false;

    public bool RunsAhead => true;

    public long FreeBytes => _device.FreeBytes;

    public DType KvType { get; }

    /// <summary>The device's copy of the batch of this step.</summary>
    private CudaBatch Rows => _batch ?? throw new InvalidOperationException("no batch has been loaded");

    public Tensor Allocate(DType type, Shape shape)
    {
        var tensor = _arena.Allocate(type, shape);
        Clear(tensor);
        return tensor;
    }

    public Tensor Place(Tensor host)
    {
        var placed = _arena.Allocate(host.Type, host.Shape);
        _uploader.Upload(host, placed);
        return placed;
    }

    public DType MatrixType(DType stored, bool mayNarrow) => stored == DType.F8E4M3 || (mayNarrow && _narrowWeights) ? DType.F8E4M3 : DType.BF16;

    public LinearWeight Place(LinearWeight host, bool mayNarrow = false)
    {
        if (host.Weight.Type == DType.F8E4M3) return new LinearWeight(Place(host.Weight), Place(host.Scales));
        if (MatrixType(host.Weight.Type, mayNarrow) == DType.F8E4M3)
        {
            using var narrow = Float8Blocks.Encode(host.Weight, out var codes, out var scales);
            return new LinearWeight(Place(codes), Place(scales));
        }
        var placed = _arena.Allocate(DType.BF16, host.Weight.Shape);
        _uploader.Upload(host.Weight, placed);
        return new LinearWeight(placed);
    }

    public void Load(Batch batch)
    {
        if (_batch?.Fits(batch) != true)
        {
            _graphs.Clear();
            _batch?.Dispose();
            _batch = new CudaBatch(_device, batch);
        }
        _batch.Load(batch, _stream);
    }

    public void Run(in StepShape shape, Action compute) => _graphs.Run(shape, compute);

    public void Clear(Tensor tensor) => _stream.Fill(tensor.Address, 0, tensor.Bytes);

    public void Copy(Tensor source, Tensor destination) => _stream.Copy(destination.Address, source.Address, source.Bytes);

    public void Write(ReadOnlySpan<float> source, Tensor destination) => _stream.Upload(destination.Address, source);

    public Span<float> Read(Tensor source)
    {
        if (_readBuffer is null || _readBuffer.Bytes < source.Bytes)
        {
            _readBuffer?.Dispose();
            _readBuffer = _device.AllocatePinned(source.Bytes);
        }
        _stream.Download(_readBuffer.Address, source.Address, source.Bytes);
        _stream.Synchronize();
        return _readBuffer.AsSpan<float>()[..checked((int)source.Shape.Elements)];
    }

    public void Mark()
    {
        if (_marked == _marks.Count) _marks.Add(_device.CreateEvent(timing: true));
        _stream.Record(_marks[_marked++]);
    }

    public double[] TakeMarks()
    {
        _stream.Synchronize();
        var seconds = new double[Math.Max(_marked - 1, 0)];
        for (var i = 0; i < seconds.Length; i++) seconds[i] = _marks[i + 1].MillisecondsSince(_marks[i]) / 1e3;
        _marked = 0;
        return seconds;
    }

    public void Dispose()
    {
        // Memory may go only after the work that uses it. A device that has failed has no work left.
        try { _stream.Synchronize(); }
        catch (CudaException) { }
        _graphs.Dispose();
        _marks.ForEach(mark => mark.Dispose());
        _batch?.Dispose();
        _scratch?.Dispose();
        _sampling?.Dispose();
        _readBuffer?.Dispose();
        _uploader.Dispose();
        _arena.Dispose();
        _modules.ForEach(module => module.Dispose());
        _stream.Dispose();
        if (_ownsDevice) _device.Dispose();
    }

    /// <summary>Kernels of an embedded source for this device, which live as long as the backend. Slow: each family keeps what it gets.</summary>
    /// <param name="path">As in Ops/Linear/linear.cu.</param>
    /// <param name="defines">NAME=VALUE.</param>
    private KernelModule LoadKernels(string path, params ReadOnlySpan<string> defines)
    {
        var module = _device.Load(KernelSource.Embedded(path), defines);
        _modules.Add(module);
        return module;
    }

    /// <summary>Memory for one op call, of any content: grows to the largest request and stays. Ops run in order, so all of them share it.</summary>
    private nint Scratch(long bytes)
    {
        if (_scratch is null || _scratch.Bytes < bytes)
        {
            _graphs.Clear();
            _stream.Synchronize();
            _scratch?.Dispose();
            _scratch = _device.Allocate(bytes);
        }
        return _scratch.Address;
    }
}

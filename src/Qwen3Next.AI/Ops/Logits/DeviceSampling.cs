using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Ops.Logits;

/// <summary>
/// What sampling on a device reads and writes: the entries of <see cref="SamplingRows"/> in the layout of sampling.cu, what its kernels tell
/// each other, and the chosen tokens, at an address that stays and on their way to the host.
/// </summary>
internal sealed unsafe class DeviceSampling : IDisposable
{
    private const int LeastChunk = 512;

    private readonly CudaDevice _device;
    private readonly CudaStream _stream;
    private readonly DeviceMemory _memory, _masks;
    private readonly PinnedMemory[] _tokens = new PinnedMemory[2];
    private readonly CudaEvent[] _fetched = new CudaEvent[2];
    private readonly Row[] _rows;
    private readonly int _tokenIds;
    private DeviceMemory _editMemory;

    /// <param name="device">Where.</param>
    /// <param name="stream">Whose order uploads keep.</param>
    /// <param name="rows">Gives the sizes.</param>
    /// <param name="maxChunks">Chunks that a row may be cut into.</param>
    public DeviceSampling(CudaDevice device, CudaStream stream, SamplingRows rows, int maxChunks)
    {
        (_device, _stream, _tokenIds, _rows) = (device, stream, rows.TokenIds, new Row[rows.MaxRows]);
        var perChunk = (rows.TokenIds + maxChunks - 1) / maxChunks;
        ChunkSize = Math.Max(LeastChunk, (perChunk + 31) / 32 * 32);
        Chunks = (rows.TokenIds + ChunkSize - 1) / ChunkSize;
        _memory = device.Allocate(rows.MaxRows * (sizeof(Row) + Chunks * (long)(sizeof(ulong) + sizeof(float)) + sizeof(int)));
        _masks = device.Allocate((long)rows.MaxRows * rows.MaskWords * sizeof(ulong));
        _editMemory = device.Allocate(1024 * sizeof(LogitEdit));
        for (var turn = 0; turn < _tokens.Length; turn++) (_tokens[turn], _fetched[turn]) = (device.AllocatePinned(rows.MaxRows * sizeof(int)), device.CreateEvent());
    }

    /// <summary>Ids of a chunk.</summary>
    public int ChunkSize { get; }

    /// <summary>Chunks of a row.</summary>
    public int Chunks { get; }

    /// <summary>Best of each chunk, 64 bits.</summary>
    public nint Best => _memory.Address;

    public nint Rows => Best + _rows.Length * Chunks * sizeof(ulong);

    /// <summary>Mass of each chunk, F32.</summary>
    public nint Mass => Rows + _rows.Length * sizeof(Row);

    /// <summary>[rows] int32, the chosen tokens.</summary>
    public nint Tokens => Mass + _rows.Length * Chunks * sizeof(float);

    public nint Edits => _editMemory.Address;

    public nint Masks => _masks.Address;

    public bool Fits(SamplingRows rows) => (rows.MaxRows, rows.TokenIds) == (_rows.Length, _tokenIds);

    /// <summary>Sends how each row is sampled.</summary>
    public void Load(SamplingRows rows)
    {
        for (var i = 0; i < rows.Count; i++)
        {
            ref readonly var row = ref rows[i];
            var p = row.Parameters;
            _rows[i] = new Row(Sampler.Uniform(row.Seed, row.Position), p.Temperature, p.TopP, p.MinP, p.TopK, row.FirstEdit, row.EndEdit, row.IsMasked ? 1 : 0);
            if (row.IsMasked) _stream.Upload(Masks + i * rows.MaskWords * sizeof(ulong), rows.Allowed(i));
        }
        _stream.Upload(Rows, (ReadOnlySpan<Row>)_rows.AsSpan(0, rows.Count));
        SendEdits(rows.Edits);
    }

    /// <summary>Starts the tokens' way to the host.</summary>
    public void Fetch(SamplingRows rows)
    {
        _stream.Download(_tokens[rows.Turn].Address, Tokens, rows.Count * sizeof(int));
        _stream.Record(_fetched[rows.Turn]);
    }

    /// <summary>Waits for them.</summary>
    public ReadOnlySpan<int> Read(SamplingRows rows)
    {
        _fetched[rows.Turn].Synchronize();
        ReadOnlySpan<int> tokens = _tokens[rows.Turn].AsSpan<int>()[..rows.Count];
        if (tokens.IndexOf(-1) is >= 0 and var row)
            throw new Qwen3NextException($"The model's output is not a number (row {row} of {rows.Count}); the checkpoint may be damaged.");
        return tokens;
    }

    public void Dispose()
    {
        foreach (var fetched in _fetched) fetched.Dispose();
        foreach (var tokens in _tokens) tokens.Dispose();
        _editMemory.Dispose();
        _masks.Dispose();
        _memory.Dispose();
    }

    private void SendEdits(ReadOnlySpan<LogitEdit> edits)
    {
        var bytes = edits.Length * (long)sizeof(LogitEdit);
        if (bytes > _editMemory.Bytes)
        {
            _stream.Synchronize();
            _editMemory.Dispose();
            _editMemory = _device.Allocate(2 * bytes);
        }
        _stream.Upload(Edits, edits);
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Row(double Uniform, float Temperature, float TopP, float MinP, int TopK, int FirstEdit, int EndEdit, int HasMask);
}

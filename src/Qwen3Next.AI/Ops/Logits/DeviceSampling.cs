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
    private readonly PinnedMemory _tokens;
    private readonly CudaEvent _fetched;
    private readonly Row[] _rows;
    private readonly List<Edit> _edits = [];
    private readonly int _tokenIds;
    private DeviceMemory _editMemory;
    private int _count;

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
        _editMemory = device.Allocate(1024 * sizeof(Edit));
        _tokens = device.AllocatePinned(rows.MaxRows * sizeof(int));
        _fetched = device.CreateEvent();
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
        _edits.Clear();
        for (var i = 0; i < rows.Count; i++)
        {
            ref readonly var row = ref rows[i];
            var (p, first) = (row.Parameters, _edits.Count);
            AddEdits(row);
            _rows[i] = new Row(Sampler.Uniform(row.Seed, row.Position), p.Temperature, p.TopP, p.MinP, p.TopK, first, _edits.Count, row.IsMasked ? 1 : 0);
            if (row.IsMasked) _stream.Upload(Masks + i * rows.MaskWords * sizeof(ulong), rows.Allowed(i));
        }
        _stream.Upload(Rows, (ReadOnlySpan<Row>)_rows.AsSpan(0, rows.Count));
        SendEdits();
    }

    /// <summary>Starts the tokens' way to the host.</summary>
    public void Fetch(int count)
    {
        _stream.Download(_tokens.Address, Tokens, count * sizeof(int));
        _stream.Record(_fetched);
        _count = count;
    }

    /// <summary>Waits for them.</summary>
    public ReadOnlySpan<int> Read()
    {
        _fetched.Synchronize();
        ReadOnlySpan<int> tokens = _tokens.AsSpan<int>()[.._count];
        if (tokens.IndexOf(-1) is >= 0 and var row)
            throw new Qwen3NextException($"The model's output is not a number (row {row} of {_count}); the checkpoint may be damaged.");
        return tokens;
    }

    public void Dispose()
    {
        _fetched.Dispose();
        _tokens.Dispose();
        _editMemory.Dispose();
        _masks.Dispose();
        _memory.Dispose();
    }

    /// <summary>Penalties and bias, one entry for each token that has either.</summary>
    private void AddEdits(in SamplingRow row)
    {
        var (p, counts) = (row.Parameters, row.Counts);
        if (counts is not null)
        {
            foreach (var token in counts.Tokens)
            {
                if (token >= _tokenIds) continue;
                var bias = counts.InOutput(token) is > 0 and var n ? -(p.FrequencyPenalty * n + p.PresencePenalty) : 0;
                _edits.Add(new Edit(token, p.RepetitionPenalty, bias + (p.LogitBias is null ? 0 : p.LogitBias.GetValueOrDefault(token))));
            }
        }
        if (p.LogitBias is not { Count: > 0 } biases) return;
        foreach (var (token, bias) in biases)
            if (token < _tokenIds && counts?.Contains(token) != true) _edits.Add(new Edit(token, 1, bias));
    }

    private void SendEdits()
    {
        var bytes = _edits.Count * (long)sizeof(Edit);
        if (bytes > _editMemory.Bytes)
        {
            _stream.Synchronize();
            _editMemory.Dispose();
            _editMemory = _device.Allocate(2 * bytes);
        }
        _stream.Upload(Edits, (ReadOnlySpan<Edit>)CollectionsMarshal.AsSpan(_edits));
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Row(double Uniform, float Temperature, float TopP, float MinP, int TopK, int FirstEdit, int EndEdit, int HasMask);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Edit(int Token, float Penalty, float Bias);
}

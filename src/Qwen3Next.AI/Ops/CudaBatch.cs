using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// The device's copy of a <see cref="Batch"/>, at addresses that stay, so that captured steps can be replayed: arrays of int32 with the
/// batch's names and shapes. What has not changed since the last step is not sent again. Copies alone write it, so kernels may read it before they
/// wait for the kernel before.
/// </summary>
internal sealed class CudaBatch : IDisposable
{
    private const int Columns = 6;

    private readonly DeviceMemory _memory;
    private readonly PinnedMemory[] _staging = new PinnedMemory[2];
    private readonly CudaEvent[] _sent = new CudaEvent[2];
    private readonly int[] _tableOnDevice;
    private readonly int _maxTokens, _maxSequences;
    private int _turn;

    /// <param name="device">Where.</param>
    /// <param name="batch">Gives the sizes.</param>
    public CudaBatch(CudaDevice device, Batch batch)
    {
        (_maxTokens, _maxSequences, BlocksPerSequence) = (batch.Tokens.Length, batch.StateSlots.Length, batch.BlocksPerSequence);
        _tableOnDevice = new int[batch.BlockTable.Length];
        Array.Fill(_tableOnDevice, -1);
        _memory = device.Allocate((StagedInts + (long)_tableOnDevice.Length) * sizeof(int));
        for (var i = 0; i < _staging.Length; i++) (_staging[i], _sent[i]) = (device.AllocatePinned(StagedInts * sizeof(int)), device.CreateEvent());
    }

    public int BlocksPerSequence { get; }

    /// <summary>[N + 1].</summary>
    public nint SequenceStart => At(0);

    /// <summary>[N].</summary>
    public nint StateSlots => At(_maxSequences + 1);

    /// <summary>[N].</summary>
    public nint Drafts => At(2 * _maxSequences + 1);

    /// <summary>[N].</summary>
    public nint KeptDrafts => At(3 * _maxSequences + 1);

    /// <summary>[T].</summary>
    public nint Tokens => Column(0);

    /// <summary>[T].</summary>
    public nint NextTokens => Column(1);

    /// <summary>[T].</summary>
    public nint Positions => Column(2);

    /// <summary>[T] the sequence n that each row belongs to.</summary>
    public nint RowSequence => Column(3);

    /// <summary>[LogitCount].</summary>
    public nint LogitRows => Column(4);

    /// <summary>[N, BlocksPerSequence].</summary>
    public nint BlockTable => At(StagedInts);

    private int SequenceInts => 4 * _maxSequences + 1;

    private int StagedInts => SequenceInts + (Columns - 1) * _maxTokens;

    public bool Fits(Batch batch) =>
        (batch.Tokens.Length, batch.StateSlots.Length, batch.BlocksPerSequence) == (_maxTokens, _maxSequences, BlocksPerSequence);

    public void Load(Batch batch, CudaStream stream)
    {
        _turn = 1 - _turn;
        _sent[_turn].Synchronize();
        var (tokens, sequences) = (batch.TokenCount, batch.SequenceCount);
        Send(stream, 0, batch.SequenceStart.AsSpan(0, sequences + 1));
        Send(stream, _maxSequences + 1, batch.StateSlots.AsSpan(0, sequences));
        Send(stream, 2 * _maxSequences + 1, batch.Drafts.AsSpan(0, sequences));
        Send(stream, 3 * _maxSequences + 1, batch.KeptDrafts.AsSpan(0, sequences));
        Send(stream, SequenceInts, batch.Tokens.AsSpan(0, tokens));
        Send(stream, SequenceInts + _maxTokens, batch.NextTokens.AsSpan(0, tokens));
        Send(stream, SequenceInts + 2 * _maxTokens, batch.Positions.AsSpan(0, tokens));
        SendRowSequences(stream, batch);
        Send(stream, SequenceInts + 4 * _maxTokens, batch.LogitRows.AsSpan(0, batch.LogitCount));
        stream.Record(_sent[_turn]);
        SendBlocks(stream, batch);
    }

    public void Dispose()
    {
        foreach (var sent in _sent) sent.Dispose();
        foreach (var staging in _staging) staging.Dispose();
        _memory.Dispose();
    }

    private nint At(int index) => _memory.Address + index * sizeof(int);

    private nint Column(int column) => At(SequenceInts + column * _maxTokens);

    private void Send(CudaStream stream, int index, ReadOnlySpan<int> values)
    {
        values.CopyTo(_staging[_turn].AsSpan<int>()[index..]);
        stream.Upload(At(index), _staging[_turn].Address + index * sizeof(int), (long)values.Length * sizeof(int));
    }

    private void SendRowSequences(CudaStream stream, Batch batch)
    {
        var index = SequenceInts + 3 * _maxTokens;
        var rows = _staging[_turn].AsSpan<int>().Slice(index, batch.TokenCount);
        for (var n = 0; n < batch.SequenceCount; n++) rows[batch.SequenceStart[n]..batch.SequenceStart[n + 1]].Fill(n);
        stream.Upload(At(index), _staging[_turn].Address + index * sizeof(int), (long)rows.Length * sizeof(int));
    }

    // Tables of long contexts are large and rarely change, and then at their ends.
    private void SendBlocks(CudaStream stream, Batch batch)
    {
        for (var n = 0; n < batch.SequenceCount; n++)
        {
            var row = n * BlocksPerSequence;
            var blocks = batch.BlockTable.AsSpan(row, batch.BlockCounts[n]);
            var known = _tableOnDevice.AsSpan(row, blocks.Length);
            var same = blocks.CommonPrefixLength(known);
            if (same == blocks.Length) continue;
            blocks[same..].CopyTo(known[same..]);
            stream.Upload(BlockTable + (row + same) * sizeof(int), (ReadOnlySpan<int>)blocks[same..]);
        }
    }
}

namespace Qwen3Next.AI.Cuda;

/// <summary>Blocks of a grid or threads of a block, as a number, a pair or a triple.</summary>
internal readonly record struct Dim3(int X, int Y = 1, int Z = 1)
{
    public static implicit operator Dim3(int x) => new(x);

    public static implicit operator Dim3((int X, int Y) size) => new(size.X, size.Y);

    public static implicit operator Dim3((int X, int Y, int Z) size) => new(size.X, size.Y, size.Z);

    public override string ToString() => $"{X} x {Y} x {Z}";
}

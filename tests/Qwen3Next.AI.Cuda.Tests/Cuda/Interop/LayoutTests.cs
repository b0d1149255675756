using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Cuda.Interop;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda.Interop;

/// <summary>Sizes and offsets as in cuda.h for 64-bit platforms.</summary>
public unsafe class LayoutTests
{
    [Fact]
    public void LaunchConfig_Layout_IsThatOfCUlaunchConfig()
    {
        Assert.Equal(56, sizeof(LaunchConfig));
        Assert.Equal(0, Offset<LaunchConfig>(nameof(LaunchConfig.GridX)));
        Assert.Equal(8, Offset<LaunchConfig>(nameof(LaunchConfig.GridZ)));
        Assert.Equal(12, Offset<LaunchConfig>(nameof(LaunchConfig.BlockX)));
        Assert.Equal(24, Offset<LaunchConfig>(nameof(LaunchConfig.SharedBytes)));
        Assert.Equal(32, Offset<LaunchConfig>(nameof(LaunchConfig.Stream)));
        Assert.Equal(40, Offset<LaunchConfig>(nameof(LaunchConfig.Attributes)));
        Assert.Equal(48, Offset<LaunchConfig>(nameof(LaunchConfig.AttributeCount)));
    }

    [Fact]
    public void LaunchAttribute_Layout_IsThatOfCUlaunchAttribute()
    {
        Assert.Equal(72, sizeof(LaunchAttribute));
        Assert.Equal(0, Offset<LaunchAttribute>(nameof(LaunchAttribute.Id)));
        Assert.Equal(8, Offset<LaunchAttribute>(nameof(LaunchAttribute.Value)));
        Assert.Equal(6, LaunchAttribute.ProgrammaticStreamSerialization);
    }

    [Fact]
    public void KernelArgument_OfEachType_HoldsItsBytesInFront()
    {
        Assert.Equal(8, sizeof(KernelArgument));
        Assert.Equal(-5, Read<int>(-5));
        Assert.Equal(-5L, Read<long>(-5));
        Assert.Equal(4_000_000_000u, Read<uint>(4_000_000_000u));
        Assert.Equal(ulong.MaxValue, Read<ulong>(ulong.MaxValue));
        Assert.Equal(1.5f, Read<float>(1.5f));
        Assert.Equal(nint.MaxValue, Read<nint>(nint.MaxValue));
    }

    private static T Read<T>(KernelArgument argument) where T : unmanaged => Unsafe.As<KernelArgument, T>(ref argument);

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);
}

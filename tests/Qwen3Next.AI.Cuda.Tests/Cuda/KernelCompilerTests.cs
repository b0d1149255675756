using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public class KernelCompilerTests(CudaFixture cuda)
{
    [Fact]
    public void Load_WrongText_GivesTheLogAndTheOptions()
    {
        var error = Assert.Throws<Qwen3NextException>(() => cuda.Device.Load(TestKernels.Source("wrong.cu", "extern \"C\" __global__ void f(int* x) {\n    x[0] = nonsense;\n}\n"), "SIZE=3"));
        Assert.Contains("Compiling wrong.cu", error.Message, StringComparison.Ordinal);
        Assert.Contains("-DSIZE=3", error.Message, StringComparison.Ordinal);
        Assert.Contains("nonsense", error.Message, StringComparison.Ordinal);
        Assert.Matches(@"wrong\.cu[:(]2", error.Message);
    }

    [Fact]
    public void Load_MissingHeader_GivesItsName()
    {
        var error = Assert.Throws<Qwen3NextException>(() => cuda.Device.Load(TestKernels.Source("wrong.cu", "#include \"absent.cuh\"\n")));
        Assert.Contains("absent.cuh", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Embedded_Source_HasAllHeadersItIncludes()
    {
        var source = KernelSource.Embedded("Ops/Shared/dtype.cuh");
        Assert.Equal(["ptx.cuh"], source.Headers.Keys);
        var error = Assert.Throws<ArgumentException>(() => KernelSource.Embedded("Ops/Nothing/nothing.cu"));
        Assert.Contains("Ops/Nothing/nothing.cu", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, 0, "sm_80", false)]
    [InlineData(8, 6, "sm_86", false)]
    [InlineData(8, 7, "sm_86", false)]
    [InlineData(8, 9, "sm_89", false)]
    [InlineData(9, 0, "sm_90a", false)]
    [InlineData(10, 0, "compute_90", true)]
    [InlineData(12, 1, "compute_90", true)]
    public void For_Nvrtc12_4_ChoosesMachineCodeWhereItRuns(int major, int minor, string name, bool isPtx) =>
        Assert.Equal(new GpuArchitecture(name, isPtx), GpuArchitecture.For((major, minor), [52, 60, 70, 75, 80, 86, 89, 90]));

    [Theory]
    [InlineData(10, 3, "sm_103")]
    [InlineData(10, 1, "sm_100")]
    [InlineData(12, 1, "sm_120")]
    public void For_Nvrtc13_KnowsLaterFamilies(int major, int minor, string name) =>
        Assert.Equal(new GpuArchitecture(name, IsPtx: false), GpuArchitecture.For((major, minor), [75, 80, 86, 89, 90, 100, 103, 120]));

    [Fact]
    public void For_NvrtcThatKnowsNone_IsRefused() =>
        Assert.Contains("8.6", Assert.Throws<Qwen3NextException>(() => GpuArchitecture.For((8, 6), [52, 70])).Message, StringComparison.Ordinal);
}

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>
/// Compiles by NVIDIA's compiler, for every architecture, each source that the other tests made the backend load: with another of its sets of macros
/// for each architecture, or with QWEN3NEXT_NIGHTLY=1 with all of them. Needs no GPU. NVRTC is the file that QWEN3NEXT_TEST_NVRTC names, or one that
/// the system finds.
/// </summary>
[Collection(LastCollection.Name)]
public class EveryKernelTests
{
    private const string ListVariable = "QWEN3NEXT_TEST_KERNELS";

    private static readonly (int, int)[] Capabilities = [(8, 0), (8, 6), (8, 9), (9, 0), (10, 0)];

    [Fact]
    public void Loaded_EveryArchitecture_CompilesWithoutSpills()
    {
        var library = typeof(CudaDevice).Assembly;
        var loaded = CudaDevice.Loaded.Where(kernel => library.GetManifestResourceInfo(kernel.Source) is not null)
            .Select(kernel => $"{kernel.Source} {kernel.Defines}".TrimEnd()).Distinct().ToList();
        Assert.SkipWhen(loaded.Count == 0, "no test before this one loaded kernels of the library");
        var nvrtc = FindNvrtc();
        Assert.SkipWhen(nvrtc is null, "NVRTC is not on this machine; QWEN3NEXT_TEST_NVRTC may name its file");
        var list = Path.GetTempFileName();
        File.WriteAllLines(list, loaded.Order(StringComparer.Ordinal));
        OwnProcess.Run(GetType(), nameof(Listed_EveryArchitecture_CompilesWithoutSpills), (EnvironmentVariables.NvrtcName, nvrtc!), (ListVariable, list));
        File.Delete(list);
    }

    [Fact(Explicit = true)]
    public void Listed_EveryArchitecture_CompilesWithoutSpills()
    {
        var compiler = new KernelCompiler();
        var passed = Directory.CreateDirectory(Path.Combine(KernelCache.DefaultFolder, "compiled-by-nvrtc")).FullName;
        var faults = new List<string>();
        var perCore = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(Compilations(File.ReadAllLines(Environment.GetEnvironmentVariable(ListVariable)!)), perCore, each =>
        {
            if (Fault(compiler, KernelSource.Embedded(each.Words[0]), each.Words[1..], each.Capability, passed) is not { } fault) return;
            lock (faults) faults.Add(fault);
        });
        Assert.True(faults.Count == 0, string.Join("\n\n", faults));
    }

    private static IEnumerable<(string[] Words, (int, int) Capability)> Compilations(string[] list)
    {
        foreach (var sets in list.Select(line => line.Split(' ')).GroupBy(words => words[0]).Select(group => group.ToArray()))
        {
            for (var i = 0; i < Capabilities.Length; i++)
            {
                // Activations in 8 bits need tensor cores that know them; the backend asks for no such kernel on older ones.
                var known = sets.Where(words => Capabilities[i].CompareTo((8, 9)) >= 0 || !words.Contains("INPUT_BYTES=1")).ToArray();
                foreach (var words in Nightly.IsOn ? known : [known[i % known.Length]]) yield return (words, Capabilities[i]);
            }
        }
    }

    /// <summary>What is wrong with one compilation. What was right once is not compiled again: the marks are files named after all that decides it.</summary>
    private static string? Fault(KernelCompiler compiler, KernelSource source, string[] defines, (int Major, int Minor) capability, string passed)
    {
        var architecture = compiler.ArchitectureFor(capability);
        string[] options = [.. KernelCompiler.Options(defines, architecture), "--ptxas-options=-v"];
        var decisive = string.Join('\0', [compiler.Version, .. options, source.Text, .. source.Headers.Keys, .. source.Headers.Values]);
        var mark = Path.Combine(passed, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(decisive))));
        if (File.Exists(mark)) return null;
        try
        {
            var (_, log) = KernelCompiler.Compile(source, options, architecture);
            var spills = log.Split('\n').Where(line => line.Contains("spill", StringComparison.Ordinal) && !line.Contains(" 0 bytes spill stores, 0 bytes spill loads", StringComparison.Ordinal)).ToList();
            if (spills.Count > 0) return $"{source.Name} {string.Join(' ', options)}:\n{log}";
            File.WriteAllText(mark, source.Name);
            return null;
        }
        catch (Qwen3NextException error)
        {
            return error.Message;
        }
    }

    private static string? FindNvrtc()
    {
        IEnumerable<string?> candidates = [Environment.GetEnvironmentVariable("QWEN3NEXT_TEST_NVRTC"), "libnvrtc.so.12", "libnvrtc.so.13"];
        return candidates.FirstOrDefault(candidate => candidate is not null && NativeLibrary.TryLoad(candidate, out _));
    }
}

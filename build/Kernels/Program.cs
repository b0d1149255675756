// Compiles the kernels of a list for every architecture that packages have, into one archive for each.
// usage: LIST FOLDER      Without NVRTC it writes nothing and says so: such a package compiles where it runs.
using System.Diagnostics;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Cuda.Interop;
using Qwen3Next.AI.Kernels;

var (list, folder) = (args[0], Directory.CreateDirectory(args[1]).FullName);
foreach (var old in Directory.GetFiles(folder)) File.Delete(old);
if (!NativeLibraries.HasNvrtc)
{
    Console.WriteLine($"Kernels are not precompiled. {NativeLibraries.NoNvrtc}");
    return;
}

var compiler = new KernelCompiler().Version;
var cache = new KernelCache(KernelCache.DefaultFolder);
var wanted = KernelList.Read(File.ReadLines(list))
    .SelectMany(kernel => kernel.Capabilities.Select(KernelArchive.ArchitectureFor).Distinct().Select(architecture => (kernel.Source, kernel.Defines, Architecture: architecture)))
    .ToList();
var clock = Stopwatch.StartNew();
var images = wanted.AsParallel().AsOrdered()
    .Select(kernel => (Kernel: kernel, Image: cache.GetOrCompile(KernelSource.Embedded(kernel.Source), kernel.Defines, kernel.Architecture)))
    .ToList();
Console.WriteLine($"{images.Count} kernel images by NVRTC {compiler} in {clock.Elapsed.TotalSeconds:0} s");

Parallel.ForEach(images.GroupBy(image => image.Kernel.Architecture), group =>
{
    var archive = new KernelArchive(group.Key, compiler);
    foreach (var (kernel, image) in group) archive.Add(KernelSource.Embedded(kernel.Source), kernel.Defines, image);
    using var file = File.Create(Path.Combine(folder, group.Key.Name));
    archive.Write(file);
    Console.WriteLine($"{group.Key.Name}: {archive.Count} images, {group.Sum(image => (long)image.Image.Length)} bytes, compressed {file.Length}");
});

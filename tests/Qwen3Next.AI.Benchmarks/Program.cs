using BenchmarkDotNet.Running;
using Qwen3Next.AI.Benchmarks;

// "bench [tiny] [dims] [tokenizer]" measures whole paths and prints the table of docs/performance.md; anything else goes to BenchmarkDotNet.
if (args is not ["bench", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(WholeRun).Assembly).Run(args);
    return;
}
var parts = args.Length > 1 ? args[1..] : ["tiny", "dims", "tokenizer"];
Console.WriteLine("| what | value |\n|---|---|");
if (parts.Contains("tiny")) await WholeRun.TinyModelAsync();
if (parts.Contains("dims")) await WholeRun.RealDimensionsAsync();
if (parts.Contains("tokenizer")) TokenizerRun.Measure();

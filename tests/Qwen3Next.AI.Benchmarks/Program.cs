using System.Globalization;
using BenchmarkDotNet.Running;
using Qwen3Next.AI.Benchmarks;

// "bench [tiny] [dims] [tokenizer] [grammar] [host]" measures whole paths and prints the table of docs/performance.md; "complete PROMPTS OUTPUT [EVERY]" answers
// the tiny model's scoring prompts; anything else goes to BenchmarkDotNet.
if (args is ["complete", var prompts, var output, ..])
{
    await CompletePrompts.RunAsync(prompts, output, args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 1);
    return;
}
if (args is not ["bench", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(WholeRun).Assembly).Run(args);
    return;
}
var parts = args.Length > 1 ? args[1..] : ["tiny", "dims", "tokenizer", "grammar", "host"];
Console.WriteLine("| what | value |\n|---|---|");
if (parts.Contains("tiny")) await WholeRun.TinyModelAsync();
if (parts.Contains("dims")) await WholeRun.RealDimensionsAsync();
if (parts.Contains("tokenizer")) RealTokenizer.Use(TokenizerRun.Measure);
if (parts.Contains("grammar")) RealTokenizer.Use(GrammarRun.Measure);
if (parts.Contains("host"))
{
    await HostCostRun.MeasureAsync();
    await HostStepRun.MeasureAsync();
}

using Qwen3Next.AI.Cli;
using Qwen3Next.AI.Cli.Output;

return await CliApplication.RunAsync(args, Terminal.OfProcess());

using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>Prints tokens as text while they arrive.</summary>
internal sealed class TextStream(Terminal terminal, Tokenizer tokenizer)
{
    private readonly IncrementalDecoder _decoder = tokenizer.CreateDecoder(skipSpecialTokens: false);

    public void Append(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens) terminal.Out.Write(PlainText.Of(_decoder.Append(token)));
        terminal.Out.Flush();
    }

    public void End() => terminal.Out.WriteLine(PlainText.Of(_decoder.Flush()));
}

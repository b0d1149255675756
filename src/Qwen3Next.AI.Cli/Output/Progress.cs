using Spectre.Console;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>A line on standard error that moves while something long goes on; nothing where no person watches.</summary>
internal static class Progress
{
    /// <summary>Loads the weights.</summary>
    public static Task LoadAsync(Terminal terminal, IQwen3NextEngine engine, CancellationToken cancellationToken) =>
        ShowAsync(terminal, "Loading the model", async say =>
        {
            await engine.LoadAsync(new Percentage(say), cancellationToken);
            return true;
        });

    public static Task<T> ShowAsync<T>(Terminal terminal, string title, Func<Action<string>, Task<T>> work)
    {
        if (!terminal.ShowsProgress) return work(_ => { });
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(terminal.Error),
        });
        return console.Status().StartAsync(Markup.Escape(title), context => work(text => context.Status(Markup.Escape(text))));
    }

    // Progress<T> would report in the thread pool, perhaps after the line is gone.
    private sealed class Percentage(Action<string> say) : IProgress<Qwen3NextLoadProgress>
    {
        public void Report(Qwen3NextLoadProgress value) => say($"Loading the model, {100 * value.BytesLoaded / Math.Max(1, value.BytesTotal)} %");
    }
}

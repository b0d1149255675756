using System.Diagnostics;
using System.Globalization;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>How far a download is, for people. May be told by several threads.</summary>
/// <param name="say">Shows a line in place of the one before.</param>
/// <param name="completed">Told the name and size of each file that is complete.</param>
internal sealed class DownloadProgress(Action<string> say, Action<string> completed)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly Stopwatch _clock = new();
    private TimeSpan _said;
    private long _total, _done, _fetched;
    private int _files, _filesDone;

    public void Begin(int files, long total, long remaining)
    {
        (_files, _total, _done) = (files, total, total - remaining);
        _clock.Start();
    }

    public void Advance(long bytes)
    {
        lock (_gate)
        {
            _done += bytes;
            _fetched += bytes;
            if (_clock.Elapsed - _said < s_pause) return;
            _said = _clock.Elapsed;
            say(Line());
        }
    }

    public void Complete(HubFile file)
    {
        lock (_gate)
        {
            _filesDone++;
            completed($"{file.Name}, {Size(file.Size)}");
        }
    }

    public static string Size(long bytes) => bytes switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
    };

    private string Line()
    {
        var rate = _fetched / Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
        var left = rate > 1 ? TimeSpan.FromSeconds(Math.Min((_total - _done) / rate, 359_999)) : TimeSpan.Zero;
        return string.Create(CultureInfo.InvariantCulture,
            $"{Size(_done)} of {Size(_total)}, {_filesDone} of {_files} files, {Size((long)rate)}/s, {(int)left.TotalHours}:{left.Minutes:00}:{left.Seconds:00} left");
    }
}

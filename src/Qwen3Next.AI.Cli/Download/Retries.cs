namespace Qwen3Next.AI.Cli.Download;

/// <summary>Tries again what failed by the network, with pauses that grow; whatever got further counts as a new beginning.</summary>
/// <param name="firstPause">Before the second attempt; doubled before each further one.</param>
internal sealed class Retries(TimeSpan firstPause)
{
    private const int MostAttempts = 5;

    /// <param name="attempt">Fails by <see cref="IOException"/> where another attempt may succeed.</param>
    /// <param name="progress">Grows whenever an attempt got further.</param>
    /// <param name="cancellationToken">Ends attempts and pauses.</param>
    /// <exception cref="Qwen3NextException">No attempt succeeded.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> attempt, Func<long> progress, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            var before = progress();
            try
            {
                return await attempt();
            }
            catch (IOException e) when (!IsOfDisk(e))
            {
                failures = progress() > before ? 1 : failures + 1;
                if (failures == MostAttempts) throw new Qwen3NextException($"The download failed {MostAttempts} times in a row: {e.Message}. Run the same command again to go on.", e);
                await Task.Delay((e as BusyHubException)?.RetryAfter ?? firstPause * (1 << (failures - 1)), cancellationToken);
            }
        }
    }

    /// <summary>A full or unwritable disk does not get better by waiting; these carry a system code, network failures of HTTP streams do not.</summary>
    private static bool IsOfDisk(IOException e) => e is DirectoryNotFoundException or FileNotFoundException or PathTooLongException || e.HResult is DiskFullUnix or DiskFullWindows;

    private const int DiskFullUnix = 28, DiskFullWindows = unchecked((int)0x80070070);
}

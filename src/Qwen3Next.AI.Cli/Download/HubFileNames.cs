using System.Text.RegularExpressions;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>Which files of a hub's list are fetched, and which names no list may have.</summary>
internal static partial class HubFileNames
{
    /// <summary>What loading reads, and the licence and card that belong to it: of the first folder. Other formats of the same weights stay where they are.</summary>
    public static bool IsWanted(string path) =>
        !path.Contains('/') && (Path.GetExtension(path) is ".safetensors" or ".json" or ".jinja" or ".txt" or ".md" || Licence().IsMatch(path));

    /// <summary>Refuses lists that could write anywhere but into the folder, or twice to the same file.</summary>
    /// <exception cref="Qwen3NextException">A name is not a plain one, or they hold no model.</exception>
    public static void Check(IReadOnlyCollection<HubFile> files, string model)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in files)
        {
            if (!Plain().IsMatch(file.Name) || Reserved().IsMatch(file.Name))
                throw new Qwen3NextException($"The list of {model} has a file '{file.Name}', which is not a plain file name. Nothing was downloaded; use another source with --from.");
            if (!names.Add(file.Name)) throw new Qwen3NextException($"The list of {model} has '{file.Name}' twice. Nothing was downloaded; use another source with --from.");
            if (file.Size < 0) throw new Qwen3NextException($"The list of {model} gives '{file.Name}' {file.Size} bytes. Nothing was downloaded; use another source with --from.");
        }
        if (!names.Contains("config.json") || !files.Any(file => file.Name.EndsWith(".safetensors", StringComparison.Ordinal)))
            throw new Qwen3NextException($"{model} holds no checkpoint in safetensors files with a config.json. Choose another model.");
    }

    [GeneratedRegex("^(LICEN[CS]E|NOTICE)$")]
    private static partial Regex Licence();

    /// <summary>Letters, digits and ._- in one piece: no folders, no drives, no hidden files, on any system.</summary>
    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._\-]{0,199}(?<!\.)\z")]
    private static partial Regex Plain();

    /// <summary>Devices on Windows, whatever follows the point.</summary>
    [GeneratedRegex(@"^(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|\z)", RegexOptions.IgnoreCase)]
    private static partial Regex Reserved();
}

using Microsoft.Extensions.Options;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI;

/// <summary>Checks the attributes of the options; the generator writes the body.</summary>
[OptionsValidator]
internal sealed partial class Qwen3NextOptionsValidator : IValidateOptions<Qwen3NextOptions>;

/// <summary>Checks what attributes cannot say, and reports every fault at once.</summary>
internal sealed class Qwen3NextOptionsCrossCheck : IValidateOptions<Qwen3NextOptions>
{
    public ValidateOptionsResult Validate(string? name, Qwen3NextOptions options)
    {
        var section = string.IsNullOrEmpty(name) ? "Qwen3Next" : $"Qwen3Next:{name}";
        var faults = new ValidateOptionsResultBuilder();
        CheckPlace(options, section, faults);
        if (options.MaxOutputTokens > options.MaxContextTokens)
            faults.AddError($"{section}:MaxOutputTokens is {options.MaxOutputTokens}, more than MaxContextTokens, {options.MaxContextTokens}. Lower it or raise the context.");
        if (options.MaxConcurrentRequests > options.BatchTokens)
            faults.AddError($"{section}:MaxConcurrentRequests is {options.MaxConcurrentRequests}, more than MaxBatchTokens, {options.BatchTokens}: " +
                "a step must hold one token of every conversation. Raise MaxBatchTokens.");
        if (options.DrainTimeout < TimeSpan.Zero || options.DrainTimeout > TimeSpan.FromDays(1))
            faults.AddError($"{section}:DrainTimeout is {options.DrainTimeout}; it must be 00:00:00 to 1.00:00:00.");
        return faults.Build();
    }

    private static void CheckPlace(Qwen3NextOptions options, string section, ValidateOptionsResultBuilder faults)
    {
        if (options.Endpoint is not { } endpoint)
        {
            if (options.DummyWeights is not null) return;
            if (string.IsNullOrWhiteSpace(options.ModelPath)) faults.AddError($"{section}:ModelPath is not set. Name the checkpoint's folder, or the Endpoint of a server.");
            else CheckFolder(options, section, faults);
            return;
        }
        if (!string.IsNullOrWhiteSpace(options.ModelPath)) faults.AddError($"{section}: ModelPath and Endpoint are both set; a model runs in one place. Remove one of them.");
        if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https"))
            faults.AddError($"{section}:Endpoint is '{endpoint}'; it must be an http or https address, as in http://gpu-1:8000/v1.");
        if (string.IsNullOrEmpty(options.ModelId)) faults.AddError($"{section}:ModelId is not set; with an Endpoint it must be the model's name there.");
    }

    private static void CheckFolder(Qwen3NextOptions options, string section, ValidateOptionsResultBuilder faults)
    {
        try
        {
            var folder = CheckpointFolder.Resolve(options.ModelPath);
            foreach (var pattern in new[] { "tokenizer.json", "*.safetensors" })
                if (!Directory.EnumerateFiles(folder, pattern).Any())
                    faults.AddError($"{section}:ModelPath: folder {folder} has no {pattern}. Download the whole checkpoint into it.");
            ModelInfoReader.Read(options);
        }
        catch (CheckpointException fault)
        {
            faults.AddError($"{section}:ModelPath: {fault.Message}");
        }
    }
}

using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace Qwen3Next.AI.SemanticKernel;

/// <summary>A kernel function as a tool that runs through the kernel, so that filters see it. Results are JSON, as of other tools.</summary>
internal sealed class KernelTool(KernelFunction function, Kernel kernel) : DelegatingAIFunction(function)
{
    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        var result = await function.InvokeAsync(kernel, new KernelArguments(arguments), cancellationToken).ConfigureAwait(false);
        return result.GetValue<object>() switch
        {
            null => null,
            var value => JsonSerializer.SerializeToElement(value, JsonSerializerOptions.GetTypeInfo(value.GetType())),
        };
    }
}

using Microsoft.SemanticKernel;

namespace LongDocumentRag.Answering;

/// <summary>Ends the model's searching after so many rounds; what was found is kept.</summary>
internal sealed class SearchLimit(int most) : IAutoFunctionInvocationFilter
{
    public async Task OnAutoFunctionInvocationAsync(AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
    {
        await next(context);
        context.Terminate = context.RequestSequenceIndex + 1 >= most;
    }
}

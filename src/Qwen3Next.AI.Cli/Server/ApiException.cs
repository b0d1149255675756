using Microsoft.AspNetCore.Http;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>A refusal in the terms of OpenAI's error object.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">What failed, the value, the limit and the remedy.</param>
/// <param name="parameter">The member of the request that is at fault; null where none is.</param>
/// <param name="code">A word for programs; null where the status says it all.</param>
internal sealed class ApiException(int status, string message, string? parameter = null, string? code = null) : Exception(message)
{
    public int Status => status;

    public string? Parameter => parameter;

    public string? Code => code;

    public static ApiException Bad(string message, string? parameter = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, message, parameter, code);
}

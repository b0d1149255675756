using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>The server as one call: models and limits in, an application that can be started out.</summary>
internal static class ModelServer
{
    // Streams under way may end; what waits then is cut off.
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(20);

    public static WebApplication Create(ServedModel model, ServerOptions options)
    {
        // Empty: neither the machine's environment nor files of the current folder change what is served, and where.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBytes;
            kestrel.Listen(options.Address, options.Port);
        });
        // Why it cannot listen is said by the command, in one line.
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(model.Engine).AddHealthChecks().AddQwen3Next();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_drain);
        builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("qwen3next"))
            .WithMetrics(metrics => metrics.AddMeter(Qwen3NextTelemetry.MeterName).AddPrometheusExporter());
        var app = builder.Build();
        app.Use(new ErrorBoundary(options.RequestTimeout, app.Services.GetRequiredService<ILogger<ErrorBoundary>>()).InvokeAsync);
        app.UseRouting();
        app.Use(new AccessGuard(options).InvokeAsync);
        Map(app, model, options);
        return app;
    }

    private static void Map(WebApplication app, ServedModel model, ServerOptions options)
    {
        app.MapPost("/v1/chat/completions", new ChatCompletions(model, options).HandleAsync);
        app.MapPost("/v1/completions", new TextCompletions(model, options).HandleAsync);
        app.MapPost("/v1/embeddings", new EmbeddingEndpoint(model).HandleAsync);
        var models = new ModelEndpoints(model, app.Services.GetRequiredService<HealthCheckService>());
        app.MapGet("/v1/models", models.ListAsync);
        app.MapGet("/v1/models/{**id}", models.FindAsync);
        app.MapGet("/health", models.HealthAsync).AllowAnonymous();
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapPage();
    }
}

// A host that loads the model before it takes requests, tells whether it is well, and reports traces and metrics by OpenTelemetry's conventions.
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Qwen3Next.AI;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.TinyModel;

const string ClientSource = "Sample.Client";
var builder = Host.CreateApplicationBuilder(args);
builder.AddQwen3Next(options => (options.ModelPath, options.Load) = (TinyCheckpoint.Path, Qwen3NextLoadMode.OnHostStart)).UseOpenTelemetry(sourceName: ClientSource);
builder.Services.AddHealthChecks().AddQwen3Next();
builder.Services.AddOpenTelemetry()
    .WithTracing(traces => traces.AddSource(ClientSource, Qwen3NextTelemetry.ActivitySourceName).AddConsoleExporter())
    .WithMetrics(metrics => metrics.AddMeter(Qwen3NextTelemetry.MeterName).AddConsoleExporter());
using var host = builder.Build();

await host.StartAsync(); // the model is loaded and warm from here on
var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
Console.WriteLine($"{health.Status}: {health.Entries["qwen3next"].Description}");

var client = host.Services.GetRequiredService<IChatClient>();
Console.WriteLine(await client.GetResponseAsync("What is 2 + 2?"));
await host.StopAsync(); // running requests may end, then the exporters write

using System.Numerics.Tensors;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI;

/// <summary>Embeds texts with a Qwen3-Embedding checkpoint in this process.</summary>
/// <remarks>
/// <para>All members may be used by many threads at once; texts are computed together in one batch, each as itself: its company does not change it. An
/// embedding is the hidden state of the token that ends the text, of length 1, so that cosine similarity is the dot product.</para>
/// <para>These models were trained to be told what a query is for, while documents stay as they are: an <c>instruction</c> among the additional properties of
/// the options, for example "Given a web search query, retrieve relevant passages that answer the query", is put before every text of the call.</para>
/// </remarks>
public sealed class Qwen3NextEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const string EndOfText = "<|endoftext|>";
    private readonly Qwen3NextEngine _engine;
    private readonly bool _ownsEngine;

    /// <summary>Creates a generator with an engine of its own; nothing is loaded yet.</summary>
    /// <param name="options">Which model to run, and how.</param>
    public Qwen3NextEmbeddingGenerator(Qwen3NextOptions options) : this(new Qwen3NextEngine(options), ownsEngine: true)
    {
    }

    /// <summary>Creates a generator over an engine.</summary>
    /// <param name="engine">Computes; several generators may share it.</param>
    /// <param name="ownsEngine">Whether disposing the generator disposes the engine. Default: false.</param>
    public Qwen3NextEmbeddingGenerator(Qwen3NextEngine engine, bool ownsEngine = false)
    {
        ArgumentNullException.ThrowIfNull(engine);
        (_engine, _ownsEngine) = (engine, ownsEngine);
    }

    /// <inheritdoc/>
    /// <param name="values">The texts; an empty one has an embedding too.</param>
    /// <param name="options"><see cref="EmbeddingGenerationOptions.Dimensions"/>: the leading numbers of each embedding, brought back to length 1, as these models
    /// allow. Default: all.</param>
    /// <param name="cancellationToken">Ends the computation early.</param>
    /// <exception cref="ArgumentException">A text is null, the model id is another, or there are fewer dimensions than asked for.</exception>
    /// <exception cref="ContextLengthExceededException">A text does not fit into the context; nothing is cut off silently.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values.Select(text => text ?? throw new ArgumentException("The texts hold a null.", nameof(values)))];
        var model = await Task.Run(() => Check(options), cancellationToken).ConfigureAwait(false);
        var prefix = options?.AdditionalProperties?.TryGetValue("instruction", out string? instruction) is true ? $"Instruct: {instruction}\nQuery:" : "";
        var embeddings = new Embedding<float>[texts.Length];
        var tokens = 0L;
        var limits = new ParallelOptions { MaxDegreeOfParallelism = _engine.MaxConcurrentRequests, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, texts.Length, limits, async (i, cancel) =>
        {
            var prompt = Encode(prefix + texts[i]);
            Interlocked.Add(ref tokens, prompt.Length);
            var state = await _engine.ComputeHiddenStateAsync(prompt, cancel).ConfigureAwait(false);
            embeddings[i] = new Embedding<float>(Shorten(state, options?.Dimensions)) { ModelId = model, CreatedAt = DateTimeOffset.UtcNow };
        }).ConfigureAwait(false);
        return new GeneratedEmbeddings<Embedding<float>>(embeddings) { Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens } };
    }

    /// <summary>Gives this generator, <see cref="EmbeddingGeneratorMetadata"/>, the engine or <see cref="Qwen3NextModelInfo"/>.</summary>
    /// <param name="serviceType">What is asked for.</param>
    /// <param name="serviceKey">Must be null; there are no keyed services.</param>
    /// <returns>The service, or null where there is none.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType.IsInstanceOfType(this)) return this;
        if (serviceType.IsInstanceOfType(_engine)) return _engine;
        if (serviceType == typeof(EmbeddingGeneratorMetadata)) return new EmbeddingGeneratorMetadata(Qwen3NextTelemetry.ProviderName, null, _engine.ModelInfo.ModelId);
        return serviceType == typeof(Qwen3NextModelInfo) ? _engine.ModelInfo : null;
    }

    /// <summary>Ends the use of this generator, and of the engine where the generator owns it.</summary>
    public void Dispose()
    {
        if (_ownsEngine) _engine.Dispose();
    }

    private string Check(EmbeddingGenerationOptions? options)
    {
        var model = _engine.ModelInfo.ModelId;
        if (options?.ModelId is { } asked && !string.Equals(asked, model, StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"EmbeddingGenerationOptions.ModelId is '{asked}', but this generator runs '{model}' only. Leave it null.", nameof(options));
        return model;
    }

    // The checkpoints' own tokenizer ends every text with this token, and it is the one that is read.
    private int[] Encode(string text)
    {
        var tokens = _engine.Tokenizer.Encode(text);
        return _engine.Tokenizer.FindToken(EndOfText) is { } end ? [.. tokens, end] : tokens;
    }

    /// <summary>The leading numbers, scaled to length 1.</summary>
    internal static float[] Shorten(ReadOnlySpan<float> state, int? dimensions)
    {
        if (dimensions > state.Length)
            throw new ArgumentOutOfRangeException(nameof(dimensions), dimensions, $"Dimensions is {dimensions}; the model has {state.Length}. Ask for at most these.");
        var embedding = state[..(dimensions ?? state.Length)].ToArray();
        var length = TensorPrimitives.Norm<float>(embedding);
        if (length > 0) TensorPrimitives.Divide(embedding, length, embedding);
        return embedding;
    }
}

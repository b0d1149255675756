using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Qwen3Next.AI;

/// <summary>Where the engine runs.</summary>
public enum Qwen3NextDevice
{
    /// <summary>The CPU: the CUDA engine must be asked for. The log says so at load.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>One NVIDIA GPU; loading fails where it cannot be used.</summary>
    Cuda,
}

/// <summary>What large matrices are kept in.</summary>
public enum Qwen3NextWeightType
{
    /// <summary>As the checkpoint has them; on a GPU, 32-bit ones are rounded to BF16. Made-up weights are BF16.</summary>
    AsStored,

    /// <summary>FP8 with one scale for each 128 x 128 block: converted at load on a GPU. Embedding, head, router and other small matrices stay as stored.</summary>
    Float8,
}

/// <summary>What keys and values of attention layers are kept in.</summary>
public enum Qwen3NextKvCacheType
{
    /// <summary>BF16 on a GPU, 32 bits on the CPU.</summary>
    Auto,

    /// <summary>BF16; GPU only.</summary>
    BFloat16,

    /// <summary>FP8, which holds twice the context in the same memory; GPU only.</summary>
    Float8,
}

/// <summary>The prompt format a checkpoint was trained for.</summary>
public enum Qwen3NextFormat
{
    /// <summary>Found from the checkpoint: its chat template, then its folder name; Instruct where neither tells.</summary>
    Auto,

    /// <summary>Qwen3-Next-Instruct: answers at once.</summary>
    Instruct,

    /// <summary>Qwen3-Next-Thinking: every answer starts inside a thinking block.</summary>
    Thinking,

    /// <summary>First-generation Qwen3: thinks unless told not to.</summary>
    Hybrid,

    /// <summary>Qwen3-Coder-Next: tool calls in XML.</summary>
    Coder,
}

/// <summary>When a model is loaded.</summary>
public enum Qwen3NextLoadMode
{
    /// <summary>By the first request.</summary>
    OnFirstUse,

    /// <summary>While the host starts, before it takes requests; a short answer is computed too, so that the first request is as fast as the next ones.</summary>
    OnHostStart,
}

/// <summary>Everything that can be set about a model in process. Bound from the configuration section <c>Qwen3Next</c> (or <c>Qwen3Next:{name}</c>).</summary>
public sealed class Qwen3NextOptions
{
    /// <summary>Checkpoint folder (config.json, tokenizer.json, *.safetensors), or a Hugging Face hub cache folder. Required, unless <see cref="DummyWeights"/> or <see cref="Endpoint"/> is set.</summary>
    public string ModelPath { get; set; } = "";

    /// <summary>
    /// Address of a vLLM or SGLang server that runs the model instead of this process, up to and with the version, as in <c>http://gpu-1:8000/v1</c>.
    /// <see cref="ModelId"/> is then the model's name there, and everything about loading and room is the server's business. Default: none.
    /// </summary>
    public Uri? Endpoint { get; set; }

    /// <summary>Sent to the endpoint as bearer token. Default: none.</summary>
    public string? EndpointApiKey { get; set; }

    /// <summary>Name reported in responses and telemetry. Default: the folder's name; required with an <see cref="Endpoint"/>.</summary>
    public string? ModelId { get; set; }

    /// <summary>Prompt format. Default: <see cref="Qwen3NextFormat.Auto"/>.</summary>
    public Qwen3NextFormat Format { get; set; }

    /// <summary>Device. Default: <see cref="Qwen3NextDevice.Auto"/>.</summary>
    public Qwen3NextDevice Device { get; set; }

    /// <summary>Which GPU, 0 to 1,023, in the CUDA driver's order. Default: 0.</summary>
    [Range(0, 1023)]
    public int GpuIndex { get; set; }

    /// <summary>What matrices are kept in. Default: <see cref="Qwen3NextWeightType.AsStored"/>.</summary>
    public Qwen3NextWeightType WeightType { get; set; }

    /// <summary>What keys and values are kept in. Default: <see cref="Qwen3NextKvCacheType.Auto"/>.</summary>
    public Qwen3NextKvCacheType KvCacheType { get; set; }

    /// <summary>Made-up weights of a shape in place of a checkpoint, for measuring speed. Default: none.</summary>
    [ValidateObjectMembers]
    public Qwen3NextDummyWeights? DummyWeights { get; set; }

    /// <summary>CPU threads, 1 to 1024. Default: all cores.</summary>
    [Range(1, 1024)]
    public int? Threads { get; set; }

    /// <summary>Longest prompt plus answer, in tokens, 16 to 1,048,576. Default: the checkpoint's max_position_embeddings, at most 32,768.</summary>
    [Range(16, 1 << 20)]
    public int? MaxContextTokens { get; set; }

    /// <summary>Conversations computed together, 1 to 1,024. Default: 8.</summary>
    [Range(1, 1024)]
    public int MaxConcurrentRequests { get; set; } = 8;

    /// <summary>Requests that may wait for a place, 0 to 1,000,000; further ones get <see cref="QueueFullException"/>. Default: 256.</summary>
    [Range(0, 1_000_000)]
    public int MaxQueueLength { get; set; } = 256;

    /// <summary>
    /// Tokens of one forward step over all conversations, 16 to 65,536; long prompts are read in chunks of at most this. Default: 512, and 2,048 on a GPU,
    /// where more read long prompts faster and hold up other conversations longer.
    /// </summary>
    [Range(16, 65536)]
    public int? MaxBatchTokens { get; set; }

    /// <summary><see cref="MaxBatchTokens"/>, or its default.</summary>
    internal int BatchTokens => MaxBatchTokens ?? (Device == Qwen3NextDevice.Cuda ? 2048 : 512);

    /// <summary>
    /// Tokens that the checkpoint's prediction module guesses ahead, 0 to 4, to be verified in one step. They never change an answer, only its
    /// speed. Default: null, as many as pay by what is measured while running; 0 switches it off.
    /// </summary>
    [Range(0, 4)]
    public int? DraftTokens { get; set; }

    /// <summary>
    /// Bytes for states of prompt prefixes and finished answers, from which later prompts that begin alike go on without computing them again; their
    /// keys and values lie in the attention cache as far as conversations leave room. 0 switches the prefix cache off; at most 4,096 states are kept.
    /// Default: two states for each of <see cref="MaxConcurrentRequests"/>, at least 16.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long? PrefixCacheBytes { get; set; }

    /// <summary>Bytes of host memory for cached prefixes that give way on the device, with their keys and values. Default: 0, none; of use on a GPU.</summary>
    [Range(0, long.MaxValue)]
    public long PrefixCacheHostBytes { get; set; }

    /// <summary>Tokens between cached states of a long prompt, 64 to 1,048,576. A step of the engine ends at each. Default: 8,192.</summary>
    [Range(64, 1 << 20)]
    public int PrefixCacheInterval { get; set; } = 8192;

    /// <summary>Bytes for the attention cache. Default: enough for two conversations of full context, or one per place where that is less.</summary>
    [Range(1L << 16, long.MaxValue)]
    public long? KvCacheBytes { get; set; }

    /// <summary>Answer budget in tokens where a request sets none. Default: 16,384, or 32,768 for thinking formats; always cut to the context.</summary>
    [Range(1, 1 << 20)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>When the model is loaded. Default: by the first request.</summary>
    /// <remarks>A load at host start reports to the log, and to an <c>IProgress&lt;Qwen3NextLoadProgress&gt;</c> among the services, keyed by the model's name or not.</remarks>
    public Qwen3NextLoadMode Load { get; set; }

    /// <summary>How long running requests may take to end when the host stops, 0 to 1 day; then they are cut off. Default: 20 seconds. The host's own limit holds too.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Text in messages may become control tokens such as <c>&lt;|im_end|&gt;</c>. Default: false; leave it so for text from people.</summary>
    public bool AllowSpecialTokensInMessages { get; set; }

    /// <summary>What happens to images, audio and other content the model cannot read. Default: an error.</summary>
    public UnsupportedContentBehavior UnsupportedContent { get; set; }

    /// <summary>Sampling values that win over the checkpoint's generation config and are used where a request is silent.</summary>
    [ValidateObjectMembers]
    public Qwen3NextGenerationOptions Defaults { get; set; } = new();
}

/// <summary>What happens to content the model cannot read.</summary>
public enum UnsupportedContentBehavior
{
    /// <summary>A <see cref="NotSupportedException"/> that names the media type.</summary>
    Throw,

    /// <summary>It is left out, and the log says so.</summary>
    Ignore,
}

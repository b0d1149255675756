using System.Text.Json;
using System.Text.RegularExpressions;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Tests.Tokenization;
using Qwen3Next.AI.TinyModel;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>Made-up schemas, texts sampled at random under their masks, and a validator that is not ours.</summary>
public sealed partial class RandomSchemaTests
{
    private const int MostTokens = 3000;

    private static int Schemas => Nightly.Count(10_000);

    [Fact]
    public async Task Write_TinyVocabulary_EveryTextParsesAndValidates() => await ValidateAsync(Tokenizer.Load(TinyCheckpoint.Path), Schemas, textsEach: 1);

    [Fact]
    public async Task Write_RealVocabulary_EveryTextParsesAndValidates() => await ValidateAsync(TestTokenizers.Qwen(), Math.Max(Schemas / 100, 10), textsEach: 1);

    private static async Task ValidateAsync(Tokenizer tokenizer, int schemas, int textsEach)
    {
        var vocabulary = new GrammarVocabulary(tokenizer);
        var (complete, faults) = (0, new List<string>());
        for (var seed = 0; seed < schemas; seed++)
        {
            var random = new Random(seed);
            var json = new RandomSchema(random).Document().ToJsonString();
            var validator = await NJsonSchema.JsonSchema.FromJsonAsync(json);
            var automaton = GrammarText.OfSchema(json, vocabulary);
            var writer = new RandomText(random, vocabulary);
            for (var i = 0; i < textsEach; i++)
            {
                if (writer.Write(automaton, MostTokens) is not { } text) continue;
                complete++;
                if (Fault(validator, text) is { } fault) faults.Add($"seed {seed}: {fault}\n{json}\n{text}");
            }
        }
        Assert.True(faults.Count == 0, $"{faults.Count} faults; the first: {faults.FirstOrDefault()}");
        // The others met the limit of tokens in the middle.
        Assert.InRange(complete, schemas * textsEach * 95 / 100, schemas * textsEach);
    }

    // JSON Schema counts characters, this validator UTF-16 units.
    [GeneratedRegex(@"[\uD800-\uDBFF][\uDC00-\uDFFF]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..")]
    private static partial Regex SurrogatePair();

    private static string? Fault(NJsonSchema.JsonSchema validator, string text)
    {
        try
        {
            JsonElement.Parse(text);
            var errors = validator.Validate(SurrogatePair().Replace(text, "x"));
            return errors.Count == 0 ? null : string.Join("; ", errors);
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }
}

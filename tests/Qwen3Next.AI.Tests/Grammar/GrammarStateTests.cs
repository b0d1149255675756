using System.Text;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.TinyModel;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Grammar;

public sealed class GrammarStateTests
{
    private const string Schema = """{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string","maxLength":5}},"next":{"$ref":"#"},"n":{"type":"number"}}}""";
    private static readonly GrammarVocabulary s_vocabulary = new(Tokenizer.Load(TinyCheckpoint.Path));

    [Fact]
    public void Rewind_AnyNumberOfDrafts_GivesTheMasksOfBefore()
    {
        var automaton = GrammarText.OfSchema(Schema, s_vocabulary);
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var state = new GrammarState(automaton, []);
            var masks = new List<ulong[]> { state.Allowed().ToArray() };
            for (var step = 0; step < 60; step++)
            {
                if (random.Next(3) == 0)
                {
                    var back = random.Next(masks.Count);
                    state.Rewind(back);
                    masks.RemoveRange(masks.Count - back, back);
                    Assert.Equal(masks[^1], state.Allowed().ToArray());
                }
                if (random.Next(6) == 0)
                {
                    state.Commit();
                    masks.RemoveRange(0, masks.Count - 1);
                }
                if (state.Finished) break;
                var allowed = TokenMaskTests.Tokens(masks[^1]);
                state.Advance(allowed[random.Next(allowed.Count)]);
                masks.Add(state.Allowed().ToArray());
            }
        }
    }

    [Fact]
    public void Advance_TokenThatMayNotFollow_ThrowsAndChangesNothing()
    {
        var state = new GrammarState(GrammarText.OfSchema(Schema), []);
        state.Advance('{');
        var before = state.Allowed().ToArray();
        Assert.Contains("97", Assert.Throws<InvalidOperationException>(() => state.Advance('a')).Message);
        Assert.Equal(before, state.Allowed().ToArray());
    }

    [Fact]
    public void Allowed_CompleteNumber_HasTheStopTokenAndGoesOn()
    {
        var state = new GrammarState(GrammarText.OfSchema("""{"type":"integer"}"""), [258]);
        Assert.DoesNotContain(258, TokenMaskTests.Tokens(state.Allowed()));
        state.Advance('4');
        Assert.Equal([.. Enumerable.Range('0', 10), 258], TokenMaskTests.Tokens(state.Allowed()));
        Assert.False(state.Finished);
    }

    [Fact]
    public void Finished_ClosedObject_IsTrue()
    {
        var state = new GrammarState(GrammarText.OfSchema(Schema), [258]);
        foreach (var value in Encoding.UTF8.GetBytes("{\"n\": 1")) state.Advance(value);
        Assert.False(state.Finished);
        state.Advance('}');
        Assert.True(state.Finished);
    }

    [Fact]
    public void Allowed_WarmedUp_AllocatesNothing()
    {
        var automaton = GrammarText.OfSchema(Schema, s_vocabulary);
        var tokens = Tokenizer.Load(TinyCheckpoint.Path).Encode("{\"tags\": [\"a\", \"bcd\", \"\"], \"next\": {\"next\": {}, \"n\": -1.5e3}, \"n\": 12}");
        long allocated = 0;
        for (var run = 0; run < 3; run++)
        {
            var state = new GrammarState(automaton, []);
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var token in tokens)
            {
                state.Allowed();
                state.Advance(token);
                state.Commit();
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public async Task Allowed_ManyThreadsOnOneGrammar_AgreeWithOne()
    {
        var tokens = Tokenizer.Load(TinyCheckpoint.Path).Encode("{\"tags\": [\"a\", \"bcd\"], \"next\": {\"n\": -1.5e3}}");
        var expected = Masks(GrammarText.OfSchema(Schema, s_vocabulary), tokens);
        var shared = GrammarText.OfSchema(Schema, s_vocabulary);
        foreach (var masks in await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Masks(shared, tokens))))) Assert.Equal(expected, masks);
    }

    private static List<ulong[]> Masks(GrammarAutomaton automaton, int[] tokens)
    {
        var state = new GrammarState(automaton, []);
        var masks = new List<ulong[]>();
        foreach (var token in tokens)
        {
            masks.Add(state.Allowed().ToArray());
            state.Advance(token);
        }
        return masks;
    }
}

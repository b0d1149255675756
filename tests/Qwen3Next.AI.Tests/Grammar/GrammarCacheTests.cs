using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Grammar;

public sealed class GrammarCacheTests
{
    private readonly GrammarCache _cache = new(ByteTokenizer.Instance);
    private int _compiled;

    private GrammarAutomaton Get(int key) => _cache.Get($"{key}", vocabulary =>
    {
        Interlocked.Increment(ref _compiled);
        return GrammarText.OfSchema("true", vocabulary);
    });

    [Fact]
    public void Get_MoreThanAreKept_CompilesTheLeastRecentlyUsedAgain()
    {
        for (var key = 0; key < 64; key++) Get(key);
        var first = Get(0);
        Get(64);
        Assert.Same(first, Get(0));
        Assert.Equal(65, _compiled);
        Get(1);
        Assert.Equal(66, _compiled);
    }

    [Fact]
    public async Task Get_ManyThreads_GiveOneGrammar()
    {
        var grammars = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => Get(7))));
        Assert.Single(grammars.Distinct());
    }

    [Fact]
    public void Get_ThatFails_IsTriedAgain()
    {
        Assert.Throws<NotSupportedException>(() => _cache.Get("bad", _ => throw new NotSupportedException()));
        Assert.NotNull(_cache.Get("bad", vocabulary => GrammarText.OfSchema("true", vocabulary)));
    }
}

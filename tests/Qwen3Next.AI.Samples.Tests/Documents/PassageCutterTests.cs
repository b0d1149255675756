using LongDocumentRag.Documents;
using Xunit;

namespace LongDocumentRag.Tests.Documents;

public sealed class PassageCutterTests
{
    private static List<DocumentPart> Cut(int most, params DocumentPart[] parts) => [.. new PassageCutter(most).Cut(parts)];

    [Fact]
    public void Cut_Sentences_StayWholeAndTogether() => Assert.Equal(
        [new("p", "One two. Three 4.5 five."), new("p", "Six seven eight nine? \"Ten.\"")],
        Cut(6, new DocumentPart("p", "One two. Three\n4.5 five. Six seven eight nine? \"Ten.\"")));

    [Fact]
    public void Cut_Places_AreNotMixedAndShortPartsOfOneAreJoined() => Assert.Equal(
        [new("a", "One. Two."), new("b", "Three.")], Cut(50, new("a", "One."), new("a", "Two."), new("b", "Three.")));

    [Fact]
    public void Cut_LongSentence_IsCutByWords() => Assert.Equal(
        [new("p", "a b c"), new("p", "d e f"), new("p", "g")], Cut(3, new DocumentPart("p", "a b c d e f g")));

    [Fact]
    public void Cut_WhatDatabasesRefuse_IsReplaced() => Assert.Equal([new("p", "a b c\uFFFD")], Cut(9, new DocumentPart("p", "a\0b\u0007\tc\uD800")));

    [Fact]
    public void Cut_AnyText_LosesNoWordAndKeepsTheLimit()
    {
        var random = new Random(3);
        for (var round = 0; round < 200; round++)
        {
            var parts = Enumerable.Range(0, random.Next(1, 6)).Select(i => new DocumentPart($"p{i / 2}", string.Join(' ', Enumerable.Range(0, random.Next(0, 60))
                .Select(n => $"{(random.Next(3) == 0 ? "W" : "w")}{n}{(random.Next(5) == 0 ? "." : "")}")))).ToArray();
            var most = random.Next(1, 30);
            var cut = Cut(most, parts);
            Assert.All(cut, part => Assert.InRange(part.Text.Split(' ').Length, 1, most));
            Assert.Equal(string.Join(' ', parts.Where(p => p.Text.Length > 0).Select(p => p.Text)), string.Join(' ', cut.Select(p => p.Text)));
        }
    }
}

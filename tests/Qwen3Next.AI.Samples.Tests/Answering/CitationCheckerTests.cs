using LongDocumentRag.Answering;
using LongDocumentRag.Store;
using Xunit;

namespace LongDocumentRag.Tests.Answering;

public sealed class CitationCheckerTests
{
    private static readonly Passage[] s_passages =
    [
        new(7, "a.md", "One", "The mayor of Varden is Greta Holm. The ferry costs 1.50 euros."),
        new(9, "b.pdf", "page 3", "Varden was founded in 1412, when a ferryman put a “hut” on the sand bank."),
    ];

    /// <param name="answer">What the model wrote.</param>
    /// <param name="expected">Support, then each citation with its number and whether it holds.</param>
    [Theory]
    [InlineData("It is \"Greta Holm\" [1].", "Cited 1+")]
    [InlineData("The mayor is “greta  HOLM” [1], and the town was \"founded in 1412\" [2].", "Cited 1+ 2+")]
    [InlineData("The mayor of Varden is Greta Holm [1].", "Cited 1+")]
    [InlineData("The mayor is Greta Holm [1].", "None 1-")]
    [InlineData("It is \"Greta Holm\" [2].", "None 2-")]
    [InlineData("It is \"Greta Holm\" [1] and \"the sea\" [1].", "None 1+ 1-")]
    [InlineData("It is \"Greta Holm\" and \"the sea\" [1].", "None 1-")]
    [InlineData("It is \"Greta Holm\" [3].", "None 3-")]
    [InlineData("It is \"Greta Holm\" [0].", "None 0-")]
    [InlineData("It is \"Greta Holm\" [99999999999].", "None 0-")]
    [InlineData("\"Varden\" [1][2]", "Cited 1+ 2+")]
    [InlineData("[1]", "None 1-")]
    [InlineData("It costs \"1\" euro [1].", "None 1-")]
    [InlineData("It costs \"1.50 euros\" [1].", "Cited 1+")]
    [InlineData("It is \"Gret\" [1].", "None 1-")]
    [InlineData("Greta Holm.", "Cited 1+")]
    [InlineData("1412.", "Cited 2+")]
    [InlineData("Greta Holm was founded in 1412.", "None")]
    [InlineData("...", "None")]
    [InlineData("The text does not say that.", "NotInDocuments")]
    [InlineData("Sorry: the text does not say. [1]", "NotInDocuments")]
    [InlineData("  ", "NotInDocuments")]
    public void Check_Answer_JudgesEachCitation(string answer, string expected)
    {
        var judged = CitationChecker.Check(answer, s_passages);
        Assert.Equal(expected, string.Join(' ', judged.Citations.Select(c => $"{c.Number}{(c.Holds ? '+' : '-')}").Prepend(judged.Support.ToString())));
    }

    [Fact]
    public void Check_WithoutNumbers_AddsThatOfThePassageWithTheWords()
    {
        var answer = CitationChecker.Check("Greta Holm.", s_passages);
        Assert.Equal("Greta Holm. [1]", answer.Text);
        Assert.Equal([new Citation(1, s_passages[0], Holds: true, Found: true)], answer.Citations);
    }
}

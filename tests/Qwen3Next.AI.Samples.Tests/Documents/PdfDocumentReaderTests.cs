using LongDocumentRag.Documents;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Documents;

public sealed class PdfDocumentReaderTests
{
    [Fact]
    public void Read_ManyPages_GivesEachOnceWithItsNumber()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("many.pdf");
        File.WriteAllBytes(path, TestPdf.Of(Enumerable.Range(1, 203).Select(n => $"This is sheet {n} of many.")));
        var parts = new DocumentReaders(1).Read(path).ToList();
        Assert.Equal(Enumerable.Range(1, 203).Select(n => $"page {n}"), parts.Select(part => part.Place));
        Assert.Equal(Enumerable.Range(1, 203).Select(n => $"This is sheet {n} of many."), parts.Select(part => part.Text.Trim()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no pdf at all")]
    [InlineData("%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 1 0 R >> endobj trailer << /Root 1 0 R >>")]
    public void Read_NoPdf_SaysThatItCannotBeRead(string content)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("bad.pdf"), content);
        Assert.Throws<DocumentException>(() => new DocumentReaders(1).Read(folder.File("bad.pdf")).ToList());
    }

    /// <summary>Whatever is wrong with a file, it is read as far as it goes or refused in one way; it neither crashes nor hangs.</summary>
    [Fact]
    public async Task Read_DamagedAnywhere_IsReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        var whole = TestPdf.Of("The first page.", "The second page, with more words.", "The third page.");
        var refused = 0;
        for (var i = 0; i < Nightly.Count(2000); i++)
        {
            var bytes = random.Next(4) == 0 ? whole[..random.Next(whole.Length)] : [.. whole];
            for (var damage = random.Next(1, 30); damage > 0 && bytes.Length > 0; damage--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var path = folder.File($"{i}.pdf");
            File.WriteAllBytes(path, bytes);
            try
            {
                await Task.Run(() => new DocumentReaders(1).Read(path).Count()).WaitAsync(TimeSpan.FromSeconds(20));
            }
            catch (DocumentException)
            {
                refused++;
            }
        }
        Assert.NotEqual(0, refused);
    }
}

using UglyToad.PdfPig;
using UglyToad.PdfPig.DocumentLayoutAnalysis.TextExtractor;

namespace LongDocumentRag.Documents;

/// <summary>A part for each page that has text. Scanned pages have none: they need text recognition first.</summary>
internal sealed class PdfDocumentReader : IDocumentReader
{
    // The parser keeps what it has seen of a document, so a long one is opened anew from time to time.
    private const int PagesOfOneOpening = 100;

    public IReadOnlyList<string> Extensions { get; } = [".pdf"];

    public bool Streams => true;

    public IEnumerable<DocumentPart> Read(string path)
    {
        using var file = File.OpenRead(path);
        for (int page = 1, pages = 1; page <= pages; page += PagesOfOneOpening)
        {
            file.Position = 0;
            using var pdf = PdfDocument.Open(file);
            pages = pdf.NumberOfPages;
            for (var number = page; number < page + PagesOfOneOpening && number <= pages; number++)
                yield return new DocumentPart($"page {number}", ContentOrderTextExtractor.GetText(pdf.GetPage(number)));
        }
    }
}

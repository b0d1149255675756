using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;

namespace LongDocumentRag.Tests;

/// <summary>PDF files of given pages, one line of text each; an empty one is a page without text, as a scan is.</summary>
internal static class TestPdf
{
    public static byte[] Of(params IEnumerable<string> pages)
    {
        var builder = new PdfDocumentBuilder();
        var font = builder.AddStandard14Font(Standard14Font.Helvetica);
        foreach (var text in pages)
        {
            var page = builder.AddPage(PageSize.A4);
            if (text.Length > 0) page.AddText(text, 11, new PdfPoint(40, 780), font);
        }
        return builder.Build();
    }
}

using System.CommandLine;
using System.Text;
using System.Text.Json;
using UglyToad.PdfPig;
using UglyToad.PdfPig.DocumentLayoutAnalysis.TextExtractor;
using UglyToad.PdfPig.Exceptions;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>pdf-text</c>: text of the PDF file on standard input, as JSON. The server runs it for the page; people are not shown it.</summary>
internal static class PdfTextCommand
{
    public const string Name = "pdf-text";

    private const int MostCharacters = 1_000_000;

    public static Command Create()
    {
        var command = new Command(Name, "Reads a PDF file from standard input and writes its pages and text as JSON.") { Hidden = true };
        command.SetAction(_ =>
        {
            using var input = Console.OpenStandardInput();
            using var file = new MemoryStream();
            input.CopyTo(file);
            var (pages, text) = Read(file.ToArray());
            using var output = Console.OpenStandardOutput();
            using var json = new Utf8JsonWriter(output);
            json.WriteStartObject();
            json.WriteNumber("pages", pages);
            json.WriteString("text", text);
            json.WriteEndObject();
        });
        return command;
    }

    /// <summary>Pages in their order, an empty line between them.</summary>
    /// <exception cref="IOException">The file is none, is damaged or is protected.</exception>
    /// <exception cref="NotSupportedException">It has more text than can be sent.</exception>
    internal static (int Pages, string Text) Read(byte[] file)
    {
        try
        {
            using var document = PdfDocument.Open(file, new ParsingOptions { SkipMissingFonts = true });
            var text = new StringBuilder();
            foreach (var page in document.GetPages())
            {
                text.Append(ContentOrderTextExtractor.GetText(page).Trim()).Append("\n\n");
                if (text.Length > MostCharacters) throw new NotSupportedException($"The PDF file has more than {MostCharacters:N0} characters of text. Send a part of it.");
            }
            return (document.NumberOfPages, text.ToString().Trim());
        }
        catch (PdfDocumentEncryptedException)
        {
            throw new IOException("The PDF file is protected by a password. Save it without one.");
        }
        catch (Exception e) when (e is not (NotSupportedException or OutOfMemoryException))
        {
            // The reader has no one error for all that can be wrong with a file.
            throw new IOException("The PDF file cannot be read; it is damaged, or none. Send its text.", e);
        }
    }
}

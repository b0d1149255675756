using System.Text.Json;
using Qwen3Next.AI.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

public class PythonJsonTests
{
    // Right-hand sides printed by CPython 3.11: json.dumps(json.loads(x), ensure_ascii=False).
    [Theory]
    [InlineData("1.0", "1.0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("-0", "0")]
    [InlineData("0", "0")]
    [InlineData("1e5", "100000.0")]
    [InlineData("1E5", "100000.0")]
    [InlineData("1e15", "1000000000000000.0")]
    [InlineData("1e16", "1e+16")]
    [InlineData("1e17", "1e+17")]
    [InlineData("123456789012345680.0", "1.2345678901234568e+17")]
    [InlineData("0.0001", "0.0001")]
    [InlineData("0.00001", "1e-05")]
    [InlineData("1.5e-7", "1.5e-07")]
    [InlineData("0.1", "0.1")]
    [InlineData("100.10", "100.1")]
    [InlineData("3.14", "3.14")]
    [InlineData("-2.5", "-2.5")]
    [InlineData("1e22", "1e+22")]
    [InlineData("1e23", "1e+23")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    [InlineData("9007199254740993.0", "9007199254740992.0")]
    [InlineData("1234567.0", "1234567.0")]
    [InlineData("0.30000000000000004", "0.30000000000000004")]
    [InlineData("1e400", "Infinity")]
    [InlineData("-1e400", "-Infinity")]
    [InlineData("2e-5", "2e-05")]
    [InlineData("120.0", "120.0")]
    [InlineData("1e2", "100.0")]
    [InlineData("""{"b":1,"a":[1,{"c":null}],"é":true}""", """{"b": 1, "a": [1, {"c": null}], "é": true}""")]
    [InlineData("""["\u4f60 \ud83d\ude00 <>&'/ \u007f \" \\ \n\r\t\b\f \u0001\u001f"]""", "[\"你 😀 <>&'/ \u007f \\\" \\\\ \\n\\r\\t\\b\\f \\u0001\\u001f\"]")]
    [InlineData("[ ]", "[]")]
    [InlineData("{ }", "{}")]
    public void Write_PrintsAsPython(string json, string expected)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(expected, PythonJson.Write(document.RootElement));
    }
}

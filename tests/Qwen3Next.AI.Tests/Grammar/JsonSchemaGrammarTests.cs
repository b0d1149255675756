using Xunit;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>Each keyword with texts that it allows and texts that it forbids.</summary>
public sealed class JsonSchemaGrammarTests
{
    public static TheoryData<string, string[], string[]> Keywords => new()
    {
        { "true", ["1", "\"a\"", "{}", "[]", "null", "{\"a\": [1, {\"b\": true}]}"], ["", "nul", "{", "[1,]", "{a:1}", "01", "1 ", " 1"] },
        { """{"type":"null"}""", ["null"], ["0", "\"\"", "Null"] },
        { """{"type":"boolean"}""", ["true", "false"], ["0", "null", "True"] },
        { """{"type":"string"}""", ["\"\"", "\"a b\"", "\"\\n\\u00e9\\\"\\\\\\/\"", "\"\\ud83d\\ude00\"", "\"é😀\""], ["\"", "\"\n\"", "\"\\x\"", "\"\\ud83d\"", "\"\\ude00\"", "'a'", "1"] },
        { """{"type":"integer"}""", ["0", "-1", "42", "999999999999999999"], ["-0", "01", "1.0", "1e3", "9999999999999999999", "\"1\""] },
        { """{"type":"number"}""", ["0", "-0.5", "1.25", "6.02e23", "1E-9", "12345"], [".5", "1.", "+1", "1e", "1e123", "NaN"] },
        { """{"type":["string","null"]}""", ["null", "\"x\""], ["1", "true"] },
        { """{"type":"array"}""", ["[]", "[1,2]", "[ 1, \"a\" ]", "[\n  1,\n  2\n]", "[[[]]]"], ["[", "[1,]", "[,1]", "[1 ,2]", "[  1]", "[\t1]", "{}"] },
        { """{"type":"object"}""", ["{}", "{\"a\":1}", "{\"a\": {\"b\": []}, \"c\": 1}", "{\n  \"a\": 1\n}"], ["{", "{\"a\"}", "{\"a\" :1}", "{\"a\":  1}", "{1:2}", "[]"] },
        { """{"enum":["a","b",1,null,true,[1,"x"],{"k":2}]}""", ["\"a\"", "1", "null", "true", "[1, \"x\"]", "{\"k\":2}"], ["\"c\"", "2", "false", "[1]", "{}"] },
        { """{"const":"x/y"}""", ["\"x/y\""], ["\"x\\/y\"", "\"x\""] },
        { """{"type":"string","enum":["a",1,null]}""", ["\"a\""], ["1", "null"] },
        { """{"enum":["a","bbb","cc"],"maxLength":2}""", ["\"a\"", "\"cc\""], ["\"bbb\""] },
        { """{"enum":[1,5,10],"minimum":5}""", ["5", "10"], ["1"] },
        { """{"enum":["a","b"],"const":"b"}""", ["\"b\""], ["\"a\""] },
        { """{"type":"string","minLength":2}""", ["\"ab\"", "\"é😀\"", "\"\\u0041\\n\"", "\"abcdef\""], ["\"\"", "\"a\"", "\"😀\""] },
        { """{"type":"string","maxLength":2}""", ["\"\"", "\"ab\"", "\"😀😀\"", "\"\\ud83d\\ude00b\""], ["\"abc\""] },
        { """{"type":"string","minLength":2,"maxLength":2}""", ["\"ab\""], ["\"a\"", "\"abc\""] },
        { """{"type":"string","maxLength":0}""", ["\"\""], ["\"a\""] },
        { """{"type":"string","minLength":300,"maxLength":301}""", [Quoted(300), Quoted(301)], [Quoted(299), Quoted(302)] },
        { """{"type":"integer","minimum":3}""", ["3", "10", "99"], ["2", "0", "-4"] },
        { """{"type":"integer","maximum":3}""", ["3", "0", "-10"], ["4", "10"] },
        { """{"type":"integer","minimum":-5,"maximum":120}""", ["-5", "-1", "0", "7", "99", "100", "120"], ["-6", "-10", "121", "130", "200", "1000"] },
        { """{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5}""", ["4"], ["3", "5"] },
        { """{"type":"integer","minimum":3,"exclusiveMinimum":true}""", ["4"], ["3"] },
        { """{"type":"integer","minimum":0.5,"maximum":2.5}""", ["1", "2"], ["0", "3"] },
        { """{"type":"number","minimum":0.25,"maximum":10.5}""", ["0.25", "0.3", "1", "10.5", "10.49999", "9.99"], ["0.2499", "0", "10.51", "11", "1e1"] },
        { """{"type":"number","exclusiveMinimum":0}""", ["0.1", "5"], ["0", "0.0", "-1"] },
        { """{"type":"number","exclusiveMaximum":1.5}""", ["1.4999", "1.49", "-3.5", "0"], ["1.5", "1.50", "1.51", "2"] },
        { """{"type":"number","minimum":-1.5,"maximum":-0.5}""", ["-1.5", "-1", "-0.5"], ["-1.51", "-0.49", "0", "1"] },
        { """{"type":"number","minimum":-1.7976931348623157E+308,"maximum":1.7976931348623157E+308}""", ["-5", "0.5"], ["\"1\""] },
        { """{"type":"string","pattern":"^[a-c]+$"}""", ["\"a\"", "\"abc\""], ["\"\"", "\"d\"", "\"abd\""] },
        { """{"type":"string","pattern":"b"}""", ["\"b\"", "\"abc\""], ["\"ac\""] },
        { """{"type":"string","pattern":"^a|b$"}""", ["\"ax\"", "\"xb\""], ["\"xa\""] },
        { """{"type":"string","pattern":"^.{2}$","maxLength":5}""", ["\"ab\"", "\"\\\"\\\\\"", "\"é😀\""], ["\"a\"", "\"a\\n\""] },
        { """{"type":"string","pattern":"^[a-z]*$","minLength":2,"maxLength":3}""", ["\"ab\"", "\"abc\""], ["\"a\"", "\"abcd\"", "\"A\""] },
        { """{"type":"string","format":"date"}""", ["\"2024-02-29\"", "\"1999-12-31\""], ["\"2023-02-29\"", "\"2024-13-01\"", "\"2024-1-1\""] },
        { """{"type":"string","format":"time"}""", ["\"23:59:59\"", "\"00:00:00.1234567\""], ["\"24:00:00\"", "\"1:00:00\""] },
        { """{"type":"string","format":"date-time"}""", ["\"2024-02-29T10:00:00Z\"", "\"2024-02-28T10:00:00.5+02:00\""], ["\"2024-02-28\"", "\"2024-02-28T10:00:00\""] },
        { """{"type":"string","format":"uuid"}""", ["\"0f8fad5b-d9cb-469f-a165-70867728950e\""], ["\"0f8fad5b\""] },
        { """{"type":"string","format":"email"}""", ["\"a.b@example.org\""], ["\"a\"", "\"@b\"", "\"a..b@c.d\""] },
        { """{"type":"string","format":"uri"}""", ["\"https://example.org/a?b=c#d\"", "\"http://h\""], ["\"example.org\"", "\"https://\""] },
        { """{"type":"string","format":"ipv4"}""", ["\"127.0.0.1\"", "\"255.255.255.255\""], ["\"256.0.0.1\"", "\"1.2.3\""] },
        { """{"type":"string","format":"ipv6"}""", ["\"1:2:3:4:5:6:7:abcd\""], ["\"1:2\""] },
        { """{"type":"string","format":"hostname"}""", ["\"a-b.example\""], ["\"-a\"", "\"a..b\""] },
        { """{"type":"string","format":"duration"}""", ["\"P3D\"", "\"PT5M\"", "\"P1DT2H\""], ["\"P\"", "\"3D\""] },
        { """{"type":"string","format":"password"}""", ["\"x\""], ["1"] },
        { """{"type":"string","contentEncoding":"base64"}""", ["\"\"", "\"QQ==\"", "\"QUJD\""], ["\"Q\"", "\"QQ=\"", "\"*\""] },
        { """{"type":"array","items":{"type":"integer"}}""", ["[]", "[1]", "[1, 2, 3]"], ["[\"a\"]", "[1, null]"] },
        { """{"type":"array","items":{"type":"integer"},"minItems":2}""", ["[1,2]", "[1,2,3]"], ["[]", "[1]"] },
        { """{"type":"array","items":{"type":"integer"},"maxItems":2}""", ["[]", "[1]", "[1,2]"], ["[1,2,3]"] },
        { """{"type":"array","items":{"type":"integer"},"minItems":3,"maxItems":3}""", ["[1,2,3]"], ["[1,2]", "[1,2,3,4]"] },
        { """{"type":"array","maxItems":0}""", ["[]"], ["[1]"] },
        { """{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"}}""", ["[]", "[1]", "[1,\"a\"]", "[1,\"a\",null,null]"], ["[\"a\"]", "[1,\"a\",2]"] },
        { """{"type":"array","prefixItems":[{"type":"integer"}],"items":false}""", ["[]", "[1]"], ["[1,2]"] },
        { """{"type":"array","items":[{"type":"integer"}],"additionalItems":{"type":"null"},"minItems":1}""", ["[1]", "[1,null]"], ["[]", "[1,1]"] },
        { """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}""", ["{\"a\":1}", "{\"a\": 1, \"b\": \"x\"}", "{\n    \"a\": 1,\n    \"b\": \"x\"\n}"], ["{}", "{\"b\":\"x\"}", "{\"b\":\"x\",\"a\":1}", "{\"a\":\"x\"}", "{\"a\":1,\"c\":2}", "{\"a\":1,}"] },
        { """{"type":"object","properties":{"a":true,"b":true,"c":true}}""", ["{}", "{\"b\":1}", "{\"a\":1,\"c\":2}", "{\"a\":1,\"b\":2,\"c\":3}"], ["{\"c\":1,\"a\":1}", "{,\"a\":1}", "{\"d\":1}", "{\"a\":1\"c\":2}", "{\"a\":1 \"a\":2}", "{\"a\":1,\"a\":2}"] },
        { """{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":{"type":"integer"}}""", ["{}", "{\"a\":null}", "{\"x\":1,\"y\":2}", "{\"a\":null,\"aa\":1,\"\":2}"], ["{\"a\":1}", "{\"x\":null}", "{\"x\":1,\"a\":null}", "{\"\\u0061\":1}", "{\"x\":1 \"y\":2}"] },
        { """{"type":"object","additionalProperties":false}""", ["{}"], ["{\"a\":1}"] },
        { """{"type":"object","additionalProperties":{"type":"boolean"},"minProperties":1,"maxProperties":2}""", ["{\"a\":true}", "{\"a\":true,\"b\":false}"], ["{}", "{\"a\":true,\"b\":true,\"c\":true}"] },
        { """{"type":"object","required":["x"]}""", ["{\"x\":[1]}"], ["{}", "{\"y\":1}"] },
        { """{"properties":{"a":{"type":"integer"}}}""", ["{}", "{\"a\":1}"], ["1", "{\"a\":\"x\"}"] },
        { """{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}""", ["1", "\"a\""], ["\"ab\"", "null"] },
        { """{"type":"object","anyOf":[{"required":["a"]},{"required":["b"]}],"properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}""", ["{\"a\":1}", "{\"b\":1}", "{\"a\":1,\"b\":2}"], ["{}", "{\"c\":1}"] },
        { """{"oneOf":[{"type":"integer"},{"type":"string"}]}""", ["1", "\"a\""], ["null"] },
        { """{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"integer"}},"required":["k","x"]},{"type":"object","properties":{"k":{"const":"b"},"y":{"type":"string"}},"required":["k","y"]}]}""", ["{\"k\":\"a\",\"x\":1}", "{\"k\":\"b\",\"y\":\"1\"}"], ["{\"k\":\"a\",\"y\":\"1\"}", "{\"k\":\"c\"}"] },
        { """{"allOf":[{"type":"integer","minimum":3},{"maximum":5}]}""", ["3", "5"], ["2", "6", "\"3\""] },
        { """{"allOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"properties":{"a":{"maxLength":1},"b":{"type":"null"}},"required":["a"]}]}""", ["{\"a\":\"x\"}", "{\"a\":\"x\",\"b\":null}"], ["{}", "{\"a\":\"xy\"}"] },
        { """{"type":"string","allOf":[{"pattern":"^[a-m]+$"},{"pattern":"^[k-z]+$"}]}""", ["\"k\"", "\"mlk\""], ["\"a\"", "\"z\""] },
        { """{"not":true,"anyOf":[true]}""", [], ["1"] },
        { """{"type":["string","integer"],"not":{"type":"string"}}""", ["1"], ["\"a\""] },
        { """{"enum":[1,2,3],"not":{"const":2}}""", ["1", "3"], ["2"] },
        { """{"type":"string","not":{"enum":["no","never"]}}""", ["\"\"", "\"n\"", "\"not\""], ["\"no\"", "\"never\""] },
        { """{"type":"object","properties":{"a":{"not":{}}}}""", ["{}"], ["{\"a\":1}"] },
        { """{"$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}}""", ["1"], ["\"a\""] },
        { """{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["v","next"]}""", ["{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"], ["{\"v\":1}", "{\"v\":1,\"next\":1}"] },
        { """{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#"}},"other":{"$ref":"#/properties/kids","items":{}}}}""", ["{\"kids\":[{\"kids\":[]}],\"other\":[{}]}"], ["{\"kids\":[1]}", "{\"other\":[1]}"] },
        { """{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"t","description":"d","$comment":"c","default":1,"condition":"","examples":[1],"x-own":true,"type":"integer"}""", ["7"], ["\"7\""] },
    };

    [Theory]
    [MemberData(nameof(Keywords))]
    public void Matches_Texts_AsTheKeywordSays(string schema, string[] allowed, string[] forbidden)
    {
        if (allowed.Length == 0)
        {
            Assert.Throws<NotSupportedException>(() => GrammarText.OfSchema(schema));
            return;
        }
        var automaton = GrammarText.OfSchema(schema);
        Assert.All(allowed, text => Assert.True(automaton.Matches(text), text));
        Assert.All(forbidden, text => Assert.False(automaton.Matches(text), text));
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a/b":{"patternProperties":{}}}}""", "'patternProperties' at '#/properties/a~1b'")]
    [InlineData("""{"type":"array","items":{"type":"integer","multipleOf":3}}""", "'multipleOf' at '#/items'")]
    [InlineData("""{"uniqueItems":true}""", "'uniqueItems' at '#'")]
    [InlineData("""{"if":true,"then":false}""", "'if' at '#'")]
    [InlineData("""{"anyOf":[{"contains":{}}]}""", "'contains' at '#/anyOf/0'")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "branches 0 and 1")]
    [InlineData("""{"not":{"minLength":2}}""", "'not' at '#'")]
    [InlineData("""{"$ref":"other.json#/a"}""", "'$ref' at '#'")]
    [InlineData("""{"$ref":"#"}""", "leads back to itself")]
    [InlineData("""{"anyOf":[{"type":"null"},{"$ref":"#"}]}""", "leads back to itself")]
    [InlineData("""{"oneOf":[{"type":"null"},{"$ref":"#"}]}""", "leads back to itself")]
    [InlineData("""{"type":"string","format":"semver"}""", "'format' at '#' is 'semver'")]
    [InlineData("""{"type":"string","pattern":"(?=a)b"}""", "'pattern' at '#' has look-around")]
    [InlineData("""{"type":"string","pattern":"^(a{100}){100}$"}""", "'pattern' at '#'")]
    [InlineData("""{"type":"string","pattern":"(a|b)*a(a|b){1000}"}""", "'pattern' at '#'")]
    [InlineData("""{"type":"string","contentEncoding":"base32"}""", "'contentEncoding' at '#'")]
    [InlineData("""{"type":"object","minProperties":2}""", "'minProperties' at '#'")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "finite length")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":2}""", "finite length")]
    [InlineData("""{"type":"integer","minimum":3,"maximum":2}""", "finite length")]
    [InlineData("""{"allOf":[{"type":"integer"},{"type":"string"}]}""", "finite length")]
    public void OfSchema_ThatCannotBeHonoured_IsRefusedByName(string schema, string named) =>
        Assert.Contains(named, Assert.Throws<NotSupportedException>(() => GrammarText.OfSchema(schema)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"type":5}""", "'type' at '#' is 5")]
    [InlineData("""{"type":"text"}""", "'type' at '#'")]
    [InlineData("""{"properties":[]}""", "'properties' at '#'")]
    [InlineData("""{"items":7}""", "'#/items' is 7")]
    [InlineData("""{"minLength":-1}""", "'minLength' at '#'")]
    [InlineData("""{"$ref":"#/nowhere"}""", "no such place")]
    [InlineData("""{"enum":1}""", "'enum' at '#'")]
    [InlineData("""{"minimum":"a"}""", "'minimum' at '#'")]
    [InlineData("[1]", "expected an object")]
    public void OfSchema_Malformed_IsNamed(string schema, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => GrammarText.OfSchema(schema)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("items")]
    [InlineData("anyOf")]
    public void OfSchema_LongChainOfReferences_IsCompiledOrRefused(string by)
    {
        var links = Enumerable.Range(0, 3000).Select(i => by == "items" ? $"\"d{i}\":{{\"type\":\"array\",\"items\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}}}" : $"\"d{i}\":{{\"anyOf\":[{{\"$ref\":\"#/$defs/d{i + 1}\"}}]}}");
        var schema = $"{{\"$ref\":\"#/$defs/d0\",\"$defs\":{{{string.Join(',', links)},\"d3000\":{{\"type\":\"null\"}}}}}}";
        if (by == "items") Assert.True(GrammarText.OfSchema(schema).Matches("[[[]]]"));
        else Assert.Contains("Shorten the chain", Assert.Throws<NotSupportedException>(() => GrammarText.OfSchema(schema)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OfSchema_NestedTooDeep_EndsInsteadOfGoingOn()
    {
        var automaton = GrammarText.OfSchema("""{"type":"array","items":{"$ref":"#"}}""");
        Assert.True(automaton.Matches(new string('[', 60) + new string(']', 60)));
        Assert.False(automaton.Matches(new string('[', 70) + new string(']', 70)));
    }

    private static string Quoted(int length) => $"\"{new string('x', length)}\"";
}

namespace Qwen3Next.AI.Grammar;

/// <summary>The string formats of JSON schema as patterns; each accepts a part of what its standard allows, the part that .NET reads too.</summary>
internal static class StringFormats
{
    private const string Year = "[12][0-9]{3}";
    private const string LeapYear = "(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:1[26]|2[048])00)";
    private const string MonthAndDay = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))";
    private const string Date = $"(?:{Year}-{MonthAndDay}|{LeapYear}-02-29)";
    private const string Time = @"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,7})?";
    private const string Offset = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])";
    private const string Label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
    private const string Host = $@"{Label}(?:\.{Label}){{0,6}}";
    private const string Byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private const string UriCharacter = @"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

    /// <summary>What a format allows, as an expression that matches the whole text; null where the format is not known.</summary>
    public static string? Pattern(string format) => format switch
    {
        "date" => Date,
        "time" => Time,
        "date-time" => $"{Date}T{Time}{Offset}",
        "duration" => "P(?:[0-9]{1,4}D(?:T[0-9]{1,4}H)?|T(?:[0-9]{1,4}H)?[0-9]{1,4}M|T[0-9]{1,4}S|[0-9]{1,4}[YMW])",
        "uuid" => "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "email" => $@"[A-Za-z0-9_-](?:[A-Za-z0-9_-]|[.+][A-Za-z0-9_-]){{0,60}}@{Label}(?:\.{Label}){{1,6}}",
        "hostname" => Host,
        "ipv4" => $@"{Byte}(?:\.{Byte}){{3}}",
        "ipv6" => "[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7}",
        "uri" => $@"https?://{Host}(?::[1-9][0-9]{{0,3}})?(?:/{UriCharacter}*)*(?:\?(?:{UriCharacter}|[/?])*)?(?:#(?:{UriCharacter}|[/?])*)?",
        "byte" => Base64,
        _ => null,
    };

    public const string Base64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?";
}

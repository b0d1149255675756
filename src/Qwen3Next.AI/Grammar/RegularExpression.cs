using System.Globalization;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Reads the regular part of regular expressions: characters, classes, groups, alternatives, repetitions (greedy and lazy mean the same here), and
/// anchors at either end of an alternative. Look-around, back references, word boundaries, inline options and Unicode categories are refused.
/// </summary>
internal sealed class RegularExpression
{
    private const int MostDepth = 100;
    private const int MostRepetitions = 2_000;
    private readonly string _pattern;
    private readonly CharacterNfa _nfa = new();
    private int _at;
    private int _depth;

    private RegularExpression(string pattern) => _pattern = pattern;

    /// <summary>The texts that a pattern matches.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="whole">The whole text must match, as if the pattern were anchored at both ends; otherwise some part of it.</param>
    /// <exception cref="NotSupportedException">The pattern uses what is not supported; the message is the second half of a sentence.</exception>
    public static CharacterDfa Parse(string pattern, bool whole) => new RegularExpression(pattern).Parse(whole);

    private CharacterDfa Parse(bool whole)
    {
        var (start, end) = (_nfa.State(), _nfa.State());
        do
        {
            var from = start;
            if (!Take('^') && !whole) from = Repeat(CharacterClass.Any, from);
            var to = Sequence(from);
            if (!Take('$') && !whole) to = Repeat(CharacterClass.Any, to);
            _nfa.Empty(to, end);
        }
        while (Take('|'));
        if (_at < _pattern.Length) throw Refused(_pattern[_at] is '^' or '$' ? "an anchor that is not at an end" : "a bracket without its partner");
        return _nfa.Determinize(start, end);
    }

    private int Repeat(IReadOnlyList<(int First, int Last)> characters, int from)
    {
        var state = _nfa.State();
        _nfa.Empty(from, state);
        foreach (var (first, last) in characters) _nfa.Edge(state, first, last, state);
        return state;
    }

    private int Alternatives(int from)
    {
        var end = _nfa.State();
        do _nfa.Empty(Sequence(from), end);
        while (Take('|'));
        return end;
    }

    private int Sequence(int from)
    {
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')' or '$' or '^')) from = Repetition(from);
        return from;
    }

    private int Repetition(int from)
    {
        var atom = _at;
        var to = Atom(from);
        var (least, most) = Quantifier();
        if ((least, most) == (1, 1)) return to;

        // The atom is read again for every copy; the copy just made serves as the first.
        var after = _at;
        var end = _nfa.State();
        if (least == 0) _nfa.Empty(from, end);
        for (var i = 1; i < Math.Max(least, most == int.MaxValue ? 1 : most); i++)
        {
            if (i >= least) _nfa.Empty(to, end);
            _at = atom;
            to = Atom(to);
        }
        if (most != 0) _nfa.Empty(to, end);
        if (most == int.MaxValue)
        {
            // A copy of its own, so that the way back does not skip what is required.
            var loop = _nfa.State();
            _nfa.Empty(to, loop);
            _at = atom;
            _nfa.Empty(Atom(loop), loop);
            _nfa.Empty(loop, end);
        }
        _at = after;
        return end;
    }

    private (int Least, int Most) Quantifier()
    {
        var bounds = Take('*') ? (0, int.MaxValue) : Take('+') ? (1, int.MaxValue) : Take('?') ? (0, 1) : Braces();
        if (bounds == (1, 1) && _at > 0 && _pattern[_at - 1] != '}') return bounds;
        Take('?');
        if (_at < _pattern.Length && _pattern[_at] is '*' or '+') throw Refused("a repetition of a repetition");
        return bounds;
    }

    // Braces that hold no counts are characters like any other.
    private (int Least, int Most) Braces()
    {
        var close = _at < _pattern.Length && _pattern[_at] == '{' ? _pattern.IndexOf('}', _at) : -1;
        if (close < 0) return (1, 1);
        var parts = _pattern[(_at + 1)..close].Split(',');
        if (parts.Length > 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var least)) return (1, 1);
        var most = parts.Length == 1 ? least : int.MaxValue;
        if (parts.Length == 2 && parts[1].Length > 0 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out most)) return (1, 1);
        if (Math.Max(least, most == int.MaxValue ? 0 : most) > MostRepetitions) throw Refused($"more than {MostRepetitions} repetitions");
        if (least > most) throw Refused("a repetition whose limits are the wrong way round");
        _at = close + 1;
        return (least, most);
    }

    private int Atom(int from)
    {
        var c = _pattern[_at++];
        switch (c)
        {
            case '(':
                return Group(from);
            case '[':
                return Characters(from, Class());
            case '.':
                return Characters(from, CharacterClass.NoLineEnd);
            case '*' or '+' or '?':
                throw Refused($"'{c}' with nothing before it");
            case '\\':
                return Characters(from, Escape(inClass: false));
            default:
                if (char.IsHighSurrogate(c) && _at < _pattern.Length) return Character(from, char.ConvertToUtf32(c, _pattern[_at++]));
                return Character(from, c);
        }
    }

    private int Group(int from)
    {
        if (Take('?') && !Take(':')) SkipName();
        if (++_depth > MostDepth) throw Refused($"more than {MostDepth} groups within each other");
        var to = Alternatives(from);
        _depth--;
        if (!Take(')')) throw Refused(_at < _pattern.Length ? "an anchor that is not at an end" : "a bracket without its partner");
        return to;
    }

    private void SkipName()
    {
        var close = _pattern.IndexOf('>', _at);
        if (close < 0 || !Take('<') || !char.IsLetter(_pattern[_at])) throw Refused("look-around or inline options");
        _at = close + 1;
    }

    private IReadOnlyList<(int First, int Last)> Class()
    {
        var negated = Take('^');
        var ranges = new List<(int First, int Last)>();
        while (!Take(']'))
        {
            var first = ClassItem();
            if (_at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
            {
                _at++;
                var last = ClassItem();
                if (first is not [var low] || last is not [var high] || low.First != low.Last || high.First != high.Last || low.First > high.First)
                    throw Refused("a range of characters that has no order");
                ranges.Add((low.First, high.First));
            }
            else
            {
                ranges.AddRange(first);
            }
        }
        return negated ? CharacterClass.Complement(ranges) : ranges;
    }

    private IReadOnlyList<(int First, int Last)> ClassItem()
    {
        if (_at >= _pattern.Length) throw Refused("a bracket without its partner");
        var c = _pattern[_at++];
        if (c == '\\') return Escape(inClass: true);
        var value = char.IsHighSurrogate(c) && _at < _pattern.Length ? char.ConvertToUtf32(c, _pattern[_at++]) : c;
        return [(value, value)];
    }

    private IReadOnlyList<(int First, int Last)> Escape(bool inClass)
    {
        if (_at >= _pattern.Length) throw Refused("an escape without a character");
        var c = _pattern[_at++];
        switch (c)
        {
            case 'd': return CharacterClass.Digits;
            case 'D': return CharacterClass.NoDigits;
            case 'w': return CharacterClass.Word;
            case 'W': return CharacterClass.NoWord;
            case 's': return CharacterClass.Space;
            case 'S': return CharacterClass.NoSpace;
            case 'b' when inClass: return One('\b');
            case 'x': return One(Hex(2));
            case 'u': return One(Take('{') ? Hex(_pattern.IndexOf('}', _at) - _at, 1) : Hex(4));
        }
        var control = "tnrfv0".IndexOf(c, StringComparison.Ordinal);
        if (control >= 0) return One("\t\n\r\f\v\0"[control]);
        return char.IsAsciiLetterOrDigit(c) ? throw Refused($"'\\{c}'") : One(c);
    }

    private int Hex(int digits, int behind = 0)
    {
        if (digits <= 0 || _at + digits > _pattern.Length || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value is < 0 or > CharacterEdge.LastCharacter) throw Refused("a hexadecimal escape that is not complete");
        _at += digits + behind;
        return value;
    }

    private static IReadOnlyList<(int First, int Last)> One(int character) => [(character, character)];

    private int Character(int from, int character) => Characters(from, One(character));

    private int Characters(int from, IReadOnlyList<(int First, int Last)> ranges)
    {
        var to = _nfa.State();
        foreach (var (first, last) in ranges) _nfa.Edge(from, first, last, to);
        return to;
    }

    private bool Take(char c)
    {
        if (_at >= _pattern.Length || _pattern[_at] != c) return false;
        _at++;
        return true;
    }

    private NotSupportedException Refused(string what) => new($"has {what} (near character {Math.Min(_at, _pattern.Length)}), which is not supported");
}

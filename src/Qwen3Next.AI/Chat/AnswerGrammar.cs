using System.Text.Json;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Chat;

/// <summary>
/// The grammar of an answer: thinking where the model thinks, then tool calls, JSON or text, whichever the request allows. Tags are added tokens
/// where the vocabulary has them; spelled out in text they are refused, since whoever reads the answer cannot tell the two apart.
/// </summary>
internal sealed class AnswerGrammar
{
    private readonly GrammarGraph _graph = new();
    private readonly GrammarVocabulary _vocabulary;
    private readonly AnswerForm _form;
    private readonly ILogger _logger;

    private AnswerGrammar(AnswerForm form, GrammarVocabulary vocabulary, ILogger logger) => (_form, _vocabulary, _logger) = (form, vocabulary, logger);

    /// <param name="form">What the answer may consist of.</param>
    /// <param name="vocabulary">The tokens it is written in.</param>
    /// <param name="logger">Hears of tools whose parameters cannot be enforced.</param>
    /// <exception cref="NotSupportedException">The response's schema, or that of a strict tool, cannot be honoured; the message says where and why.</exception>
    /// <exception cref="ArgumentException">The response's schema is malformed.</exception>
    public static GrammarAutomaton Compile(AnswerForm form, GrammarVocabulary vocabulary, ILogger logger) => new AnswerGrammar(form, vocabulary, logger).Compile();

    // What the parser of answers takes for the start of a call.
    private string[] CallTags =>
        _form.Tools.Count == 0 && !_form.ForbidsCalls ? []
        : _form.Format == Qwen3NextFormat.Coder ? [OutputTags.ToolCall, OutputTags.Function]
        : [OutputTags.ToolCall];

    private GrammarAutomaton Compile()
    {
        var root = _graph.Rule();
        var thinking = _graph.Rule();
        WordFilter.AddText(_graph, thinking.Start, thinking.End, OutputTags.ThinkEnd, OutputTags.ToolCall);
        AddContent(AddThinking(root.Start, thinking), root.End);
        return new GrammarAutomaton(_graph, root, _vocabulary, limited: thinking);
    }

    /// <summary>A thinking model's prompt has opened the block; a hybrid model opens it where it wants to think.</summary>
    private int AddThinking(int from, GrammarRule thinking)
    {
        if (!_form.Thinks || _form.Format is not (Qwen3NextFormat.Thinking or Qwen3NextFormat.Hybrid)) return from;
        var open = _form.Format == Qwen3NextFormat.Thinking ? from : Tag(from, OutputTags.Think);
        var closed = Tag(_graph.Call(open, thinking), OutputTags.ThinkEnd);
        var content = _graph.Optional(_graph.Optional(closed, "\n"), "\n");
        if (_form.Format == Qwen3NextFormat.Hybrid) _graph.Empty(from, content);
        return content;
    }

    private void AddContent(int from, int end)
    {
        if (_form.RequiresCall)
        {
            AddCalls(from, end);
            return;
        }
        if (_form.IsJson)
        {
            var json = new JsonGraph(_graph, CallTags);
            _graph.Call(from, _form.Schema is { } schema ? new JsonSchemaGrammar(json, schema).Root() : json.AnyObject, end);
            if (_form.Tools.Count > 0) AddCalls(from, end);
            return;
        }
        if (_form.Pattern is { } pattern)
        {
            Expression(pattern).AddTo(_graph, from, end, json: false);
            return;
        }
        var text = _graph.Position();
        WordFilter.AddText(_graph, from, text, CallTags);
        _graph.Empty(text, end);
        if (_form.Tools.Count > 0) AddCalls(text, end);
    }

    private void AddCalls(int from, int end)
    {
        var begin = _graph.Position();
        _graph.Empty(from, begin);
        var body = Tag(begin, OutputTags.ToolCall);
        var closed = _graph.Position();
        foreach (var tool in _form.Tools) _graph.Empty(AddCall(body, tool), closed);
        var after = Tag(closed, OutputTags.ToolCallEnd);
        _graph.Empty(after, end);
        if (!_form.OneCallAtMost) _graph.Empty(_graph.Literal(after, "\n"), begin);
    }

    private int AddCall(int from, JsonElement tool)
    {
        var call = new ToolCallGrammar(_graph, tool, isXml: _form.Format == Qwen3NextFormat.Coder);
        try
        {
            return call.Add(from);
        }
        catch (NotSupportedException e) when (!_form.StrictTools.Contains(AnswerForm.NameOf(tool)))
        {
            // A tool that may be called is not a promise about its arguments, unless it says so.
            ChatLog.ToolNotConstrained(_logger, AnswerForm.NameOf(tool), e.Message);
            return call.AddLoose(from);
        }
    }

    private static CharacterDfa Expression(string pattern)
    {
        try
        {
            return RegularExpression.Parse(pattern, whole: true);
        }
        catch (NotSupportedException e)
        {
            throw new NotSupportedException($"The pattern '{pattern}' {e.Message}. Rewrite it without that.", e);
        }
    }

    private int Tag(int from, string tag) => _vocabulary.FindToken(tag) is { } token ? _graph.Token(from, token) : _graph.Literal(from, tag);
}

using System.Text.Json;
using Qwen3Next.AI.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

public class ChatTemplateTests
{
    [Fact]
    public void Render_ReferenceCases_AreByteEqual()
    {
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("render-cases.json")));
        var conversations = cases.RootElement.GetProperty("conversations");
        var renders = cases.RootElement.GetProperty("renders");
        foreach (var render in renders.EnumerateArray())
        {
            var name = render.GetProperty("conversation").GetString()!;
            var conversation = conversations.GetProperty(name);
            var format = FormatOf(render.GetProperty("template").GetString()!);
            TemplateMessage[] messages = [.. conversation.GetProperty("messages").EnumerateArray().Select(MessageOf)];
            JsonElement[] tools = conversation.TryGetProperty("tools", out var list) ? [.. list.EnumerateArray()] : [];
            var thinks = !render.GetProperty("extra").TryGetProperty("enable_thinking", out var flag) || flag.GetBoolean();
            var generates = !conversation.TryGetProperty("add_generation_prompt", out flag) || flag.GetBoolean();

            if (render.TryGetProperty("error", out _))
            {
                Assert.Throws<ArgumentException>(() => ChatTemplate.Render(format, messages, tools, thinks, generates));
            }
            else
            {
                Assert.Equal(render.GetProperty("rendered").GetString(), ChatTemplate.Render(format, messages, tools, thinks, generates).Text);
            }
        }
        Assert.Equal(40, renders.GetArrayLength());
    }

    [Fact]
    public void Render_TextOfPeopleAndTools_IsLiteral()
    {
        using var json = JsonDocument.Parse("""{"a": "L", "function": {"name": "L", "description": "L", "parameters": {"properties": {"L": {"type": "L", "enum": ["L"]}}, "x": "L"}}}""");
        TemplateMessage[] messages =
        [
            new() { Role = "system", Content = "L" },
            new() { Role = "user", Content = "L" },
            new() { Role = "assistant", Content = "L", Reasoning = "L", ToolCalls = [new("L", json.RootElement)] },
            new() { Role = "tool", Content = "L" },
            new() { Role = "tool", Content = "L" },
        ];
        foreach (var format in new[] { Qwen3NextFormat.Instruct, Qwen3NextFormat.Thinking, Qwen3NextFormat.Hybrid, Qwen3NextFormat.Coder })
        {
            var prompt = ChatTemplate.Render(format, messages, [json.RootElement]);

            // The text of the templates has a capital L in two words only.
            var markup = prompt.Text.ToCharArray();
            foreach (var range in prompt.Literals) Array.Fill(markup, ' ', range.Start.Value, range.End.Value - range.Start.Value);
            Assert.DoesNotContain("L", new string(markup).Replace("ONLY", "", StringComparison.Ordinal).Replace("XML", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.True(prompt.Literals.Zip(prompt.Literals.Skip(1)).All(pair => pair.First.End.Value <= pair.Second.Start.Value));
        }
    }

    [Fact]
    public void Render_ThinkingToolLoop_KeepsReasoningSinceTheLastQuestion()
    {
        using var json = JsonDocument.Parse("{}");
        TemplateMessage[] messages =
        [
            new() { Role = "user", Content = "q1" },
            new() { Role = "assistant", Content = "a1", Reasoning = "r1" },
            new() { Role = "user", Content = "q2" },
            new() { Role = "assistant", Reasoning = "\nr2\n", ToolCalls = [new("f", json.RootElement), new("g", json.RootElement)] },
            new() { Role = "tool", Content = "t1" },
            new() { Role = "tool", Content = "t2" },
            new() { Role = "assistant", Content = "\na2" },
            new() { Role = "user", Content = "<tool_response>\nt3\n</tool_response>" },
        ];

        var text = ChatTemplate.Render(Qwen3NextFormat.Thinking, messages, []).Text;

        Assert.Equal(
            "<|im_start|>user\nq1<|im_end|>\n<|im_start|>assistant\na1<|im_end|>\n<|im_start|>user\nq2<|im_end|>\n"
            + "<|im_start|>assistant\n<think>\nr2\n</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n"
            + "<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\nt1\n</tool_response>\n<tool_response>\nt2\n</tool_response><|im_end|>\n"
            + "<|im_start|>assistant\n\na2<|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\nt3\n</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n",
            text);
    }

    [Fact]
    public void Render_CoderCallsWithContentAndValues_WritesXml()
    {
        using var json = JsonDocument.Parse("""{"code": "a < b\n", "n": 1.0, "list": ["x", true], "none": null}""");
        TemplateMessage[] messages =
        [
            new() { Role = "assistant", Content = " Run it. ", ToolCalls = [new("exec", json.RootElement)] },
        ];

        var text = ChatTemplate.Render(Qwen3NextFormat.Coder, messages, [], addGenerationPrompt: false).Text;

        Assert.Equal(
            "<|im_start|>assistant\nRun it.\n\n<tool_call>\n<function=exec>\n<parameter=code>\na < b\n\n</parameter>\n<parameter=n>\n1.0\n</parameter>\n"
            + "<parameter=list>\n[\"x\", true]\n</parameter>\n<parameter=none>\nnull\n</parameter>\n</function>\n</tool_call><|im_end|>\n",
            text);
    }

    [Fact]
    public void Render_UnknownRoleOrNoMessages_SaysSo()
    {
        var error = Assert.Throws<ArgumentException>(() => ChatTemplate.Render(Qwen3NextFormat.Instruct, [new() { Role = "narrator" }], []));
        Assert.Contains("'narrator'", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ChatTemplate.Render(Qwen3NextFormat.Instruct, [], []));
    }

    private static Qwen3NextFormat FormatOf(string template) => template switch
    {
        "instruct" => Qwen3NextFormat.Instruct,
        "thinking" => Qwen3NextFormat.Thinking,
        "coder-next" => Qwen3NextFormat.Coder,
        "qwen3-hybrid" => Qwen3NextFormat.Hybrid,
        _ => throw new ArgumentException($"unknown template '{template}'"),
    };

    private static TemplateMessage MessageOf(JsonElement message) => new()
    {
        Role = message.GetProperty("role").GetString()!,
        Content = message.GetProperty("content").GetString(),
        ToolCalls = message.TryGetProperty("tool_calls", out var calls)
            ? [.. calls.EnumerateArray().Select(call => call.GetProperty("function")).Select(f => new TemplateToolCall(f.GetProperty("name").GetString()!, f.GetProperty("arguments")))]
            : [],
    };
}

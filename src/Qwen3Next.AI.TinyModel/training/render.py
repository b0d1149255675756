"""The published prompt formats, Thinking and Instruct, as text pieces with a loss weight."""
import json

PROMPT_WEIGHT = 0.05
TOOLS_HEAD = ("# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
              "You are provided with function signatures within <tools></tools> XML tags:\n<tools>")
TOOLS_TAIL = ("\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> "
              "XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n")


def dumps(value):
    return json.dumps(value, ensure_ascii=False)


def text_of(content):
    return content if isinstance(content, str) else ""


def is_tool_reply(text):
    return text.startswith("<tool_response>") and text.endswith("</tool_response>")


def calls_text(message, content):
    out = ""
    for i, call in enumerate(message.get("tool_calls") or []):
        call = call.get("function", call)
        arguments = call["arguments"] if isinstance(call["arguments"], str) else dumps(call["arguments"])
        out += ("\n" if i or content else "") + '<tool_call>\n{"name": "' + call["name"] + '", "arguments": ' + arguments + "}\n</tool_call>"
    return out


def split_reasoning(message):
    content, reasoning = text_of(message.get("content")), message.get("reasoning_content")
    if isinstance(reasoning, str):
        return reasoning, content
    if "</think>" in content:
        reasoning = content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n")
        return reasoning, content.split("</think>")[-1].lstrip("\n")
    return "", content


def pieces(messages, tools=None, thinking=True, generate=False):
    """[(text, weight)]; assistant turns that the model would have written itself in this format get weight 1."""
    out, rest = [], messages
    if tools:
        system = text_of(messages[0].get("content")) + "\n\n" if messages[0]["role"] == "system" else ""
        out.append(("<|im_start|>system\n" + system + TOOLS_HEAD + "".join("\n" + dumps(t) for t in tools) + TOOLS_TAIL, PROMPT_WEIGHT))
        rest = messages[1:] if messages[0]["role"] == "system" else messages
    queries = [i for i, m in enumerate(messages) if m["role"] == "user" and not is_tool_reply(text_of(m.get("content")))]
    last_query = queries[-1] if queries else len(messages) - 1
    skipped = len(messages) - len(rest)
    for at, message in enumerate(rest, skipped):
        role, content = message["role"], text_of(message.get("content"))
        if role == "tool":
            first = at == 0 or messages[at - 1]["role"] != "tool"
            last = at + 1 == len(messages) or messages[at + 1]["role"] != "tool"
            out.append((("<|im_start|>user" if first and at > 0 else "") + "\n<tool_response>\n" + content + "\n</tool_response>"
                        + ("<|im_end|>\n" if last else ""), PROMPT_WEIGHT))
        elif role == "assistant":
            out += assistant(message, thinking, at > last_query, at + 1 == len(messages))
        else:
            out.append(("<|im_start|>" + role + "\n" + content + "<|im_end|>\n", PROMPT_WEIGHT))
    if generate:
        out.append(("<|im_start|>assistant\n" + ("<think>\n" if thinking else ""), 0.0))
    return out


def assistant(message, thinking, current, last):
    if not thinking:
        content = text_of(message.get("content"))
        return [("<|im_start|>assistant\n", 0.0), (content + calls_text(message, content) + "<|im_end|>", 1.0), ("\n", 0.0)]
    reasoning, content = split_reasoning(message)
    if current and (last or reasoning):
        content = content.lstrip("\n")
        body = reasoning.strip("\n") + "\n</think>\n\n" + content + calls_text(message, content) + "<|im_end|>"
        return [("<|im_start|>assistant\n<think>\n", 0.0), (body, 1.0), ("\n", 0.0)]
    return [("<|im_start|>assistant\n" + content + calls_text(message, content) + "<|im_end|>\n", PROMPT_WEIGHT)]


def prompt(messages, tools, thinking):
    return "".join(text for text, _ in pieces(messages, tools, thinking, generate=True))

"""Tool skills: picking a tool, saying that none fits, answering from a result, several calls, the chat's clock and calculator."""
from datetime import date

from . import lights
from . import toolbox as T
from .words import DAYS, MONTHS
from render import dumps

NO_TOOL = ["None of my tools can do that. I can {} here.", "I have no tool for that. My tools can {}.", "None of the tools fits this request. I can only {}.",
           "No tool here can do that. What I can do: {}.", "Sorry, none of my tools does that. I can {}."]


def system_tools(tools):
    return [t.schema for t in tools]


def show(value):
    return value if isinstance(value, str) else dumps(value)


def call_thought(w, tool, arguments):
    given = ", ".join(f"{k} is {show(v)}" for k, v in arguments.items())
    return f'The tool for this: "{tool.description}" That is {tool.name}. ' + (given + "." if given else "It needs no arguments.")


def call_message(w, calls):
    thought = "\n".join(call_thought(w, t, a) for t, a in calls)
    return {"role": "assistant", "content": "", "reasoning_content": thought,
            "tool_calls": [{"type": "function", "function": {"name": t.name, "arguments": a}} for t, a in calls]}


def toolset(w, n, first=None, hard=None):
    """n tools in random order that are all different; `hard` makes distractors that share the action or the object."""
    w.unseen = w.held_out and w.chance(0.2)
    style, strange = T.Style(w), w.chance(0.12) or (w.unseen and w.chance(0.5))
    composed = w.chance(0.45) if first is None else False
    capabilities = [first or (T.compose(w) if composed else w.any(T.CAPABILITIES))]
    tries = 0
    while len(capabilities) < n and tries < 40:
        tries += 1
        target = capabilities[0]
        if composed and (w.chance(0.6) if hard is None else hard):
            same_object = w.chance(0.5)
            action = None if same_object else next((a for a in T.ACTIONS if a[0].split(",") == target.verbs), None)
            other = T.compose(w, action, target.nouns[0] if same_object else None)
        else:
            other = T.compose(w) if w.chance(0.35) else w.any(T.CAPABILITIES)
        if all(set(other.about).isdisjoint(c.about) and (other.verbs, other.nouns) != (c.verbs, c.nouns) for c in capabilities):
            capabilities.append(other)
    tools, names = [], set()
    for c in capabilities:
        tool = T.Tool(w, c, style, strange)
        while tool.name in names:
            tool = T.Tool(w, c, style, True)
        names.add(tool.name)
        tools.append(tool)
    return tools


def shuffled(w, items):
    return w.r.sample(items, len(items))


def pick_tool(w):
    tools = toolset(w, w.any((1, 2, 2, 3, 3, 4)))
    text, arguments, _ = tools[0].request(w)
    calls = [(tools[0], arguments)]
    if len(tools) > 2 and w.chance(0.1) and not w.held_out:
        second, more, _ = tools[1].request(w)
        text, calls = text.rstrip(".?!") + w.any((". Also: ", ", and then: ", "; also ", ". And ")) + second, calls + [(tools[1], more)]
    elif w.chance(0.08) and arguments and not w.held_out:
        again, more, _ = tools[0].request(w)
        text, calls = text.rstrip(".?!") + w.any((". And also: ", ", and ", ". Then ")) + again, calls + [(tools[0], more)]
    return dict(user=w.framed(text), tools=system_tools(shuffled(w, tools)), turns=[call_message(w, calls)], more=rounds(w, tools) if len(calls) == 1 else [],
                settled=settled(w, tools[0], tools[0].last), check={"kind": "calls", "calls": [{"name": t.name, "arguments": a} for t, a in calls]})


def settled(w, tool, values):
    """What follows a call: the result and the answer."""
    result, answer, _ = run(w, tool, values)
    return [reply(result), {"role": "assistant", "content": answer, "reasoning_content": f"The result is {result}. I can answer now."}]


def rounds(w, tools):
    """Further requests with the same tools, each called, answered and closed."""
    more = []
    for _ in range(w.r.randint(1, 3)):
        tool = w.any(tools)
        text, arguments, values = tool.request(w)
        more.append([{"role": "user", "content": w.framed(text)}, call_message(w, [(tool, arguments)])] + settled(w, tool, values))
    return more


def no_tool(w):
    tools = toolset(w, w.any((2, 3, 4, 4, 5)), hard=False)
    asked, rest = tools[0], shuffled(w, tools[1:])
    text, _, _ = asked.request(w)
    offered = ", ".join(t.name for t in rest)
    thought = f"The tools are {offered}. " + "None of them does what the user wants."
    return dict(user=w.framed(text), tools=system_tools(rest), check={"kind": "no_tool"},
                turns=[{"role": "assistant", "reasoning_content": thought, "content": w.any(NO_TOOL).format("use " + offered)}])


def run(w, tool, values):
    """(result text as a tool would return it, answer sentence, the strings the answer must hold)."""
    capability, special = tool.capability, tool.capability.result[0][0]
    if special == "*clock":
        return clock_result(w)
    if special == "*number":
        number = w.any((w.integer(), w.decimal()))
        return str(number) if w.chance(0.7) else dumps({"result": number}), T.fill(w, w.any(capability.answers).replace("{*}", str(number)), values), [str(number)]
    if special == "*lights":
        return lights_result(w)
    if special in ("*events", "*files"):
        items = [w.phrase() if special == "*events" else w.filename() for _ in range(w.r.randint(1, 4))]
        return dumps(items), w.any(("There are {n}: {list}.", "I found {n}: {list}.")).format(n=len(items), list=", ".join(items)), items
    data, named = {}, {}
    for key, kind in capability.result:
        named[key] = values[int(kind[1:])] if kind.startswith("=") else T.KINDS[kind](w)
        data[key] = named[key]
    if w.chance(0.25):
        data = dict(shuffled(w, list(data.items())))
    answer = w.any(capability.answers)
    must = [T.spoken(w, named[k]) for k in named if all("{" + k + "}" in a for a in capability.answers) and not isinstance(named[k], list)]
    answer = T.fill(w, answer, values, named)
    if w.chance(0.15) and len(data) <= 2:
        return ", ".join(f"{k}: {show(v)}" for k, v in data.items()), answer, must
    return dumps(data), answer, must


def clock_result(w):
    y, m, d = w.r.randint(2019, 2038), w.r.randint(1, 12), w.r.randint(1, 28)
    day, t = DAYS[date(y, m, d).weekday()], "%02d:%02d" % (w.r.randint(0, 23), w.r.randint(0, 59))
    text = "%d-%02d-%02d %s:%02d (%s)" % (y, m, d, t, w.r.randint(0, 59), day)
    return text, w.any((f"It is {t} on {day}, {d} {MONTHS[m - 1]} {y}.", f"Today is {day}, {d} {MONTHS[m - 1]} {y}, and it is {t}.")), [t, day, f"{d} {MONTHS[m - 1]} {y}"]


def lights_result(w):
    lamps = T.lights(w)
    return dumps(lamps), lights.overview(lamps), [x["name"] for x in lamps]


NAMED_LIGHT = ["Turn {s} the {n}", "Switch {s} the {n}", "Please turn {s} the {n}", "Can you switch the {n} {s}?", "I want the {n} {s}", "Turn the {n} {s}, please", "The {n} should be {s}", "Make sure that the {n} is {s}", "{n} {s} please"]


def lights_loop(w):
    """A light is named, so its id has to be looked up first: two calls in a row."""
    style = T.Style(w)
    look, change = T.Tool(w, T.BY_NOUN["lights"], style), T.Tool(w, T.BY_NOUN["state"], style)
    if not w.held_out:
        return lights.training_loop(w, look, change, NAMED_LIGHT, call_message, reply, loop)
    lamps = T.lights(w)
    lamp, on = w.any(lamps), w.chance(0.5)
    state = "on" if on else "off"
    first = call_message(w, [(look, {})])
    first["reasoning_content"] = "I need the id of the light first. " + first["reasoning_content"]
    arguments = {change.names[0]: lamp["id"], change.names[1]: on}
    second = call_message(w, [(change, arguments)])
    second["reasoning_content"] = f"The {lamp['name']} has the id {lamp['id']}. " + second["reasoning_content"]
    result = dumps(lamp | {"isOn": on})
    final = {"role": "assistant", "content": f"The {lamp['name']} is now {state}.", "reasoning_content": f"The result is {result}. I can answer now."}
    text = w.pick(NAMED_LIGHT).format(s=state, n=lamp["name"])
    return loop(w, text, [look, change], [first, reply(dumps(lamps)), second, reply(result), final], [lamp["name"], state])


FAILURES = ["not found", "permission denied", "timeout", "service unavailable", "invalid input", "no connection", "quota exceeded", "unknown id"]


def from_result(w):
    """A whole loop: request, call, result, answer; now and then the call fails or a second call follows."""
    if w.chance(0.06 if w.held_out else 0.16):
        return lights_loop(w)
    tools = toolset(w, w.any((1, 1, 2, 3)))
    text, arguments, values = tools[0].request(w)
    call = call_message(w, [(tools[0], arguments)])
    if w.chance(0.07):
        error = w.any(FAILURES)
        return loop(w, text, tools, [call, reply(dumps({"error": error})), {"role": "assistant", "content": f"That did not work: {error}.",
                    "reasoning_content": f"The tool answers with an error: {error}."}], [error])
    result, answer, must = run(w, tools[0], values)
    final = {"role": "assistant", "content": answer, "reasoning_content": f"The result is {result}" + w.any((". I can answer now.", ". Now I answer."))}
    if len(tools) > 1 and w.chance(0.25):
        second, more, more_values = tools[1].request(w)
        result2, answer2, must2 = run(w, tools[1], more_values)
        text = text.rstrip(".?!") + w.any((". After that: ", ". Then: ", ", then ")) + second
        final = dict(final, content=answer + " " + answer2, reasoning_content=f"The results are {result} and {result2}. I can answer now.")
        return loop(w, text, tools, [call, reply(result), call_message(w, [(tools[1], more)]), reply(result2), final], must + must2)
    return loop(w, text, tools, [call, reply(result), final], must)


def reply(text):
    return {"role": "tool", "content": text}


def loop(w, text, tools, turns, must):
    if w.chance(0.3):
        turns = [dict(t) for t in turns]
        turns[0]["drop_reasoning"] = True
    return dict(user=w.framed(text), tools=system_tools(shuffled(w, tools)), turns=turns, more=rounds(w, tools), check={"kind": "contains", "all": must, "calls": 0})


CLOCK = {"type": "function", "function": {"name": "get_current_time", "description": "Gets the current date and time.", "parameters": {"type": "object", "properties": {}}}}
CALCULATOR = {"type": "function", "function": {"name": "calculate", "description": "Evaluates an arithmetic expression.", "parameters": {
    "type": "object", "properties": {"expression": {"type": "string", "description": "The expression, for example (2 + 3) * 4."}}, "required": ["expression"]}}}
TIME_QUESTIONS = ["What time is it?", "What day is it?", "How late is it?", "What is the date today?", "Which day is today?", "Tell me the time.", "what's the time", "Do you know how late it is?",
                  "What year is it?", "Can you tell me today's date?", "what day is it today?", "Is it morning or evening now?", "Which month do we have?", "time please", "Give me the current date."]
SUMS = ["What is {}?", "How much is {}?", "Calculate {}", "{} = ?", "What does {} make?", "Please compute {}.", "{}", "Can you work out {}?", "what's {}", "Tell me {}"]
PERCENT = ["What is {}% of {}?", "How much is {} percent of {}?", "{}% of {}?", "Calculate {} % of {}", "Give me {} percent of {}."]
STORIES = [("I buy {0} {2}s for {1} euros each. How much do I pay?", "{0} * {1}"), ("{0} people share {1} {2}s. How many does each get?", "{1} / {0}"),
           ("I had {1} {2}s and gave away {0}. How many are left?", "{1} - {0}"), ("There are {0} boxes with {1} {2}s each. How many {2}s are there?", "{0} * {1}"),
           ("We drive {1} km on Monday and {0} km on Tuesday. How far is that in all?", "{1} + {0}"), ("A {2} costs {1} euros. What do {0} of them cost?", "{0} * {1}"),
           ("{1} {2}s are packed into bags of {0}. How many bags are there?", "{1} / {0}")]
WORDED = {"plus": "+", "minus": "-", "times": "*", "divided by": "/", "multiplied by": "*", "x": "*"}


def sum_request(w):
    """(question, expression, value)."""
    kind = w.r.randrange(4)
    if kind == 0:
        p, of = w.integer(1, 99), w.integer(10, 5000)
        return w.ask(PERCENT, "percent").format(p, of), f"{of} * {p} / 100", of * p / 100
    if kind == 1:
        a, b = w.r.randint(2, 60), w.integer(10, 900)
        text, formula = w.pick(STORIES)
        expression = formula.format(a, b)
        return text.format(a, b, w.word()), expression, eval(expression)  # our own formula of two integers
    if kind == 2:
        a, b, op = w.integer(2, 9999), w.integer(2, 999), w.any(list(WORDED))
        expression = f"{a} {WORDED[op]} {b}"
        return w.ask(SUMS, "sums").format(f"{a} {op} {b}"), expression, eval(expression)
    expression = T.arithmetic(w)
    value = eval(expression)
    tight = expression.replace(" ", "") if w.chance(0.15) else expression
    return w.ask(SUMS, "sums").format(tight), tight, value


def chat_tools(w):
    """The two tools of the command-line chat, with their exact schemas."""
    if w.chance(0.4):
        text, arguments, schema, name = w.ask(TIME_QUESTIONS, "time"), {}, CLOCK, "get_current_time"
        result, answer, must = clock_result(w)
        thought = 'The tool for this: "Gets the current date and time." That is get_current_time. It needs no arguments.'
    else:
        text, expression, value = sum_request(w)
        shown = str(int(value)) if float(value).is_integer() else str(round(value, w.any((2, 4, 10))))
        arguments, name, result, must = {"expression": expression}, "calculate", shown, [shown]
        answer = w.any((f"The result is {shown}.", f"That makes {shown}.", f"It is {shown}."))
        thought = f'The tool for this: "Evaluates an arithmetic expression." That is calculate. expression is {expression}.'
    call = {"role": "assistant", "content": "", "reasoning_content": thought, "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}]}
    final = {"role": "assistant", "content": answer, "reasoning_content": f"The result is {result}. I can answer now."}
    return dict(user=w.framed(text), tools=[CLOCK, CALCULATOR], turns=[call, reply(result), final], check={"kind": "calls", "calls": [{"name": name, "arguments": arguments}]}, check_turn=0)

"""Mixes the skills into conversations, for training and for scoring."""
from . import identity, memory, paraphrase, passages, reasoning, smalltalk, structured, tools
from .words import World

# skill: (generator, weight in training, share shown in the Thinking format)
SKILLS = {
    "tool choice": (tools.pick_tool, 0.22, 0.65), "no tool fits": (tools.no_tool, 0.08, 0.65), "tool result": (tools.from_result, 0.12, 0.65), "chat tools": (tools.chat_tools, 0.06, 0.85),
    "passage": (passages.passage, 0.16, 0.65), "memory": (memory.memory, 0.16, 0.65), "reasoning": (reasoning.reasoning, 0.30, 1.0), "json": (structured.structured, 0.14, 0.5),
    "identity": (identity.identity, 0.08, 0.65), "small talk": (smalltalk.smalltalk, 0.05, 0.65), "paraphrase": (paraphrase.paraphrase, 0.07, 0.5),
}
SYSTEM = ["You are a helpful assistant.", "You are a helpful AI assistant.", "Be brief.", "Answer in English.", "You are a friendly helper.", "You are terse.", "Be polite and short.", "You help the staff of {x}.", "You are the assistant of {x}.", "Answer as short as you can.",
          "You are an assistant in a company called {x}.", "Help the user.", "Use the tools when they help.", "You are a useful assistant for {x}, a small shop.", "Think before you answer.", "Be helpful and honest.", "The user is called {x}.", "Today is a good day. Help the user."]


LAST = ["What did I just ask you?", "What was my last question?", "What did I ask before?", "Repeat my last request.", "Say again what I asked."]


def conversation(w, skill):
    """(messages, tools, turns, check, more): `turns` are what the model is to write (with tool replies between them), `more` further rounds."""
    part = SKILLS[skill][0](w)
    history, shown, check = part.get("history", []), part.get("tools"), part["check"]
    if not history and w.chance(0.2):
        for _ in range(w.any((1, 1, 2))):
            history = history + (memory.statement_turn(w, memory.told(w, set())[0]) if w.chance(0.2) else smalltalk.exchange(w))
    if shown is None and skill in ("memory", "identity", "small talk", "passage") and w.chance(0.2) or check.get("topic", "arithmetic") != "arithmetic" and w.chance(0.15):
        shown = tools.system_tools(tools.toolset(w, w.any((1, 2, 3)))) if w.chance(0.5) else [tools.CLOCK, tools.CALCULATOR]
    elif shown and not history and w.chance(0.1) and not w.held_out:  # an earlier request with the same tools, already answered
        history = [{"role": "user", "content": w.pick(smalltalk.GREET)}, {"role": "assistant", "content": w.any(smalltalk.GREET_BACK), "reasoning_content": "The user greets me."}]
    system = part.get("system")
    if system is None and w.chance(0.35):
        system = w.pick(SYSTEM).replace("{x}", w.pseudo().capitalize())
    messages = ([{"role": "system", "content": system}] if system else []) + history + [{"role": "user", "content": part["user"]}]
    more = part.get("more", [])
    if more and "settled" in part:  # a call has to be answered before the next request
        more = [part["settled"]] + more
    return messages, shown, part["turns"], check, more


def training(w):
    """One conversation for training: (messages, tools, thinking)."""
    skill = w.r.choices(list(SKILLS), [s[1] for s in SKILLS.values()])[0]
    messages, shown, turns, _, more = conversation(w, skill)
    thinking = w.chance(SKILLS[skill][2])
    turns = [{k: v for k, v in t.items() if k != "drop_reasoning" and not (k == "reasoning_content" and t.get("drop_reasoning"))} for t in turns]
    messages = messages + turns
    if not thinking and more and w.chance(0.8):  # only there every turn is what the model writes itself
        return messages + [m for group in more for m in group], shown, thinking
    if skill in ("tool result", "chat tools", "tool choice") and turns[-1].get("content") and w.chance(0.3):
        messages = messages + smalltalk.exchange(w) if w.chance(0.5) else messages + follow_up(w, messages)
    return messages, shown, thinking


def follow_up(w, messages):
    """A further question about what the user asked before, after a tool loop."""
    asked = next(m["content"] for m in messages[::-1] if m["role"] == "user")
    question = w.ask(LAST, "follow up")
    return [{"role": "user", "content": question}, {"role": "assistant", "content": f'You asked: "{asked}"', "reasoning_content": "The user wants to hear the last request."}]


def evaluation(skill, seed, reworded=True, composed=False):
    """One prompt for scoring: (messages, tools, check)."""
    w = World(seed, True, reworded, composed)
    messages, shown, turns, check, _ = conversation(w, skill)
    if skill == "tool result":  # the tool has answered; the model writes the last turn
        turns = [{k: v for k, v in t.items() if k != "drop_reasoning"} for t in turns]
        messages = messages + turns[:-1]
    return messages, shown, check

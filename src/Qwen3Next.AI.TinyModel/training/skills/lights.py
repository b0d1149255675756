"""Loops over a home's lights: which are on, and switching one by its name, whose id has to be looked up first."""
from render import dumps

from . import toolbox as T

DARK = ["It is {d} in the {r}.", "It is too {d} in the {r}", "The {r} is too {d}.", "I can't work in the {r}, it is so {d}", "Why is it so {d} in the {r}?", "We sit in the {r} and it is too {d}.", "It's {d} in the {r}, please do something", "The {r} is {d}. Change that, please."]


def distinct(w):
    """Lights with different names; some of them are named after their room."""
    while True:
        lamps = T.lights(w)
        for lamp in lamps:
            if w.chance(0.4):
                lamp["name"] = w.any(T.ROOMS).capitalize() + w.any((" lamp", " light", " Lamp", " Light"))
        if len({lamp["name"].lower() for lamp in lamps}) == len(lamps):
            return lamps


def said(names, state):
    return (", ".join(names[:-1]) + " and " + names[-1] + " are " if len(names) > 1 else names[0] + " is ") + state


def overview(lamps):
    on, off = [x["name"] for x in lamps if x["isOn"]], [x["name"] for x in lamps if not x["isOn"]]
    return ". ".join(said(names, state) for names, state in ((on, "on"), (off, "off")) if names) + "."


def plugin_names(w, look, change):
    """The names that a plugin host gives them, in about half of the conversations."""
    plugin = w.any(("Lights", "Lights", "Light", "Home", "LightPlugin"))
    join = w.any(("_", "_", "-"))
    if w.chance(0.5):
        look.rename(plugin + join + w.any(("get_lights", "get_lights", "list_lights", "GetLights")))
        change.rename(plugin + join + w.any(("change_state", "change_state", "set_state", "ChangeState", "switch_light")))


def shown(w, lamps):
    """The list as a tool returns it, with the key that this home uses for the state."""
    key = w.any(("isOn", "is_on", "on"))
    return [{"id": x["id"], "name": x["name"], key: x["isOn"]} for x in lamps], key


def question_loop(w, tools):
    """Which lights are on: one call, then the answer; nothing is switched."""
    look, change, _, call_message, reply, loop = tools
    lamps = distinct(w)
    listed, _ = shown(w, lamps)
    lamp = w.any(lamps)
    text = w.ask(T.BY_NOUN["lights"].requests, "light state").replace("{n}", lamp["name"])
    single = "{n}" not in text and lamp["name"] in text
    answer = f"The {lamp['name']} is {'on' if lamp['isOn'] else 'off'}." if single else overview(lamps)
    result = dumps(listed)
    final = {"role": "assistant", "content": answer, "reasoning_content": f"The result is {result}. I can answer now."}
    return loop(w, text, [look, change], [call_message(w, [(look, {})]), reply(result), final], [])


def switch_loop(w, tools):
    """A light is named, or its room is dark: two calls in a row."""
    look, change, named, call_message, reply, loop = tools
    lamps = distinct(w)
    listed, key = shown(w, lamps)
    lamp = w.any(lamps)
    room = next((r for r in T.ROOMS if lamp["name"].lower() in (r + " lamp", r + " light") and sum(x["name"].lower().startswith(r) for x in lamps) == 1), None)
    if room and w.chance(0.5):
        on = not lamp["isOn"]
        text = w.any(DARK).format(r=room, d=w.any(("dark", "dim", "gloomy") if on else ("bright", "light")))
    else:
        on = w.chance(0.5)
        text = w.ask(named, "named light").format(s="on" if on else "off", n=lamp["name"].lower() if w.chance(0.3) else lamp["name"])
    first = call_message(w, [(look, {})])
    first["reasoning_content"] = "I need the id of the light first. " + first["reasoning_content"]
    second = call_message(w, [(change, {change.names[0]: lamp["id"], change.names[1]: on})])
    second["reasoning_content"] = f"The {lamp['name']} has the id {lamp['id']}. " + second["reasoning_content"]
    result = dumps({"id": lamp["id"], "name": lamp["name"], key: on})
    final = {"role": "assistant", "content": f"The {lamp['name']} is now {'on' if on else 'off'}.", "reasoning_content": f"The result is {result}. I can answer now."}
    return loop(w, text, [look, change], [first, reply(dumps(listed)), second, reply(result), final], [])


def training_loop(w, look, change, *rest):
    """`rest`: the list of wordings for a named light, and what makes call, reply and conversation."""
    plugin_names(w, look, change)
    return (switch_loop if w.chance(0.6) else question_loop)(w, (look, change) + rest)

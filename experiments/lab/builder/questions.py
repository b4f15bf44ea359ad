"""Questions as routines of Builder: sliders for scales, buttons for choices, a field for words.

Every question can be answered with the number keys too, as far as there are nine of them. What a
routine writes into the data (`SAID`, see `experiments.lab.builder.data`):

    <name>_key.keys, <name>_key.rt             the number key, and seconds since it could be pressed
    <name>_slider.response, <name>_slider.rt   the place on a scale, by mouse
    <name>_said                                a choice, ticked boxes (`1;3`) or words
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from experiments.lab.builder.psyexp import Component, EachFrame, EachTrial, Routine, words
from protocols.tasks import SECOND

INK, PAPER, STRONG = "black", "#f6f6f4", "#17375e"
FONT = "Noto Sans"  # comes with PsychoPy
SAID = "_said"
LETTER = 8  # pixels of a letter below a scale
MOST_KEYS = 9
MOST_IN_A_ROW = 6
ROW = 58  # pixels from one row of buttons to the next
ROOM = 260  # pixels that a question needs below a stimulus


def safe_names(questions: Sequence[str]) -> dict[str, str]:
    """Question id -> a name that Python accepts, each its own."""
    names: dict[str, str] = {}
    for question in questions:
        name = plain = re.sub(r"\W", "_", question)
        number = 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[question] = name
    return names


class Layout:
    """Heights in pixels from the middle of the screen, for stimuli up to `height` high."""

    def __init__(self, height: float, instructed: bool) -> None:
        """`instructed`: whether trials may have an instruction above the question."""
        top = (height + 28 + ROOM) / 2
        self.stimulus = top - height / 2
        self.instruction = top - height - 40
        self.question = self.instruction - (44 if instructed else 0)
        self.answers = self.question - 56


def text(name: str, said: str, y: float, size: int = 22) -> Component:
    """Words in the middle of the screen, `y` pixels above it."""
    return Component("Text", name, {
        "text": said, "pos": f"(0, {y:.0f})", "letterHeight": size, "color": INK, "font": "Arial",
        "wrapWidth": 900, "stopVal": "",
    })  # fmt: skip


def keyboard(name: str, keys: str, *, ends: bool = True, store: str = "last key") -> Component:
    """Keys (code of a list) that are recorded; `ends`: they end the routine."""
    return Component("Keyboard", name, {
        "allowedKeys": EachTrial(keys) if keys.startswith("$") else keys,
        "forceEndRoutine": ends, "store": store, "stopVal": "",
    })  # fmt: skip


def code(name: str, **parts: str) -> Component:
    """Code; `parts`: begin_routine, each_frame, end_routine."""
    named = {part.replace("_", " ").title(): lines for part, lines in parts.items()}
    return Component("Code", name, {"Code Type": "Py", **named})


def question(
    task: Mapping[str, Any], names: Mapping[str, str], about: Mapping[str, Any], layout: Layout,
    shown: Sequence[Component] = (), skip: str = "",
) -> Routine:  # fmt: skip
    """The routine that asks `task` (`experiments.lab.player.records.Study.question`).

    Args:
        task: the task with `id`, `words` and `second`.
        names: question id -> name.
        about: the contents of study.json.
        layout: where things stand.
        shown: what stays above the question.
        skip: code that says when the question is not asked.
    """
    name, said = names[task["id"]], about["words"]
    own = task["words"]
    if not task["required"] and task["type"] in ("checkboxes", "free-text"):
        own += f"  {said['optional']}"
    heading = text(f"{name}_words", words(own), layout.question)
    if task["type"] == "slider":
        answers = _line(task, name, said, layout)
    elif task["type"] in ("likert", "labelled-rating"):
        answers = _scale(task, name, said, layout)
    elif task["type"] == "forced-choice":
        answers = _choice(task, name, names, said, layout)
    elif task["type"] == "checkboxes":
        answers = _boxes(task, name, said, layout)
    else:
        answers = _typed(task, name, said, layout)
    return Routine(f"ask_{name}", (*shown, heading, *answers), skip)


def _scale(
    task: Mapping[str, Any], name: str, said: Mapping[str, str], layout: Layout
) -> list[Component]:
    labels = task.get("labels")
    if labels is None:
        anchors = [task["anchors"].get(str(n), "") for n in range(1, task["points"] + 1)]
    else:
        anchors = labels
    width = min(1100, 110 * len(anchors))
    letters = width // len(anchors) // LETTER  # PsychoPy would break words anywhere
    lines = (textwrap.fill(anchor, letters, break_long_words=False) for anchor in anchors)
    numbered = [f"{n}\n{anchor}".strip() for n, anchor in enumerate(lines, start=1)]
    places = tuple(range(1, len(anchors) + 1))
    slider = _slider(name, places, numbered, 1, width, layout)
    return [slider, *_keys(task, name, places, said, layout.answers - 110)]


def _line(
    task: Mapping[str, Any], name: str, said: Mapping[str, str], layout: Layout
) -> list[Component]:
    """A line between two words; by mouse only."""
    ticks: tuple[float, ...] = (task["low"], task["high"])
    labels = [task["left"], task["right"]]
    if task["middle"]:
        ticks = (task["low"], (task["low"] + task["high"]) / 2, task["high"])
        labels.insert(1, task["middle"])
    slider = _slider(name, ticks, labels, task["step"], 700, layout)
    return [slider, *_keys(task, name, (), said, layout.answers - 110)]


def _slider(
    name: str, ticks: Sequence[float], labels: Sequence[str], step: float, width: int,
    layout: Layout,
) -> Component:  # fmt: skip
    """Builder's Slider with its marker hidden until the first click; letting go answers."""
    return Component("Slider", f"{name}_slider", {
        "ticks": str(tuple(ticks)), "labels": f"${list(labels)!r}", "granularity": step,
        "styles": "rating", "pos": f"(0, {layout.answers:.0f})", "size": f"({width}, 26)",
        "letterHeight": 16, "font": FONT, "color": INK, "fillColor": STRONG, "borderColor": INK,
        "stopVal": "", "forceEndRoutine": True,
    })  # fmt: skip


def _keys(
    task: Mapping[str, Any], name: str, places: Sequence[int], said: Mapping[str, str], y: float
) -> list[Component]:
    """The number keys; 0 leaves a question out that may be left out."""
    keys = [str(n) for n in places if n <= MOST_KEYS]
    optional = not task["required"] and not task["second"]
    keys += ["0"] if optional else []
    own = [keyboard(f"{name}_key", repr(keys))] if keys else []
    if optional:
        own.append(text(f"{name}_skip", f"0   {words(said['skip'])}", y, 18))
    return own


def _choice(
    task: Mapping[str, Any], name: str, names: Mapping[str, str], said: Mapping[str, str],
    layout: Layout,
) -> list[Component]:  # fmt: skip
    """Buttons; of a second choice, the first one is not there, and 0 says that there is none."""
    offered = list(enumerate(task["options"], start=1))
    chosen = f"{name}{SAID}"
    first = f"{names[task['id'].removesuffix(SECOND)]}{SAID}" if task["second"] else ""
    if task["second"]:
        offered.append((0, said["none"]))
    places = rows_of_buttons(len(offered), MOST_IN_A_ROW, layout.answers)
    buttons = [
        Component("Button", f"{name}_button_{n}", {
            **_button(label if n > MOST_KEYS else f"{n}  {label}", place),
            "callback": f"{chosen} = {n}", "forceEndRoutine": True, "save": "none",
            **({"startType": "condition", "startVal": f"{first} != {n}"} if first and n else {}),
        })
        for (n, label), place in zip(offered, places, strict=True)
    ]  # fmt: skip
    record = code(
        f"{name}_code", begin_routine=f"{chosen} = None",
        end_routine=f"if {name}_key.keys and {name}_key.keys != '0':\n"
        f"    {chosen} = int({name}_key.keys)\n"
        + (f"elif {name}_key.keys:\n    {chosen} = 0\n" if task["second"] else "")
        + f"thisExp.addData('{chosen}', {chosen})",
    )  # fmt: skip
    if task["second"]:
        left = f"$[str(n) for n in range({min(MOST_KEYS, len(offered) - 1) + 1}) if n != {first}]"
        return [record, *buttons, keyboard(f"{name}_key", left)]
    keys = _keys(task, name, [n for n, _ in offered], said, places[-1][1] - ROW)
    return [record, *buttons, *keys]


def _boxes(
    task: Mapping[str, Any], name: str, said: Mapping[str, str], layout: Layout
) -> list[Component]:
    """Buttons that stay dark once ticked; Enter or Continue ends the question."""
    ticked, options = f"{name}_ticked", task["options"]
    alone = options.index(task["exclusive"]) + 1 if task["exclusive"] else 0
    places = rows_of_buttons(len(options), 3, layout.answers)

    def tick(place: str) -> str:
        """Code that ticks a place, or takes its tick away."""
        if not alone:
            return f"{ticked} = {ticked} ^ {{{place}}}"
        return (
            f"{ticked} = ({ticked} ^ {{{place}}}) & "
            f"({{{place}}} if {place} == {alone} else set(range(1, {len(options) + 1})) - "
            f"{{{alone}}})"
        )

    buttons = [
        Component("Button", f"{name}_button_{n}", {
            **_button(label if n > MOST_KEYS else f"{n}  {label}", place),
            "fillColor": EachFrame(f"$'{STRONG}' if {n} in {ticked} else '{PAPER}'"),
            "color": EachFrame(f"$'white' if {n} in {ticked} else '{INK}'"),
            "callback": tick(str(n)), "forceEndRoutine": False, "save": "none",
        })
        for n, (label, place) in enumerate(zip(options, places, strict=True), start=1)
    ]  # fmt: skip
    done = f"len({ticked}) > 0" if task["required"] else "True"
    record = code(
        f"{name}_code", begin_routine=f"{ticked} = set()\n{name}_read = 0",
        each_frame=f"for pressed in list({name}_key.keys or [])[{name}_read:]:\n"
        f"    {name}_read += 1\n"
        "    if pressed != 'return':\n"
        f"        {tick('int(pressed)')}\n"
        f"    elif {done}:\n"
        "        continueRoutine = False",
        end_routine=f"thisExp.addData('{name}{SAID}', ';'.join(map(str, sorted({ticked}))))",
    )  # fmt: skip
    keys = [*(str(n) for n in range(1, min(MOST_KEYS, len(options)) + 1)), "return"]
    return [keyboard(f"{name}_key", repr(keys), ends=False, store="all keys"), record, *buttons,
            _go_on(name, said, done, places[-1][1] - ROW)]  # fmt: skip


def _typed(
    task: Mapping[str, Any], name: str, said: Mapping[str, str], layout: Layout
) -> list[Component]:
    """A field of one line; Enter or Continue ends the question."""
    box = f"{name}_field"
    done = f"{box}.text.strip() != ''" if task["required"] else "True"
    field = Component("Textbox", box, {
        "text": "", "placeholder": "", "editable": True, "pos": f"(0, {layout.answers - 20:.0f})",
        "size": "(700, 60)", "letterHeight": 20, "font": FONT, "color": INK, "fillColor": PAPER,
        "borderColor": INK, "alignment": "center-left", "padding": 8, "stopVal": "",
    })  # fmt: skip
    record = code(
        f"{name}_code",
        each_frame=f"if '\\n' in {box}.text:\n"
        f"    {box}.text = {box}.text.replace('\\n', '')\n"
        f"    continueRoutine = not ({done})",
        end_routine=f"thisExp.addData('{name}{SAID}', {box}.text.strip()[:{task['max_length']}])",
    )
    return [field, record, _go_on(name, said, done, layout.answers - 90)]


def _go_on(name: str, said: Mapping[str, str], done: str, y: float) -> Component:
    """The button that ends a question which may be changed until then."""
    return Component("Button", f"{name}_done", {
        **_button(said["done"], (0, y, 300)), "color": "white", "fillColor": STRONG,
        "callback": f"continueRoutine = not ({done})", "forceEndRoutine": False, "save": "none",
    })  # fmt: skip


def _button(label: str, place: tuple[float, float, float]) -> dict[str, Any]:
    x, y, wide = place
    return {
        "text": words(label), "pos": f"({x:.0f}, {y:.0f})", "size": f"({wide:.0f}, 46)",
        "letterHeight": 17, "font": FONT, "bold": False, "color": INK, "fillColor": PAPER,
        "borderColor": INK, "borderWidth": 2, "stopVal": "", "oncePerClick": True,
    }  # fmt: skip


def rows_of_buttons(count: int, most: int, top: float) -> list[tuple[float, float, float]]:
    """Middle (x, y) and width of `count` buttons, at most `most` in a row, from `top` downwards."""
    rows = ceil(count / most)
    columns = ceil(count / rows)
    wide = min(220.0, 1100 / columns - 10)
    places = []
    for number in range(count):
        row, column = divmod(number, columns)
        here = min(columns, count - row * columns)
        places.append(((wide + 10) * (column - (here - 1) / 2), top - ROW * row, wide))
    return places

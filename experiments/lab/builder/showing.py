"""Stimuli as routines of Builder: the picture that stays, the sound and the video that play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.lab.builder.pages import page
from experiments.lab.builder.psyexp import Component, EachTrial, Loop, Routine, words
from experiments.lab.builder.questions import Layout, keyboard, text
from experiments.lab.builder.rows import EMPTY, FOLDER, NOTHING, media_row
from experiments.lab.player.records import Study

GAP_S = 0.3  # of empty ground between trials
GRACE_S = 0.5  # beyond its duration, after which a video counts as over


def examples(study: Study, layout: Layout) -> list[Any]:
    """The familiarisation: its page, and a loop over the examples."""
    groups = study.about["examples"]
    if not groups:
        return []
    media = [medium for group in groups for medium in group["media"]]
    rows = [media_row(study, medium) for medium in media]
    go_on = words(study.about["words"]["go_on"])
    example = Routine("example", (
        _picture("example", layout),
        text("example_name", EachTrial("$example_label.capitalize()"), layout.question, 26),
        text("example_hint", go_on, layout.answers, 18),
        keyboard("example_key", "['space', 'return']"),
    ))  # fmt: skip
    trials = [{"medium": medium["kind"]} for medium in media]
    steps = (gap(), *playing("example", trials, rows, layout), example)
    return [*page("examples", study.text("examples"), study),
            Loop("examples", steps, f"{FOLDER}/examples.csv")]  # fmt: skip


def gap() -> Routine:
    """Empty ground."""
    ground = text("gap_ground", " ", 0)
    return Routine("gap", (Component("Text", ground.name, {**ground.params, "stopVal": GAP_S}),))


def _picture(name: str, layout: Layout) -> Component:
    """What stays on the screen."""
    return Component("Image", f"{name}_picture", {
        "image": EachTrial("$shown_file"), "size": EachTrial("$(shown_width, shown_height)"),
        "pos": f"(0, {layout.stimulus:.0f})", "stopVal": "",
    })  # fmt: skip


def stays(
    name: str, trials: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]],
    layout: Layout,
) -> list[Component]:  # fmt: skip
    """What stands above a question: the picture, and an instruction."""
    own = []
    if any(row["shown_file"] != NOTHING for row in rows):
        own.append(_picture(name, layout))
    if any(trial["instruction"] for trial in trials):
        given = EachTrial(f"$'' if instruction == {EMPTY!r} else instruction")
        own.append(text(f"{name}_instruction", given, layout.instruction, 24))
    return own


def playing(
    where: str, trials: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]],
    layout: Layout,
) -> list[Any]:  # fmt: skip
    """What plays before the questions; in a loop of no or one time where some trials have none."""
    kinds = {trial["medium"] for trial in trials}
    steps: list[Any] = []
    for kind, routine in (("audio", _listen(rows, layout)), ("video", _watch(rows, layout))):
        if kinds == {kind}:
            steps.append(routine)
        elif kind in kinds:
            times = f"int(medium == {kind!r})"
            steps.append(Loop(f"{where}_if_{kind}", (routine,), times=times, rows=False))
    return steps


def _listen(rows: Sequence[Mapping[str, Any]], layout: Layout) -> Routine:
    sound = Component("Sound", "listen_sound", {
        "sound": EachTrial("$media_file"), "stopVal": "$seconds", "hamming": False,
        "syncScreenRefresh": True, "forceEndRoutine": True,
    })  # fmt: skip
    return Routine("listen", (_picture("listen", layout), sound))


def _watch(rows: Sequence[Mapping[str, Any]], layout: Layout) -> Routine:
    known = all(row["media_width"] for row in rows if row["medium"] == "video")
    size = "$(media_width, media_height)" if known else "$None"  # its own size
    video = Component("Movie", "watch_video", {
        "movie": EachTrial("$media_file"), "backend": "ffpyplayer", "forceEndRoutine": True,
        "size": EachTrial(size), "pos": f"(0, {layout.stimulus:.0f})",
        "stopVal": f"$seconds + {GRACE_S}",
    })  # fmt: skip
    return Routine("watch", (video,))

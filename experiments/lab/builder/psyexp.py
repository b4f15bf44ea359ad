"""The XML of a `.psyexp`: settings, routines made of components, and the flow with its loops.

Only what differs from Builder's own defaults is written; PsychoPy fills in the rest when it loads
the file. A word that begins with `$` is code; `words` protects words that only look so.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

VERSION = "2026.2.5"  # of PsychoPy: the files are tested with it
LISTS = ("pos", "size", "ticks", "labels", "allowedKeys", "Window size (pixels)")
NUMBERS = ("letterHeight", "wrapWidth", "granularity", "borderWidth", "padding", "opacity",
           "lineSpacing")  # fmt: skip
COLOURS = ("color", "fillColor", "borderColor")
CODE = ("name", "startVal", "stopVal", "skipIf", "Data filename", "Experiment info", "nReps",
        "endPoints")  # fmt: skip
LONG_CODE = ("Begin Experiment", "Begin Routine", "Each Frame", "End Routine", "callback")
FILES = ("image", "movie", "conditionsFile")


class EachTrial(str):
    """Code that is evaluated whenever the routine begins."""

    __slots__ = ()


class EachFrame(str):
    """Code that is evaluated with every frame."""

    __slots__ = ()


def words(text: str) -> str:
    """Words as they are, whatever signs they hold."""
    return text.replace("$", "\\$")


@dataclass(frozen=True)
class Component:
    """One component; `kind` as Builder calls it, such as Slider."""

    kind: str
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Routine:
    """One routine. `skip`: code that says when it is left out; empty: never."""

    name: str
    components: tuple[Component, ...]
    skip: str = ""


@dataclass(frozen=True)
class Loop:
    """A loop over the rows of `conditions`, or `times` (code) over nothing; rows are in order."""

    name: str
    steps: tuple[Any, ...]  # routines and loops
    conditions: str = ""
    times: str = "1"
    rows: bool = True  # whether each time is a row of the data


@dataclass
class Experiment:
    """What Builder opens."""

    settings: Mapping[str, Any]
    steps: list[Any] = field(default_factory=list)  # routines and loops

    def xml(self) -> bytes:
        """The file."""
        root = ET.Element("PsychoPy2experiment", encoding="utf-8", version=VERSION)
        _params(ET.SubElement(root, "Settings"), self.settings)
        routines = ET.SubElement(root, "Routines")
        for routine in {one.name: one for one in _routines(self.steps)}.values():
            _add_routine(routines, routine)
        _add_flow(ET.SubElement(root, "Flow"), self.steps)
        ET.indent(root)
        return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _routines(steps: Iterable[Any]) -> Iterable[Routine]:
    for step in steps:
        if isinstance(step, Loop):
            yield from _routines(step.steps)
        else:
            yield step


def _add_routine(routines: ET.Element, routine: Routine) -> None:
    node = ET.SubElement(routines, "Routine", name=routine.name)
    about = ET.SubElement(node, "RoutineSettingsComponent", name=routine.name)
    _params(about, {"name": routine.name, "skipIf": routine.skip})
    for component in routine.components:
        own = ET.SubElement(node, f"{component.kind}Component", name=component.name)
        _params(own, {"name": component.name, **component.params})


def _add_flow(flow: ET.Element, steps: Iterable[Any]) -> None:
    for step in steps:
        if isinstance(step, Routine):
            ET.SubElement(flow, "Routine", name=step.name)
            continue
        begin = ET.SubElement(flow, "LoopInitiator", loopType="TrialHandler", name=step.name)
        _params(begin, {
            "name": step.name, "conditions": "[]", "conditionsFile": step.conditions,
            "Selected rows": "", "loopType": "sequential", "nReps": step.times,
            "isTrials": step.rows,
        })  # fmt: skip
        _add_flow(flow, step.steps)
        ET.SubElement(flow, "LoopTerminator", name=step.name)


def _params(node: ET.Element, params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        own = ET.SubElement(node, "Param", name=name, val=str(value), valType=_kind(name, value))
        if isinstance(value, EachTrial):
            own.set("updates", "set every repeat")
        elif isinstance(value, EachFrame):
            own.set("updates", "set every frame")


def _kind(name: str, value: Any) -> str:
    """PsychoPy's word for the kind of a parameter."""
    if isinstance(value, bool):
        return "bool"
    kinds = {"list": LISTS, "num": NUMBERS, "color": COLOURS, "code": CODE,
             "extendedCode": LONG_CODE, "file": FILES}  # fmt: skip
    return next((kind for kind, names in kinds.items() if name in names), "str")

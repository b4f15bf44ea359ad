"""YAML in, protocol out, safely: no tags, no aliases, bounded size, every problem with its line."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from protocols.errors import UserError
from protocols.protocol import Protocol
from protocols.section import Section, nearest
from protocols.tasks import TYPES

LARGEST = 1_000_000  # bytes of a protocol file
DEEPEST = 40  # nested levels
MOST_NODES = 100_000
PLAIN = {f"tag:yaml.org,2002:{t}" for t in ("str", "int", "float", "bool", "null", "seq", "map")}
Place = tuple[str | int, ...]


class ProtocolError(UserError):
    """A file that is no valid protocol; the message has one line for each problem."""


@dataclass(frozen=True)
class Document:
    """Plain data and where each part of it stands: place -> (line, column), both from 1."""

    path: Path
    data: Any
    lines: dict[Place, tuple[int, int]]

    def where(self, place: Place) -> str:
        """`file:line:column: part.of.the.protocol` of the nearest part that is in the file."""
        at = place
        while at and at not in self.lines:
            at = at[:-1]
        line, column = self.lines.get(at, (1, 1))
        dotted = ".".join(str(p) for p in place)
        return f"{self.path}:{line}:{column}: {dotted}" if dotted else f"{self.path}:{line}"


def load(path: Path | str, overrides: dict[str, Any] | None = None) -> Protocol:
    """The protocol in the file `path`.

    Args:
        path: a YAML file.
        overrides: dotted key -> value put in place of the file's, such as
            `{"stimuli.generator": "actor"}`.

    Raises:
        ProtocolError: the file cannot be read, is no YAML, or is no valid protocol.
    """
    path = Path(path)
    document = read_yaml(path)
    for key, value in (overrides or {}).items():
        _put(document, key, value)
    return validate(document)


def validate(document: Document) -> Protocol:
    """The protocol in `document`; raises ProtocolError with one line for each problem."""
    if not isinstance(document.data, dict):
        raise ProtocolError(
            f"{document.path}:1: found {_kind(document.data)}; a protocol is a mapping that starts "
            "with name: and title:"
        )
    try:
        return Protocol.model_validate(
            document.data, context={"folder": document.path.parent.resolve()}
        )
    except ValidationError as error:
        raise ProtocolError("\n".join(problems_of(error, document))) from None


def read_yaml(path: Path) -> Document:
    """Plain data of a YAML 1.2 file (`no` is a word), without tags, aliases or repeated keys."""
    text = _text(path)
    yaml = YAML(typ="safe", pure=True)
    try:
        _refuse_bombs(yaml, text, path)
        root = YAML(typ="safe", pure=True).compose(text)
        lines: dict[Place, tuple[int, int]] = {}
        return Document(path, None if root is None else _plain(root, (), lines, path), lines)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ProtocolError(f"{path}{line}: not YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ProtocolError):
            raise
        raise ProtocolError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None


def _text(path: Path) -> str:
    if not path.exists():
        raise ProtocolError(f"{path}: no such file")
    if not path.is_file():
        raise ProtocolError(f"{path}: is a folder; name the protocol's YAML file")
    size = path.stat().st_size
    if size > LARGEST:
        raise ProtocolError(f"{path}: {size} bytes; a protocol has {LARGEST} at most")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None


def _refuse_bombs(yaml: YAML, text: str, path: Path) -> None:
    """Aliases, tags, depth and number of nodes are checked on the event stream, before any tree."""
    depth = nodes = 0
    for event in yaml.parse(text):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, AliasEvent):
            raise ProtocolError(f"{path}:{line}: found the alias *{event.anchor}; write it out")
        if isinstance(event, NodeEvent):
            nodes += 1
            tag = getattr(event, "tag", None)
            if tag is not None and str(tag) not in PLAIN:
                raise ProtocolError(f"{path}:{line}: found the tag {tag}; a protocol has none")
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEEPEST:
            raise ProtocolError(f"{path}:{line}: nested deeper than {DEEPEST} levels")
        if nodes > MOST_NODES:
            raise ProtocolError(f"{path}:{line}: more than {MOST_NODES} entries")


def _plain(node: Node, place: Place, lines: dict[Place, tuple[int, int]], path: Path) -> Any:
    lines.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, ScalarNode):
        constructor = YAML(typ="safe", pure=True).constructor
        return constructor.construct_object(node)
    if isinstance(node, SequenceNode):
        return [_plain(child, (*place, i), lines, path) for i, child in enumerate(node.value)]
    assert isinstance(node, MappingNode)
    data: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise ProtocolError(f"{path}:{line}: a key must be a word")
        key = _plain(key_node, (*place, "?"), {}, path)
        if key in data:
            raise ProtocolError(f"{path}:{line}: the key '{key}' stands twice; keep one")
        lines[(*place, key)] = (line, key_node.start_mark.column + 1)
        data[key] = _plain(value_node, (*place, key), lines, path)
    return data


def _put(document: Document, key: str, value: Any) -> None:
    *parents, last = key.split(".")
    data = document.data
    for parent in parents:
        if not isinstance(data, dict):
            return
        data = data.setdefault(parent, {})
    if isinstance(data, dict):
        data[last] = value


def problems_of(error: ValidationError, document: Document) -> list[str]:
    """One line for each problem, worded by type of problem."""
    lines = []
    for problem in error.errors(include_url=False):
        context = problem.get("ctx", {})
        place = _place(problem["loc"], document.data, problem["type"] == "missing")
        place += tuple(context.get("at", ()))
        if problem["type"] == "unknown_key":
            where = document.where((*place, context["key"]))
            lines.append(f"{where}: {problem['msg']}")
        else:
            lines.append(f"{document.where(place)}: {_words(problem)}".replace(": : ", ": "))
    return list(dict.fromkeys(lines))


def _place(loc: tuple[Any, ...], data: Any, missing: bool) -> Place:
    """`loc` without the names that pydantic adds for the members of a union.

    `missing`: the last part is a key that should be there.
    """
    place: list[int | str] = []
    for i, part in enumerate(loc):
        if _has(data, part):
            place.append(part)
            data = data[part]
        elif missing and i == len(loc) - 1:
            place.append(part)
    return tuple(place)


def _has(data: Any, part: int | str) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def _words(problem: Any) -> str:
    kind, context, found = problem["type"], problem.get("ctx", {}), problem.get("input")
    if kind == "missing":
        return "this key is missing; add it"
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        words = expected.replace(" or ", ", ").split(", ")
        return f"found {found!r}; accepted: {expected}{nearest(found, words)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag_words(problem)
    if kind in ("mien", "unknown_key"):
        return problem["msg"]
    if kind in ("tuple_type", "list_type"):
        return f"found {_short(found)}; accepted: a list, such as [first, second]"
    message = problem["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"found {_short(found)}; accepted: {message}"


def _tag_words(problem: Any) -> str:
    context, found = problem["ctx"], problem["input"]
    key = str(context["discriminator"]).strip("'")
    expected = str(context.get("expected_tags", "")).replace("'", "")
    if problem["type"] == "union_tag_not_found":
        known = ", ".join(TYPES)
        if key == "rule":
            known = "answer, incomplete, attention, repeats, too-fast, same-answer"
        if key == "kind":
            known = "dynamic, talking"
        if not isinstance(found, dict):
            return f"found {_short(found)}; accepted: a mapping with {key}: one of {known}"
        return f"the key {key} is missing; accepted: {known}"
    return (
        f"{key}: found {context['tag']!r}; accepted: {expected}"
        f"{nearest(context['tag'], expected.split(', '))}"
    )


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{_kind(found)} {text[:50]}…"


def _kind(found: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing", bool: "yes/no"}
    return names.get(type(found), type(found).__name__)


def dump(protocol: Section) -> str:
    """YAML of a protocol with every default written out, in the order of the format."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[attr-defined]
    yaml.width = 100
    out = StringIO()
    yaml.dump(protocol.model_dump(mode="json", by_alias=True), out)
    return out.getvalue()

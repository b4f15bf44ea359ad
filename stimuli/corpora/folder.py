"""Own material in a folder: a small YAML mapping says what its file names mean.

Named groups of `pattern` are columns of the table of clips; a second table may add what is known of
each actor. Files of the same clip (a video and its sound) become one clip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from protocols.licences import Licence
from protocols.patterns import check_pattern
from protocols.reading import ProtocolError, problems_of, read_yaml
from protocols.section import Name, Section, Words, fail, one_of
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.media_header import IMAGES, SOUNDS
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree, suffix

COLUMNS = ("clip", "actor", "gender", "age", "origin", "emotion", "intensity", "valence",
           "arousal", "sentence", "channel", "take", "view", "attributes", "partition")  # fmt: skip
NUMBERS = ("age", "valence", "arousal", "take")
VERSION = "1"


class ActorTable(Section):
    """A table that adds columns.

    Attributes:
        file: below the folder.
        key: our column or group -> the column of the table that it is looked up in.
        columns: our column -> theirs.
        separator: between columns.
    """

    file: Words
    key: dict[str, str] = Field(min_length=1, max_length=1)
    columns: dict[str, str] = Field(min_length=1)
    separator: Literal[",", ";", "\t"] = ","

    @field_validator("columns")
    @classmethod
    def _ours(cls, columns: dict[str, str]) -> dict[str, str]:
        for name in columns:
            one_of(name, COLUMNS, "column", name)
        return columns


class FolderMapping(Section):
    """What the files of a folder are.

    Attributes:
        name: of the corpus.
        licence: what one may do with it, in a word such as CC-BY-4.0.
        may_be_shown: whether participants may see and hear it on the web.
        terms, cite: what the licence asks for; whom to cite.
        files: patterns such as `*.jpg`; other files are passed over. Left out: all media.
        pattern: regular expression that the name of a file matches as a whole, without its ending;
            one with a `/` matches the path below the folder.
        clip: columns that make the name of a clip; left out: the path.
        values: column or group -> their word -> ours; other words are problems.
        constants: column -> what is so in every clip.
        table: adds columns.
    """

    name: Name
    licence: Words
    may_be_shown: bool
    terms: str = ""
    cite: str = ""
    files: tuple[str, ...] = ()
    pattern: str
    clip: tuple[str, ...] = ()
    values: dict[str, dict[str, str | int | float]] = {}
    constants: dict[str, str | int | float] = {}
    table: ActorTable | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        return check_pattern(pattern)

    @model_validator(mode="after")
    def _columns_are_known(self) -> FolderMapping:
        groups = tuple(re.compile(self.pattern).groupindex)
        looked_up = tuple(self.table.key) if self.table else ()
        for group in groups:
            one_of(group, (*COLUMNS, *looked_up), "column of clips", "pattern")
        for name in self.constants:
            one_of(name, COLUMNS, "column of clips", "constants", name)
        added = (*groups, *self.constants, *(self.table.columns if self.table else ()))
        for name in (*self.values, *self.clip, *looked_up):
            if name not in added:
                raise fail(f"'{name}' comes from nowhere; there are: {', '.join(added)}")
        return self


def folder_adapter(mapping: FolderMapping) -> Adapter:
    """The adapter of own material."""
    licence = Licence(mapping.licence, mapping.may_be_shown, mapping.terms, mapping.cite)
    return Adapter(
        mapping.name, VERSION, licence, f"a name that matches {mapping.pattern}",
        lambda tree: _read(mapping, tree), settings=mapping.model_dump(mode="json"), kind="folder",
    )  # fmt: skip


def load_folder_mapping(path: Path) -> FolderMapping:
    """The mapping in a YAML file.

    Raises:
        ProtocolError: no such file, no YAML, or no mapping; one line for each problem.
    """
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise ProtocolError(f"{path}:1: a mapping starts with name:, licence: and pattern:")
    try:
        return FolderMapping.model_validate(document.data)
    except ValidationError as error:
        raise ProtocolError("\n".join(problems_of(error, document))) from None


def _read(mapping: FolderMapping, tree: Tree) -> list[Clip]:
    """Clips from the names of the files, and from the table."""
    known = _looked_up(mapping, tree)
    said: dict[str, dict[str, Any]] = {}
    files: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in tree.media():
        if mapping.files and not any(PurePosixPath(path).match(glob) for glob in mapping.files):
            continue
        columns = _columns(path, mapping, known, tree)
        if columns is None:
            continue
        name = columns.pop("clip", None) or _name(path, columns, mapping)
        before = said.setdefault(name, columns)
        medium = _medium(path)
        if before != columns:
            other = next(iter(files[name].values()))[0]
            tree.problems.add("conflict", path, f"the clip {name} is something else in {other}")
            continue
        if files[name][medium]:
            other = files[name][medium][0]
            tree.problems.add("duplicate", path, f"the clip {name} is also {other}, which is used")
        files[name][medium].append(path)
    keep = set(COLUMNS) - {"clip"}
    return [
        Clip(clip=name, **{c: v for c, v in columns.items() if c in keep}, **_media(files[name]))
        for name, columns in said.items()
    ]


def _media(files: dict[str, list[str]]) -> dict[str, Any]:
    return {medium: paths for medium, paths in files.items() if paths}


def _medium(path: str) -> str:
    if suffix(path) in IMAGES:
        return "image"
    return "audio" if suffix(path) in SOUNDS else "video"


def _name(path: str, columns: dict[str, Any], mapping: FolderMapping) -> str:
    if mapping.clip:
        return "-".join(str(columns.get(column)) for column in mapping.clip)
    return PurePosixPath(path).with_suffix("").as_posix().replace("/", "-")


def _columns(
    path: str, mapping: FolderMapping, known: dict[str, dict[str, str]], tree: Tree
) -> dict[str, Any] | None:
    """Every column of a file's clip, or None and a problem."""
    whole = PurePosixPath(path).with_suffix("")
    found = re.fullmatch(mapping.pattern, str(whole) if "/" in mapping.pattern else whole.name)
    if found is None:
        tree.problems.add("name", path, "does not match the pattern of the mapping")
        return None
    columns: dict[str, Any] = dict(mapping.constants)
    columns |= {name: word for name, word in found.groupdict().items() if word is not None}
    if mapping.table is not None:
        (ours,) = mapping.table.key
        word = str(columns.get(ours, ""))
        if known and word not in known:
            tree.problems.add("label", path, f"{ours} '{word}' is not in {mapping.table.file}")
        columns |= known.get(word, {})
    for column, words in mapping.values.items():
        if column in columns and str(columns[column]) not in words:
            tree.problems.add(
                "code", path, f"{column} '{columns[column]}'; accepted: {some(words, 12)}"
            )
            return None
        if column in columns:
            columns[column] = words[str(columns[column])]
    for column in NUMBERS:
        if column in columns:
            columns[column] = _number(column, columns[column], path, tree)
    return {name: value if name in NUMBERS else str(value) for name, value in columns.items()}


def _number(column: str, value: Any, path: str, tree: Tree) -> float | int | None:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    whole = column == "take"
    if number != number or abs(number) == float("inf") or (whole and number % 1):
        tree.problems.add("label", path, f"{column} '{value}'; accepted: a number")
        return None
    return int(number) if whole else number


def _looked_up(mapping: FolderMapping, tree: Tree) -> dict[str, dict[str, str]]:
    """Word of the key -> our column -> word of the table."""
    if mapping.table is None:
        return {}
    spec = mapping.table
    if spec.file not in tree.sizes:
        tree.problems.add("table", spec.file, "not there: its columns stay empty")
        return {}
    ((_, theirs),) = spec.key.items()
    table = tree.table(spec.file, (theirs, *spec.columns.values()), spec.separator)
    if table is None:
        return {}
    rows: dict[str, dict[str, str]] = {}
    for line, row in table.iterrows():
        word = str(row[theirs]).strip()
        if word in rows:
            tree.problems.add("label", f"{spec.file}:{line}", f"'{word}' stands twice")
            continue
        cells = {ours: str(row[column]).strip() for ours, column in spec.columns.items()}
        rows[word] = {ours: cell for ours, cell in cells.items() if cell}
    return rows

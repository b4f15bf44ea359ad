"""How the columns of a foreign table become those of `ratings.csv`: a small YAML file, strict.

Three layouts: `ratings`, a long table with one row per answer; `wide`, one row per stimulus with a
column per task (a model's predictions, a trial of PsychoPy); `votes`, one row per stimulus with a
column per option that counts who chose it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from experiments.errors import StudyError
from protocols.patterns import check_pattern
from protocols.reading import problems_of, read_yaml
from protocols.section import Section, accepted, fail, nearest

SHIPPED = Path(__file__).parent / "mappings"
FILLED = "filled"


class Answered(Section):
    """Where one task's answers stand in a wide table; `rt`: their response times."""

    answer: str
    rt: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_one_name(cls, data: Any) -> Any:
        return {"answer": data} if isinstance(data, str) else data


def _some_rows(value: Any) -> Any:
    if value == FILLED or isinstance(value, list | tuple):
        return value
    raise fail(f"found {value!r}; accepted: {FILLED}, or a list of words such as [{value}]")


Rows = Annotated[Literal["filled"] | tuple[str, ...], BeforeValidator(_some_rows)]


class Mapping(Section):
    """From their columns to ours. `column.key` names what stands within a cell of JSON.

    Attributes:
        layout: of the file; left out, a table with the column `response` or `label` is `ratings`.
        separator: between columns.
        encoding: of the file's text.
        missing: what stands in an empty cell.
        rows: their column -> what it holds in rows with answers, or `filled`; others are left out.
        ignore: their columns that are called as ours are, and mean something else.
        times: unit of their times; ours are milliseconds.
        columns: our column -> theirs, or several that are joined with `-`. A column of the same
            name needs no entry.
        patterns: their column -> regular expression that its cells match as a whole; its named
            groups are columns too.
        constants: our column -> what stands in every row.
        values: our column -> their word -> ours.
        options: votes only: their column -> option that it counts.
        tasks: wide only: task -> their column, or two: of the answer, and of its response time.
        rescale: task -> their two ends of its scale, such as [-1, 1].
    """

    layout: Literal["ratings", "wide", "votes"] | None = None
    separator: Literal[",", ";", "\t"] = ","
    encoding: Literal["utf-8", "latin-1", "cp1252", "utf-16"] = "utf-8"
    missing: tuple[str, ...] = ("NA", "null")
    rows: dict[str, Rows] = {}
    ignore: tuple[str, ...] = ()
    times: Literal["ms", "s"] = "ms"
    columns: dict[str, str | tuple[str, ...]] = {}
    patterns: dict[str, str] = {}
    constants: dict[str, str | int | float] = {}
    values: dict[str, dict[str, str | int | float]] = {}
    options: dict[str, str] = {}
    tasks: dict[str, Answered] = {}
    rescale: dict[str, tuple[float, float]] = Field(default={})

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: dict[str, str]) -> dict[str, str]:
        for column, pattern in patterns.items():
            check_pattern(pattern, column)
        return patterns

    @field_validator("rescale")
    @classmethod
    def _two_ends(cls, scales: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for task, (low, high) in scales.items():
            if not low < high:
                raise fail(f"found [{low:g}, {high:g}]; accepted: the lower end first", task)
        return scales

    @model_validator(mode="after")
    def _belongs_to_its_layout(self) -> Mapping:
        if bool(self.options) != (self.layout == "votes"):
            raise fail("options belongs to layout: votes, and votes need it", "options")
        if self.tasks and self.layout != "wide":
            raise fail("tasks belongs to layout: wide", "tasks")
        return self

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse columns that are none of ours; `names` are."""
        names = sorted(names)
        groups = {g: ("patterns", column) for column, pattern in self.patterns.items()
                  for g in re.compile(pattern).groupindex}  # fmt: skip
        given = {name: (part, name) for part in ("columns", "constants", "values")
                 for name in getattr(self, part)}  # fmt: skip
        for name, (part, _) in given.items():
            if name not in (*names, *groups):
                raise StudyError(
                    f"the mapping's {part}: unknown column '{name}'; {accepted(names)}"
                    f"{nearest(name, names)}"
                )


def load_mapping(name: Path | str) -> Mapping:
    """The mapping in the file `name`, or the one of that name that mien brings.

    Raises:
        ProtocolError, StudyError: no such file, or it is not a mapping; one line per problem.
    """
    path = Path(name)
    shipped = sorted(file.stem for file in SHIPPED.glob("*.yaml"))
    if not path.exists() and str(name) in shipped:
        path = SHIPPED / f"{name}.yaml"
    if not path.exists():
        raise StudyError(
            f"{name}: no such file, nor a mapping that mien brings ({', '.join(shipped)})"
            f"{nearest(name, shipped)}"
        )
    document = read_yaml(path)
    try:
        return Mapping.model_validate(document.data)
    except ValidationError as error:
        raise StudyError("\n".join(problems_of(error, document))) from None

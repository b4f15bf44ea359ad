"""Who is shown in a study, and how many of them in each cell of its design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.congruence import CONGRUENCE, LEVELS
from protocols.section import Section, fail, one_of


class Identities(Section):
    """Who is shown. `pick` is a number (the first of the corpus) or a list of names.

    `per_cell` by level of the factor congruence: {congruent: 5, incongruent: 1}.
    """

    pick: int | tuple[str, ...] = Field(default=24)
    per_cell: int | Literal["all"] | dict[str, int] = "all"

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        """`identities: 24` and `identities: ["01", "07"]` mean `{pick: …}`."""
        return data if isinstance(data, dict) else {"pick": data}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """The shorthand too, so that editors accept `identities: 24`."""
        mapping = handler.resolve_ref_schema(handler(core))
        shorthand = mapping["properties"]["pick"]["anyOf"]
        return {"anyOf": [*shorthand, mapping], "title": "Identities"}

    @field_validator("pick", mode="before")
    @classmethod
    def _a_number_or_names(cls, pick: Any) -> Any:
        if isinstance(pick, bool) or not isinstance(pick, int | list | tuple):
            raise fail(f"found {pick!r}; accepted: a number, or a list of names such as ['01']")
        if isinstance(pick, int) and not 1 <= pick <= 10_000:
            raise fail(f"found {pick}; accepted: 1 to 10000 identities")
        if isinstance(pick, list | tuple):
            wrong = next((p for p in pick if not isinstance(p, str)), None)
            if wrong is not None:
                raise fail(f"found {wrong!r}; names of identities are words: write '{wrong}'")
            if not pick or len(set(pick)) != len(pick):
                raise fail(f"found {list(pick)}; accepted: different names, one or more")
        return pick

    @property
    def count(self) -> int:
        """Number of identities."""
        return self.pick if isinstance(self.pick, int) else len(self.pick)

    @model_validator(mode="after")
    def _enough_for_a_cell(self) -> Identities:
        counts = self.per_cell if isinstance(self.per_cell, dict) else {None: self.per_cell}
        for level, count in counts.items():
            at = ("per_cell",) if level is None else ("per_cell", level)
            if level is not None:
                one_of(level, LEVELS, "level of congruence", *at)
            if count != "all" and not 1 <= int(count) <= self.count:
                raise fail(
                    f"found {count}; accepted: 1 to {self.count} (the number of identities), "
                    "or all",
                    *at,
                )
        return self

    def shown_in(self, cell: Mapping[str, Any]) -> int:
        """How many identities appear in a cell."""
        if isinstance(self.per_cell, dict):
            return self.per_cell[str(cell[CONGRUENCE])]
        return self.count if self.per_cell == "all" else int(self.per_cell)

"""Who sees what, and in which order.

Three ways to share the conditions among participants, which may be combined; the number of
*lists* is the product of what they make:

- `between`: each participant sees one level of these factors;
- `rotate`: each participant sees every level, but each *identity* in one level only; over the
  lists, each identity appears in each level (complementary lists, a Latin square);
- `split`: the items are dealt into so many lists, levels of `balance` equally often in each.

Every other factor is within participants. A *slot* is the place of one participant: a list and an
order of its own.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from protocols.section import Markdown, Name, Section, Words, fail


class Split(Section):
    """Deal the items into `into` lists, with the levels of `balance` equally often in each."""

    into: int = Field(ge=2, le=500)
    balance: tuple[str, ...] = ()


class Blocks(Section):
    """Trials grouped by the level of one factor, or in `count` equal parts.

    `order` of the blocks over slots: williams (a Latin square in which each block follows each
    other block equally often; Williams 1949; the default of blocks by a factor), random, or
    as-listed. Without an order, `count` cuts each slot's own order, so that a part holds other
    trials for everybody. With one, the parts are fixed: everybody with the same list has the same
    trials in a part, levels and identities spread evenly over parts (as listed: cut from the list).
    """

    by: str | None = None
    count: int | None = Field(default=None, ge=2, le=100)
    order: Literal["williams", "random", "as-listed"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _factors_in_a_square(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("by") is not None and data.get("order") is None:
            return {**data, "order": "williams"}
        return data

    @model_validator(mode="after")
    def _one_way(self) -> Blocks:
        if (self.by is None) == (self.count is None):
            raise fail("accepted: either by: FACTOR or count: NUMBER, one of the two")
        return self


class Order(Section):
    """Order of the trials: random within each slot, or as listed, under constraints.

    Attributes:
        method: random, or as-listed (the order of the manifest).
        max_run: factor (or identity) -> at most so many trials of one level in a row.
        min_distance: factor (or identity) -> at least so many trials from one to the next of
            the same level; 2 means never twice in a row.
        blocks: blocks of trials.
    """

    method: Literal["random", "as-listed"] = "random"
    max_run: dict[str, int] = {}
    min_distance: dict[str, int] = {}
    blocks: Blocks | None = None

    @field_validator("max_run", "min_distance")
    @classmethod
    def _positive(cls, rule: dict[str, int]) -> dict[str, int]:
        for name, value in rule.items():
            if not 1 <= value <= 1000:
                raise fail(f"found {value}; accepted: 1 to 1000 trials", name)
        return rule


class Repeats(Section):
    """Stimuli shown twice, to see whether answers are consistent (Eskimez et al. 2021, IV-D).

    `count` stimuli of each list, or `count` for each level of `per`; the second showing comes at
    least `min_distance` trials after the first.
    """

    count: int = Field(ge=1, le=1000)
    per: str | None = None
    min_distance: int = Field(default=5, ge=1, le=1000)


class Practice(Section):
    """Practice trials before the first rating, with identities that the study does not use."""

    trials: int = Field(default=4, ge=1, le=50)


class AttentionCheck(Section):
    """A trial that tells which answer to give: "please press 2". `answer` is 1-based."""

    id: Name
    text: Words
    task: Name
    answer: int = Field(ge=1, le=30)


class Breaks(Section):
    """A pause after every `every` trials."""

    every: int = Field(ge=1, le=10_000)
    text: Markdown = "Take a short break. Go on when you are ready."


class Design(Section):
    """How conditions are shared among participants, and the order of trials."""

    between: tuple[str, ...] = ()
    rotate: tuple[str, ...] = ()
    split: Split | None = None
    order: Order = Order()
    repeats: Repeats | None = None
    practice: Practice | None = None
    attention: tuple[AttentionCheck, ...] = ()
    breaks: Breaks | None = None

    @model_validator(mode="after")
    def _each_factor_once(self) -> Design:
        both = set(self.between) & set(self.rotate)
        if both:
            raise fail(f"'{min(both)}' stands in between and in rotate; choose one")
        for name in ("between", "rotate"):
            factors = getattr(self, name)
            if len(set(factors)) != len(factors):
                raise fail("a factor stands twice", name)
        ids = [check.id for check in self.attention]
        if len(set(ids)) != len(ids):
            raise fail("two checks share an id; give each its own", "attention")
        return self

    def factors_named(self) -> dict[tuple[str, ...], list[str]]:
        """Where in the design each factor (or `identity`) is named: place -> names."""
        blocks = self.order.blocks
        return {
            ("between",): list(self.between),
            ("rotate",): list(self.rotate),
            ("split", "balance"): list(self.split.balance) if self.split else [],
            ("order", "max_run"): list(self.order.max_run),
            ("order", "min_distance"): list(self.order.min_distance),
            ("order", "blocks", "by"): [blocks.by] if blocks and blocks.by else [],
            ("repeats", "per"): [self.repeats.per] if self.repeats and self.repeats.per else [],
        }

"""Which stimuli a study needs: one for each identity and cell, before any pixel is drawn.

An id is letters and digits only, as BIDS labels are: `A01EmotionHappyM025` is identity 01, emotion
happy, m = 0.25. Numbers stand in hundredths, three digits at least (0.25 is 025, 1.5 is 150), with
`N` for a minus sign (-0.67 is N067). A number with more than two decimals is written out, with `P`
for the point (0.333 is 0P333), so that no two numbers share a name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from protocols.conditions import Level
from protocols.congruence import CONGRUENCE, congruence_of
from protocols.protocol import Protocol
from protocols.wear import GROWN
from stimuli.corpora import Identity
from stimuli.deal import Feature, deal, even_rooms
from stimuli.errors import PlanError
from stimuli.seeds import generator_of, seed_of

Cell = Mapping[str, Level]
WIDTH = 3  # digits at least of a number in hundredths


@dataclass(frozen=True)
class Stimulus:
    """One stimulus and what decides about it.

    Attributes:
        id: letters and digits; also the file's stem.
        role: main, practice, or example (of a familiarisation).
        identity: who is shown.
        levels: factor -> level.
        seed: from the protocol's seed and the id.
    """

    id: str
    role: str
    identity: str
    levels: Cell
    seed: int


def plan_stimuli(protocol: Protocol, identities: Sequence[Identity]) -> list[Stimulus]:
    """Every stimulus of a protocol: main ones by identity, then practice, then examples.

    Args:
        protocol: the study.
        identities: the corpus, those of the main study first (`corpora.identities_of`).

    Raises:
        PlanError: too few identities are left for practice and examples, or two stimuli would
            have the same name.
    """
    main, others = _share_out(protocol, _who_may_wear(protocol, identities))
    stimuli = [*_main(protocol, main), *_unrated(protocol, others)]
    _refuse_equal_names(stimuli)
    return stimuli


def stimulus_id(identity: str, levels: Cell) -> str:
    """Name of a stimulus: letters and digits only; congruence follows from other factors."""
    named = {factor: level for factor, level in levels.items() if factor != CONGRUENCE}
    parts = [f"A{identity}", *(f"{factor} {_word(level)}" for factor, level in named.items())]
    return "".join(_camel(part) for part in parts)


def without_modality(stimulus: Stimulus) -> tuple[object, ...]:
    """What stimuli have in common that differ in modality alone: identity and all other levels."""
    levels = ((name, level) for name, level in stimulus.levels.items() if name != "modality")
    return (stimulus.identity, *levels)


def _camel(part: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+", part)
    return "".join(word[:1].upper() + word[1:] for word in words)


def _word(level: Level) -> str:
    if isinstance(level, str):
        return level
    number = Decimal(str(level))
    hundredths = abs(number) * 100
    sign = "N" if number < 0 else ""
    if hundredths == int(hundredths):
        return sign + f"{int(hundredths):0{WIDTH}d}"
    return sign + f"{abs(number):f}".replace(".", "P")


def _stimulus(protocol: Protocol, role: str, who: Identity, cell: Cell) -> Stimulus:
    name = stimulus_id(who.id, cell)
    return Stimulus(name, role, who.id, dict(cell), seed_of(protocol.seed, name))


def _refuse_equal_names(stimuli: Sequence[Stimulus]) -> None:
    """Names must differ even where a file system ignores upper and lower case."""
    count = Counter(stimulus.id.lower() for stimulus in stimuli)
    twice = next((s for s in stimuli if count[s.id.lower()] > 1), None)
    if twice is not None:
        raise PlanError(
            f"stimuli.factors: two stimuli would be called {twice.id}; make the levels of "
            f"{', '.join(twice.levels)} differ in letters (a-z) or digits"
        )


def _who_may_wear(protocol: Protocol, identities: Sequence[Identity]) -> Sequence[Identity]:
    """The identities without women for practice and examples, where a beard is worn."""
    worn, count = protocol.stimuli.wear, protocol.stimuli.identities.count
    if worn is None or worn.beard not in GROWN:
        return identities
    women = [who.id for who in identities[:count] if who.gender == "female"]
    men = [who.id for who in identities if who.gender != "female"]
    if women:
        raise PlanError(
            f"stimuli.wear.beard: {worn.beard} asked for {', '.join(women[:3])}"
            f"{' …' if len(women) > 3 else ''}, women; beards are for men: name men in "
            f"stimuli.identities, such as {men[:count]}"
        )
    return [*identities[:count], *(who for who in identities[count:] if who.gender != "female")]


def _share_out(
    protocol: Protocol, identities: Sequence[Identity]
) -> tuple[list[Identity], list[Identity]]:
    """Identities of the main study, and those that practice and examples may use."""
    count = protocol.stimuli.identities.count
    main, others = list(identities[:count]), list(identities[count:])
    practice, page = protocol.design.practice, protocol.pages.familiarisation
    if not others and (practice or page):
        places = [name for name, there in (("design.practice", practice),
                                           ("pages.familiarisation", page)) if there]  # fmt: skip
        most = _most_identities(protocol, identities)
        advice = f"use {most} identities at most, or " if most else ""
        raise PlanError(
            f"{places[0]}: shows identities that the ratings do not use, but the study uses all "
            f"{count} of the {protocol.stimuli.people_from}; {advice}leave out "
            f"{' and '.join(places)}"
        )
    return main, others


def _most_identities(protocol: Protocol, identities: Sequence[Identity]) -> int:
    """The largest number that leaves enough of the corpus, and that rotation can share; or 0."""
    levels = math.prod(len(protocol.stimuli.factors[name]) for name in protocol.design.rotate)
    for count in range(len(identities) // levels * levels, 0, -levels):
        try:
            _unrated(protocol, identities[count:])
        except PlanError:
            continue
        return count
    return 0


def _unrated(protocol: Protocol, others: Sequence[Identity]) -> list[Stimulus]:
    """Practice stimuli and examples, none of them twice."""
    examples = _examples(protocol, others)
    return [*_practice(protocol, others, {stimulus.id for stimulus in examples}), *examples]


def _main(protocol: Protocol, main: Sequence[Identity]) -> list[Stimulus]:
    """The stimuli that are rated, identity by identity."""
    cells, per_cell = protocol.stimuli.cells, protocol.stimuli.identities.per_cell
    if per_cell == "all":
        return [_stimulus(protocol, "main", who, cell) for who in main for cell in cells]
    shown_in = protocol.stimuli.identities.shown_in
    wanted = [cell for cell in cells for _ in range(shown_in(cell))]
    whose = deal_cells(wanted, main, generator_of(protocol.seed, "identities of cells"))
    return [
        _stimulus(protocol, "main", main[i], wanted[j])
        for i, j in sorted((whose[j], j) for j in range(len(wanted)))
    ]


def deal_cells(
    wanted: Sequence[Cell], identities: Sequence[Identity], rng: np.random.Generator
) -> list[int]:
    """Which identity (its place) shows each wanted cell; a cell stands once for each showing.

    Each identity serves equally often (one more or less), never twice in a cell, and as evenly
    over the levels of every factor as can be; so do the genders.
    """
    rooms = np.array(even_rooms(len(wanted), len(identities), rng))
    genders = [str(person.gender) for person in identities]
    kinds = list(dict.fromkeys(genders))
    mine = {kind: [i for i, gender in enumerate(genders) if gender == kind] for kind in kinds}
    room_of_kinds = [int(rooms[mine[kind]].sum()) for kind in kinds]
    kind_of = deal(_features(wanted), room_of_kinds, rng)
    whose = np.full(len(wanted), -1)
    for k, kind in enumerate(kinds):
        cells = np.flatnonzero(kind_of == k)
        places = deal(_features([wanted[int(j)] for j in cells]), rooms[mine[kind]].tolist(), rng)
        whose[cells] = np.array(mine[kind])[places]
    _refuse_twice_in_a_cell(wanted, whose)
    return whose.tolist()


def _features(cells: Sequence[Cell]) -> list[Feature]:
    """The cell itself, and the levels of each factor."""
    joint = Feature([tuple(cell.values()) for cell in cells], weight=100)
    factors = list(cells[0]) if cells else []
    return [joint, *(Feature([cell[factor] for cell in cells], weight=5) for factor in factors)]


def _refuse_twice_in_a_cell(wanted: Sequence[Cell], whose: np.ndarray) -> None:
    pairs = Counter((tuple(cell.values()), i) for cell, i in zip(wanted, whose, strict=True))
    if max(pairs.values(), default=1) > 1:
        raise PlanError(
            "stimuli.identities.per_cell: no deal was found in which no identity stands twice in "
            "a cell; use more identities, or a smaller per_cell"
        )


def _practice(
    protocol: Protocol, others: Sequence[Identity], taken: Collection[str]
) -> list[Stimulus]:
    """Practice stimuli, as many for each combination of between factors, which see their own."""
    practice, design = protocol.design.practice, protocol.design
    if practice is None:
        return []
    groups: dict[tuple[Level, ...], list[Cell]] = {}
    for cell in protocol.stimuli.cells:
        groups.setdefault(tuple(cell[factor] for factor in design.between), []).append(cell)
    rng = generator_of(protocol.seed, "practice")
    chosen: list[Stimulus] = []
    for cells in groups.values():
        pairs = [(who, cell) for cell in cells for who in others
                 if stimulus_id(who.id, cell) not in taken]  # fmt: skip
        if practice.trials > len(pairs):
            advice = f"use {len(pairs)} at most, or " if pairs else ""
            raise PlanError(
                f"design.practice.trials: found {practice.trials}; the {len(others)} identities "
                f"that the ratings do not use give {len(pairs)}; {advice}use fewer identities"
            )
        chosen += [
            _stimulus(protocol, "practice", who, cell)
            for who, cell in _spread(pairs, practice.trials, rng)
        ]
    return chosen


def _spread(
    pairs: Sequence[tuple[Identity, Cell]], wanted: int, rng: np.random.Generator
) -> list[tuple[Identity, Cell]]:
    """So many different pairs, each of those least seen so far: identity, cell, levels."""
    pairs = [pairs[i] for i in rng.permutation(len(pairs))]
    seen: Counter[tuple[str, object]] = Counter()
    chosen: list[tuple[Identity, Cell]] = []
    while len(chosen) < wanted:
        who, cell = min(pairs, key=lambda pair: _seen(seen, *pair))
        pairs.remove((who, cell))
        seen.update(_marks(who, cell))
        chosen.append((who, cell))
    return chosen


def _marks(who: Identity, cell: Cell) -> list[tuple[str, object]]:
    return [("identity", who.id), ("cell", tuple(cell.values())), *cell.items()]


def _seen(seen: Counter[tuple[str, object]], who: Identity, cell: Cell) -> tuple[int, int, int]:
    identity, joint, *levels = (seen[mark] for mark in _marks(who, cell))
    return identity, joint, sum(levels)


def _examples(protocol: Protocol, others: Sequence[Identity]) -> list[Stimulus]:
    """Examples of each level of one factor; the levels of the others are the protocol's.

    Where it names none, a factor that has that level too takes it (voice as face), and every
    other one its last level.
    """
    page = protocol.pages.familiarisation
    if page is None:
        return []
    factors = protocol.stimuli.factors
    made: list[Stimulus] = []
    for level in factors[page.factor]:
        usual = {name: level if level in levels else levels[-1] for name, levels in factors.items()}
        cell = {**usual, **page.levels, page.factor: level}
        if CONGRUENCE in cell:
            cell[CONGRUENCE] = congruence_of(cell)
        if len(others) < page.examples:
            advice = f"use {len(others)} at most, or " if others else ""
            raise PlanError(
                f"pages.familiarisation.examples: found {page.examples}; the "
                f"{protocol.stimuli.people_from} has {len(others)} identities left to show "
                f"{level}; {advice}use fewer identities in the study"
            )
        made += [_stimulus(protocol, "example", who, cell) for who in others[: page.examples]]
    return made

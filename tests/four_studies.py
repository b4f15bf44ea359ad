"""`make validate`, fourth part: the published studies, played until their lists are full.

Both experiments of Blume et al. and both tasks of Eskimez et al. are planned, and played by
simulated participants of every kind until the quotas of valid participants are full, then reported.
Checked from the tables alone: quotas, balance, and who is excluded. Prints what was found.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from rich.console import Console

from experiments.simulate import simulate
from protocols.ratings import read_participants, read_ratings
from protocols.study import Study
from protocols.trials import read_trials
from stimuli.corpora import identities_of
from stimuli.plan import write_plan
from tests.designs import published

QUOTAS = {  # valid participants on each list, and lists
    "blume2024-experiment1": (40, 2),
    "blume2024-experiment2": (40, 2),
    "eskimez2021-task1": (10, 6),
    "eskimez2021-task2": (10, 6),
}
KINDS = {"careless": 0.08, "inconsistent": 0.08, "straight_lining": 0.02, "distracted": 0.05,
         "drop_out": 0.08, "returns": 0.05, "duplicates": 0.03}  # fmt: skip
ASKED_AT_THE_END = {"distracted": "highly", "random-ratings": "yes", "heard-audio": "no",
                    "rated-audio-only": "only the voice"}  # fmt: skip
MOST = {"eskimez2021-task1": 5, "eskimez2021-task2": 2}  # repeated answers that may differ
console = Console(highlight=False, soft_wrap=True)


def played(folder: Path, name: str) -> Study:
    """The study without its stimuli, its lists full."""
    protocol = published(name, {f"simulation.{kind}": share for kind, share in KINDS.items()})
    study = Study(folder / name)
    study.freeze(protocol)
    write_plan(study, protocol, identities_of(protocol))
    simulate(study)
    return study


def check(study: Study, name: str) -> str:
    """What the tables hold, in a line; fails where it is not as declared."""
    people = read_participants(study.participants_file)
    ratings = read_ratings(study.ratings_file)
    valid = people[people.valid]
    quota, lists = QUOTAS[name]
    assert not study.stimuli.exists()
    assert dict(valid.groupby("list").size()) == dict.fromkeys(range(1, lists + 1), quota)
    assert valid.slot.is_unique
    assert len(people) > len(valid)
    _as_planned(study, ratings[ratings.valid])
    shown = ratings[ratings.valid & (ratings.kind == "rating")]
    first = shown[shown.question == shown.question.iloc[0]]
    assert set(first.groupby("stimulus_id").size()) == {quota}  # each equally often
    _excluded_as_declared(people, ratings, name)
    reasons = people.exclusion_reason.value_counts().to_dict()
    valid_ones = f"{len(valid)} are valid, {quota} on each of {lists} lists"
    return f"{len(people)} came, {valid_ones}; {reasons}"


def _as_planned(study: Study, ratings: pd.DataFrame) -> None:
    """Whoever counts has answered every trial of their slot, with what the plan shows there."""
    plan = read_trials(study.plan).set_index(["slot", "trial"])
    rows = ratings.drop_duplicates(["participant", "trial"])
    here = rows.set_index(["slot", "trial"])
    expected = plan.loc[plan.index.get_level_values("slot").isin(rows.slot)]
    assert len(here) == len(expected)
    shown = here[["stimulus_id", "kind"]].join(expected[["stimulus_id", "kind"]], rsuffix="_plan")
    assert (shown.stimulus_id == shown.stimulus_id_plan).all()
    assert (shown.kind == shown.kind_plan).all()


def _excluded_as_declared(people: pd.DataFrame, ratings: pd.DataFrame, name: str) -> None:
    """The published rules, applied by other means."""
    for person in people.to_dict("records"):
        reason = None if pd.isna(person["exclusion_reason"]) else person["exclusion_reason"]
        if person["status"] != "completed":
            assert reason == "incomplete", person
        elif name in MOST:
            own = ratings[ratings.participant == person["participant"]]
            assert (reason == "inconsistent") == (differing(own) > MOST[name]), person
        else:
            told = [q for q, answer in ASKED_AT_THE_END.items() if person.get(q) == answer]
            assert (reason is None) == (not told), person


def differing(own: pd.DataFrame) -> int:
    """How many of one participant's repeated answers differ from the first ones (section IV-D)."""
    keyed = own.set_index(["trial", "question"])
    count = 0
    for row in own[own.kind == "repeat"].itertuples():
        first = keyed.loc[(row.repeat_of, row.question)]
        if row.question == "realness":
            count += abs(row.response - first.response) > 1
        elif row.question == "aspects":
            before, after = (set(str(label).split("; ")) for label in (first.label, row.label))
            count += len(before ^ after) > 1
        else:
            count += row.label != first.label
    return int(count)


def main() -> None:
    """Play, check and report all four."""
    from analysis.report import report

    with tempfile.TemporaryDirectory() as place:
        for name in QUOTAS:
            start = time.perf_counter()
            study = played(Path(place), name)
            console.print(f"{name}: {check(study, name)}", markup=False)
            between = time.perf_counter()
            report(study)
            text = (study.report / "report.html").read_text()
            if str(QUOTAS[name][0] * QUOTAS[name][1]) not in text:
                console.print("the report does not name the number of participants")
                sys.exit(1)
            console.print(f"  played in {between - start:.0f} s, reported in "
                          f"{time.perf_counter() - between:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()

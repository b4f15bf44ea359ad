"""Places of the lab that are free again: those of people whom a rule of the protocol excludes.

A lab computer knows no rules. So `mien study import` and `mien study lab` write `excluded.json`,
which names the session files that do not count, into every lab folder they know; run.py reads it
when it looks for the next place. Who has not finished keeps the place and may come back.
"""

from __future__ import annotations

from pathlib import Path

from experiments.lab.player.records import EXCLUDED
from experiments.lab.sessions import kept_sessions
from experiments.plan import read_plan
from experiments.verdict import person
from protocols.exclusions import COMPLETED, verdict
from protocols.manifest import write_json
from protocols.study import Study


def free_places(study: Study, *folders: Path) -> str | None:
    """Write whose places are free again; returns a line about it, or None if nobody's is.

    Args:
        study: the study, whose own lab folder is written where there is one.
        folders: from which sessions were brought: `data` of a lab folder, or a file in it.

    Raises:
        StudyError: a session is damaged or does not belong to the plan.
    """
    protocol = study.protocol()
    plan = read_plan(study, protocol)
    excluded, people = {}, 0
    for kept in kept_sessions(study, protocol, plan):
        if kept.person.status != COMPLETED:
            continue
        known = person(protocol, plan.trials[kept.person.slot], kept.answers, kept.at_the_end)
        failed = verdict(protocol.exclusions, kept.person.status, known)
        if failed is not None:
            excluded |= {file.name: failed for file in kept.files}  # any copy holds the place
            people += 1
    labs = {folder.resolve() for folder in (study.lab, *_labs(folders)) if _is_lab(folder)}
    for lab in sorted(labs):
        if excluded or (lab / EXCLUDED).is_file():
            write_json(lab / EXCLUDED, excluded)
    if not excluded:
        return None
    where = ", ".join(str(lab / EXCLUDED) for lab in sorted(labs)) or "no lab folder here"
    return f"excluded: {people}, whose places are free for others ({where})"


def _labs(folders: tuple[Path, ...]) -> list[Path]:
    return [parent for folder in folders for parent in list(folder.resolve().parents)[:2]]


def _is_lab(folder: Path) -> bool:
    return (folder / "run.py").is_file() and (folder / "study.json").is_file()

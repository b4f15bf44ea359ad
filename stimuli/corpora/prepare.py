"""`mien corpus add`: a corpus where its owner keeps it in, one table of its clips out.

Nothing is copied and nothing is written into the corpus itself. Aligned faces and sound ready for
networks are prepared from this table later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from protocols.clips import HOME, RECORD, SPLITS, CorpusRecord, read_record, write_clips
from protocols.errors import UserError
from protocols.licences import Licence
from protocols.section import nearest
from stimuli.corpora.adapter import Adapter, scan
from stimuli.corpora.affectnet import AFFECTNET
from stimuli.corpora.celeba import CELEBA
from stimuli.corpora.crema_d import CREMA_D
from stimuli.corpora.folder import folder_adapter, load_folder_mapping
from stimuli.corpora.mead import MEAD
from stimuli.corpora.problems import Problems, some
from stimuli.corpora.ravdess import RAVDESS
from stimuli.corpora.react2024 import REACT2024
from stimuli.corpora.splits import SHARES, split_by_actor
from stimuli.corpora.tree import Progress

ADAPTERS = {a.name: a for a in (RAVDESS, CREMA_D, MEAD, CELEBA, AFFECTNET, REACT2024)}
FOLDER = "folder"
SHORTEST_PERMISSION = 12  # characters


@dataclass(frozen=True)
class Outcome:
    """What was found: the folder written, the clips, and what is wrong."""

    folder: Path
    clips: pd.DataFrame
    problems: Problems
    adapter: Adapter
    permission: str = ""

    def lines(self) -> list[str]:
        """The outcome for the researcher."""
        licence = self.adapter.licence
        actors = self.clips.actor.nunique()
        lines = [f"{self.folder}: {len(self.clips):,} clips of {actors:,} actors", self._parts()]
        lines += self.problems.lines()
        if self.problems.found:
            lines.append(f"every problem: {self.folder / 'problems.tsv'}")
        return [*lines, licence_line(licence, self.permission)]

    def _parts(self) -> str:
        counts = self.clips.groupby("split").actor.nunique().reindex(SPLITS, fill_value=0)
        if not counts.any():
            why = (
                f"fewer than {len(SPLITS)} actors are named"
                if self.adapter.names_people
                else "people are known within a conversation only; use the column partition"
            )
            return f"no parts without a common actor: {why}"
        parts = ", ".join(f"{part} {counts[part]:,}" for part in SPLITS)
        return f"parts without a common actor (column split): {parts}"


def adapter_for(name: str, mapping: Path | None) -> Adapter:
    """The adapter called `name`, with the mapping of one's own material.

    Raises:
        UserError: no such adapter, or a mapping too much or too little.
    """
    known = [*ADAPTERS, FOLDER]
    if name not in known:
        raise UserError(
            f"found the corpus '{name}'; accepted: {', '.join(known)}{nearest(name, known)}"
        )
    if (mapping is None) == (name == FOLDER):
        raise UserError(
            "a folder of your own needs --map FILE, a mapping (see docs/corpora.md)"
            if mapping is None
            else f"--map belongs to the corpus 'folder'; {name} has names of its own"
        )
    return ADAPTERS[name] if mapping is None else folder_adapter(load_folder_mapping(mapping))


def add_corpus(
    adapter: Adapter,
    root: Path,
    out: Path | None = None,
    *,
    seed: int = 0,
    shares: Sequence[float] = SHARES,
    permission: str = "",
    progress: Progress | None = None,
) -> Outcome:
    """Read the corpus at `root` and write its table of clips into `out` (default corpora/NAME).

    Args:
        adapter: how it is read.
        root: folder in which it is kept.
        out: new, or holding the same corpus, which is then written anew.
        seed: of the split by actors.
        shares: of the actors in train, validation and test; they sum to 1.
        permission: by which the laboratory may show the corpus, in its own words; is recorded, and
            told wherever the licence is.
        progress: is called with the files looked at and all that will be.

    Raises:
        UserError: no such folder, nothing usable in it, `out` cannot be written to, or shares that
            cannot be.
    """
    if not root.is_dir():
        what = "is a file; name the folder" if root.exists() else "no such folder"
        raise UserError(f"{root}: {what} in which {adapter.name} is kept")
    root, out = root.resolve(), HOME / adapter.name if out is None else out
    _check_out(out, root, adapter)
    clips, problems = scan(adapter, root, progress)
    if clips.empty:
        told = "\n".join(problems.lines())
        raise UserError(
            f"{root}: no usable clip of {adapter.name}; expected such as {adapter.example}"
            + (f"\n{told}" if told else "")
        )
    clips = _named_once(clips, problems)
    _check_genders(clips, problems)
    if adapter.names_people and clips.actor.nunique() >= len(SPLITS):
        clips["split"] = split_by_actor(clips, seed, shares)
    licence = adapter.licence
    record = CorpusRecord(
        name=adapter.name,
        adapter=adapter.kind or adapter.name,
        version=adapter.version,
        root=str(root),
        licence=licence.name,
        may_be_shown=licence.may_be_shown,
        terms=licence.terms,
        cite=licence.cite,
        clips=len(clips),
        actors=int(clips.actor.nunique()),
        problems=sum(problem.count for problem in problems.found),
        seed=seed,
        clips_sha256="",
        settings=adapter.settings,
        permission=_one_line(permission),
    )
    write_clips(out, clips, problems.table(), record)
    return Outcome(out, clips, problems, adapter, record.permission)


def licence_line(licence: Licence | CorpusRecord, permission: str = "") -> str:
    """What the licence of a corpus lets one do, and the permission that was recorded."""
    name = licence.name if isinstance(licence, Licence) else licence.licence
    shown = "may be shown online" if licence.may_be_shown else "may NOT be shown online"
    if permission:
        shown = f"{shown} by itself; permission recorded by your laboratory: {permission}"
    terms = f"; {licence.terms}" if licence.terms else ""
    return f"licence {name}: {shown}{terms}"


def _one_line(permission: str) -> str:
    """The permission, which says more than yes: who gave it, and when."""
    words = " ".join(permission.split())
    if permission and len(words) < SHORTEST_PERMISSION:
        raise UserError(
            f"--permission: found '{permission}'; say who gave it and when, such as "
            '"letter of the authors of 2026-01-02"'
        )
    return words


def _named_once(clips: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """The clips without those whose name is taken already."""
    twice = clips["clip"].duplicated()
    for name in clips["clip"][twice]:
        problems.add("duplicate", str(name), "another clip has this name; that one is used")
    return clips[~twice].reset_index(drop=True)


def _check_genders(clips: pd.DataFrame, problems: Problems) -> None:
    """Note the actors who are a man in one clip and a woman in another."""
    genders = clips.dropna(subset=["actor"]).groupby("actor").gender.nunique()
    both = sorted(genders[genders > 1].index)
    if both:
        said = f"the gender of {len(both):,} actors differs between clips: {some(both)}"
        problems.add("label", "", said, len(both))


def _check_out(out: Path, root: Path, adapter: Adapter) -> None:
    if out.resolve().is_relative_to(root):
        raise UserError(
            f"{out}: lies inside the corpus, into which nothing is written; choose another folder "
            "with -o, or go to another folder first"
        )
    if (out / RECORD).is_file():
        before = read_record(out).name
        if before != adapter.name:
            raise UserError(f"{out}: holds the corpus '{before}'; choose another folder with -o")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is not empty and holds no corpus; choose a new folder with -o")

"""Corpora that were added with `mien corpus add` or `make`, under their own or any other name.

A corpus NAME is looked for in `corpora/` beside the protocol, then in `corpora/` of the folder in
which mien is called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from protocols.clips import HOME, RECORD, read_record
from protocols.errors import UserError
from protocols.generators import CORPORA, Generator
from protocols.section import NAME, accepted, fail, nearest

ANYWHERE = ("folder", "synthetic")  # adapters whose corpora any generator of recordings may take
STUDY = "dataset_description.json"  # stands beside the protocol of a study


@dataclass(frozen=True)
class Beside:
    """The folder of a protocol; no setting, so all are equal."""

    folder: Path | None = field(default=None, compare=False)

    def corpora(self) -> list[Path]:
        """Every added corpus, of the same name the one beside the protocol."""
        homes = [HOME] if self.folder is None else [self.folder / HOME, HOME]
        found = [path.parent for home in homes for path in sorted(home.glob(f"*/{RECORD}"))]
        return list({folder.name: folder for folder in reversed(found)}.values())

    def find(self, name: str) -> Path | None:
        """The folder of the added corpus of this name, if it is there."""
        return next((folder for folder in self.corpora() if folder.name == name), None)


def check_corpus(name: str, generator: Generator, called: str, beside: Beside) -> None:
    """Refuse a corpus that is neither known nor added, or that the generator does not take.

    The protocol of a study was checked when the study was made; its corpus need not be at hand.
    """
    if name in CORPORA:
        if name not in generator.corpora:
            raise fail(
                f"generator {called} does not take {name}; {accepted(generator.corpora)}", "corpus"
            )
        return
    folder = beside.find(name)
    if folder is None:
        if beside.folder is not None and (beside.folder / STUDY).is_file() and NAME.match(name):
            return
        raise fail(f"found {name!r}; {_known(name, beside)}", "corpus")
    if all(corpus == "actors" for corpus in generator.corpora):
        raise fail(f"generator {called} does not take {name}; accepted: actors", "corpus")
    try:
        adapter = read_record(folder).adapter
    except UserError as error:
        raise fail(str(error), "corpus") from None
    if adapter not in (*ANYWHERE, *generator.corpora):
        raise fail(
            f"generator {called} does not take {name}, which is laid out as {adapter}; "
            f"{accepted(generator.corpora)}, or material of your own (mien corpus add folder)",
            "corpus",
        )


def not_at_hand(name: str, beside: Beside) -> str:
    """What to say where people of an own corpus are wanted that is not there."""
    return f"stimuli.corpus: '{name}' is not at hand; {_known(name, beside)}"


def _known(name: str, beside: Beside) -> str:
    own = sorted(folder.name for folder in beside.corpora() if folder.name not in CORPORA)
    there = f"; added in {HOME}/: {', '.join(own)}" if own else ""
    close = nearest(name, (*CORPORA, *own))
    return (
        f"not a known corpus; {accepted(CORPORA)}{there}{close}; material of your own: "
        f"mien corpus add folder PATH --map FILE -o {HOME}/{name}"
    )

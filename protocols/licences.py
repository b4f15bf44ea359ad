"""What each corpus lets a researcher do, to the best of our knowledge; your own agreement decides.

`may_be_shown`: whether its pictures, clips, or what is made of them may be shown to participants
on the web. Sources: the corpora's own pages and agreements; see docs/corpora.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from protocols.clips import HOME, RECORD, read_record
from protocols.protocol import Protocol


@dataclass(frozen=True)
class Licence:
    """A licence by its name, whether the corpus may be shown online, and what that asks for."""

    name: str
    may_be_shown: bool
    terms: str
    cite: str


LICENCES = {
    "actors": Licence("CC0-1.0", True, "show, print, change and share them", "mien"),
    "ravdess": Licence(
        "CC-BY-NC-SA-4.0",
        True,
        "name the authors; no commercial use; what you make of it carries the same licence",
        "Livingstone & Russo (2018), PLoS ONE 13(5), e0196391",
    ),
    "crema-d": Licence(
        "ODbL-1.0 (contents: DbCL-1.0)",
        True,
        "name the authors; a changed database carries the same licence",
        "Cao et al. (2014), IEEE Transactions on Affective Computing 5(4), 377-390",
    ),
    "mead": Licence(
        "research only, on request",
        False,
        "ask its authors before anybody else sees a clip",
        "Wang et al. (2020), ECCV, 700-717",
    ),
    "celeba": Licence(
        "non-commercial research only",
        False,
        "photographs of real people taken from the web, not to be passed on",
        "Liu et al. (2015), ICCV, 3730-3738",
    ),
    "affectnet": Licence(
        "agreement signed by each institution",
        False,
        "photographs of real people taken from the web, not to be passed on or published",
        "Mollahosseini et al. (2019), IEEE Transactions on Affective Computing 10(1), 18-31",
    ),
    "react2024": Licence(
        "agreements of NoXI and RECOLA",
        False,
        "recorded conversations, not to be passed on; see the two agreements",
        "Song et al. (2024), REACT 2024, arXiv:2401.05166",
    ),
}  # corpus -> its licence
# Licences under which anybody may pass on a changed copy: neither ND, nor for research only.
OPEN = re.compile(r"(CC0|CC-BY(-NC)?(-SA)?|ODC-BY|ODBL|DBCL|PDDL)(-\d+(\.\d+)*)?")


def caution(protocol: Protocol) -> str | None:
    """A sentence for the researcher, where the corpus of a protocol may not be shown online.

    Where the laboratory recorded a permission beside the corpus (`corpora/NAME/corpus.json`), the
    sentence tells it.
    """
    corpus, folder = protocol.stimuli.corpus, protocol.stimuli.corpus_folder
    licence = licence_of(corpus, folder)
    if licence is None:
        return (
            f"caution: the corpus {corpus} is not at hand, so whether it may be shown online is "
            f"not known; see its own agreement, or call mien where {HOME / corpus} is"
        )
    if licence.may_be_shown:
        return None
    if given := permission(corpus, folder):
        return (
            f"{corpus} may not be shown online by its licence ({licence.name}); it is shown by the "
            f"permission that your laboratory recorded in {HOME / corpus / RECORD}: {given}"
        )
    own = "" if corpus in LICENCES else f" -o {HOME / corpus}"
    added = corpus if corpus in LICENCES else "folder"
    terms = f": {licence.terms}" if licence.terms else ""
    return (
        f"caution: {corpus} may not be shown online without permission ({licence.name}{terms}); "
        "show it in the laboratory only, ask for permission (and record it: mien corpus add "
        f'{added} PATH{own} --permission "…"), or use corpus: actors'
    )


def licence_of(corpus: str, folder: Path | None = None) -> Licence | None:
    """The licence of a known corpus, or of an added one as its record in `folder` says.

    `folder` None: corpora/NAME of the working folder. None where there is no such corpus.
    """
    if corpus in LICENCES:
        return LICENCES[corpus]
    folder = folder or HOME / corpus
    if not (folder / RECORD).is_file():
        return None
    record = read_record(folder)
    return Licence(record.licence, record.may_be_shown, record.terms, record.cite)


def permission(corpus: str, folder: Path | None = None) -> str:
    """The permission to show a corpus that the laboratory recorded when it added it, or nothing."""
    folder = folder or HOME / corpus
    return read_record(folder).permission if (folder / RECORD).is_file() else ""


def licence_words(corpus: str, folder: Path | None = None) -> str:
    """The licence of a corpus, with the permission where one was recorded; for the manifest."""
    licence, given = licence_of(corpus, folder), permission(corpus, folder)
    name = f"not known ({corpus} is not at hand)" if licence is None else licence.name
    return f"{name}; shown by permission: {given}" if given else name


def may_be_passed_on(licence: str) -> bool:
    """Whether a manifest's words for a licence let anybody give the stimulus to others.

    Every licence in them must be a known open one; a permission to show a corpus is none to pass
    it on.
    """
    parts = [re.sub(r"\(.*?\)", "", part.partition(";")[0]) for part in licence.split(" and ")]
    names = ["-".join(part.split()).upper() for part in parts]
    return all(OPEN.fullmatch(name) for name in names)

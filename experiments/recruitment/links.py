"""Links of a study for a list of people, signed by mien: nobody can come under another's id."""

from __future__ import annotations

import time
from pathlib import Path

from experiments.errors import StudyError
from experiments.recruitment.entry import PLAIN
from experiments.recruitment.platforms import parameters, with_parameters
from experiments.recruitment.signature import sign_link, study_secret
from protocols.study import Study

DAY = 24 * 3600  # seconds


def links_of(study: Study, file: Path, address: str | None, days: int) -> list[str]:
    """One link for each id in `file`, in its order, good for `days` days.

    Raises:
        StudyError: the protocol does not ask for signed links, or an id is no plain word.
    """
    protocol = study.protocol()
    recruitment = protocol.recruitment
    address = address or recruitment.address
    if recruitment.signed != "links":
        raise StudyError(f"{protocol.name}: its links need no signature; set recruitment.signed: "
                         "links, and build the study again")  # fmt: skip
    if address is None:
        raise StudyError(f"{protocol.name}: recruitment.address is missing; or give --url")
    try:
        ids = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{file}: cannot be read: {error}") from None
    ids = [one for one in ids if one]
    for number, one in enumerate(ids, start=1):
        if not PLAIN.fullmatch(one):
            raise StudyError(f"{file}, line {number}: found {one!r}; accepted: 1 to 64 letters, "
                             "digits, _ and -")  # fmt: skip
    if len(set(ids)) < len(ids):
        raise StudyError(f"{file}: holds an id twice; everybody needs their own")
    secret, expires = study_secret(study, make=True), time.time() + days * DAY
    names = parameters(recruitment)
    return [
        with_parameters(
            address,
            {
                names.participant: one,
                str(names.signature): sign_link(one, protocol.name, secret, expires),
            },
        )  # fmt: skip
        for one in ids
    ]

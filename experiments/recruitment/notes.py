"""What the verbs of recruitment remember, in `recruitment/` of the study.

Ids of studies and HITs on the platform, and which payments were made, by pseudonym. No token and no
id that a platform gave to a participant ever stands here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments.errors import StudyError
from protocols.study import Study
from protocols.tables import write_whole


class Notes:
    """The notes of one study, in one JSON file."""

    def __init__(self, study: Study) -> None:
        """Notes are read and written by each call, so that two verbs see the same."""
        self.file: Path = study.folder / "recruitment" / "notes.json"

    def prolific_study(self) -> str | None:
        """The study's id on Prolific, if `mien recruit draft` made it."""
        return self._read().get("prolific_study")

    def hit(self, live: bool) -> dict[str, Any] | None:
        """The HIT of this study, in the sandbox or live."""
        return self._read().get("hit-live" if live else "hit-sandbox")

    def keep(self, **facts: Any) -> None:
        """Add or replace facts."""
        self._write(self._read() | facts)

    def paid(self) -> dict[str, Any]:
        """SHA-256 of each bonus file that was paid -> what is known of the payment."""
        return self._read().get("paid", {})

    def keep_paid(self, digest: str, **facts: Any) -> None:
        """Note a payment."""
        self.keep(paid=self.paid() | {digest: facts})

    def forget_paid(self, digest: str) -> None:
        """Take a payment back that was not made."""
        self.keep(paid={key: facts for key, facts in self.paid().items() if key != digest})

    def sent(self, digest: str) -> list[str]:
        """Pseudonyms of those who have got their bonus of a payment that was not finished."""
        return list(self._read().get("sent", {}).get(digest, []))

    def keep_sent(self, digest: str, participants: list[str]) -> None:
        """Note who has got their bonus."""
        self.keep(sent=self._read().get("sent", {}) | {digest: participants})

    def _read(self) -> dict[str, Any]:
        if not self.file.is_file():
            return {}
        try:
            content = json.loads(self.file.read_text())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise StudyError(f"{self.file}: cannot be read; restore it, or delete it")
        return content

    def _write(self, content: dict[str, Any]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, (json.dumps(content, indent=2) + "\n").encode())

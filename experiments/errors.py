"""What a researcher or a browser did wrong, in one line."""

from __future__ import annotations

from protocols.errors import UserError


class StudyError(UserError):
    """A study that cannot be built, served, simulated or exported; one line says what to do."""


class Refused(Exception):
    """A request that the server does not serve.

    Attributes:
        status: HTTP status, 4xx or 503.
        reason: word that the page knows, such as `full` or `unknown-token`.
    """

    def __init__(self, status: int, reason: str, **details: object) -> None:
        """Refuse with `status`, for `reason`; `details` go into the answer."""
        super().__init__(reason)
        self.status, self.reason, self.details = status, reason, details

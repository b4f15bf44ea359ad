"""Talking to Prolific's API: one token, retries where they do no harm, errors in one line.

What reads or sets a value (GET, PATCH) is tried again after a lost connection, a 429 or a 5xx. A
POST is tried again only after a 429, which says that nothing was done; payments must never be sent
twice. The token comes from the environment and is neither written nor printed.
"""

from __future__ import annotations

import email.utils
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from experiments.errors import StudyError
from protocols.recruitment import HERE

VARIABLE = "PROLIFIC_TOKEN"
PROLIFIC_API = "https://api.prolific.com"
TRIES = 5
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds
TIMEOUT = 30.0  # seconds
PAGE = 100  # results in one answer
MOST_PAGES = 1000
LONGEST_MESSAGE = 300  # characters of what the API says


class Declined(StudyError):
    """Prolific says no: what was asked for was certainly not done."""


class Prolific:
    """Prolific's API, version 1."""

    def __init__(
        self, api: str = PROLIFIC_API, token: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:  # fmt: skip
        """Talk to `api`; `token` defaults to the environment's PROLIFIC_TOKEN.

        Raises:
            StudyError: there is no token, or `api` would send it unencrypted.
        """
        parts = urlsplit(api)
        if parts.scheme != "https" and parts.hostname not in HERE:
            raise StudyError(f"{api}: the token is sent over https only")
        token = (token or os.environ.get(VARIABLE, "")).strip()
        if not re.fullmatch(r"[!-~]+", token):
            raise StudyError(
                f"{VARIABLE} is not set: make a token on Prolific (Settings, API tokens) and put "
                "it into this environment variable"
            )
        self.api, self.sleep = api.rstrip("/"), sleep
        self._http = httpx.Client(
            headers={"Authorization": f"Token {token}"}, timeout=TIMEOUT, follow_redirects=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Prolific:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def get(self, path: str, **params: Any) -> Any:
        """The answer to a question, such as `get("/api/v1/studies/ID/")`."""
        return self._ask("GET", path, params=params, again=True)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Set values."""
        return self._ask("PATCH", path, json=body, again=True)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Make or do something; it is done once at most."""
        return self._ask("POST", path, json=body or {}, again=False)

    def pages(self, path: str, key: str = "id", **params: Any) -> Iterator[dict[str, Any]]:
        """Every result of a list, over all its pages, each once; `key` names a result.

        A list says that it is over by a `next` link that is empty, by its count, or by an empty
        page; one that knows no pages gives the same results again.
        """
        seen: set[Any] = set()
        for page in range(1, MOST_PAGES + 1):
            answer = self.get(path, **params, page=page, page_size=PAGE)
            fresh = [one for one in answer.get("results", []) if one.get(key) not in seen]
            yield from fresh
            seen.update(one.get(key) for one in fresh)
            links, count = answer.get("_links") or {}, (answer.get("meta") or {}).get("count")
            last = "next" in links and not (links["next"] or {}).get("href")
            if not fresh or last or (count is not None and len(seen) >= count):
                return

    def _ask(self, method: str, path: str, again: bool, **more: Any) -> Any:
        """Send a request until it is answered; `again`: also after it may have been done."""
        for tried in range(1, TRIES + 1):
            last = tried == TRIES
            try:
                answer = self._http.request(method, f"{self.api}{path}", **more)
            except httpx.TransportError as error:
                if again and not last:
                    self.sleep(_wait(None, tried))
                    continue
                raise StudyError(self._unreachable(method, again, error)) from None
            if answer.is_success:
                return _json(answer)
            busy = answer.status_code == 429 or (again and answer.status_code >= 500)
            if busy and not last:
                self.sleep(_wait(answer.headers.get("Retry-After"), tried))
                continue
            raise (StudyError if answer.status_code >= 500 else Declined)(_said(answer, path))
        raise AssertionError("unreachable")

    def _unreachable(self, method: str, again: bool, error: httpx.TransportError) -> str:
        host = urlsplit(self.api).netloc
        why = type(error).__name__
        if again:
            return f"{host}: cannot be reached ({why}); nothing was changed, try again later"
        return (
            f"{host}: the connection was lost ({why}) while something was sent ({method}); look at "
            "Prolific's page whether it was done before you try again"
        )


def _wait(retry_after: str | None, tried: int) -> float:
    """Seconds to wait: what the server asks for (seconds or a date), else longer each time."""
    wait = min(FIRST_WAIT * 2 ** (tried - 1), LONGEST_WAIT)
    if retry_after is None:
        return wait
    if retry_after.strip().isdigit():
        return min(float(retry_after), LONGEST_WAIT)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return wait
    return min(max(moment.timestamp() - time.time(), 0.0), LONGEST_WAIT)


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return {}
    try:
        return answer.json()
    except ValueError:
        raise StudyError(f"{answer.request.url.host}: its answer is no JSON; try again") from None


def _said(answer: httpx.Response, path: str) -> str:
    """A refusal in one line: what it means, and what Prolific says."""
    status, host = answer.status_code, answer.request.url.host
    meaning = {
        401: f"the token is not valid; put a new one into {VARIABLE}",
        403: "this token may not do that; ask the owner of the workspace",
        404: f"there is no {path}; the id may belong to another workspace",
        429: "too many requests; try again in some minutes",
    }.get(status, "it is out of order; try again later" if status >= 500 else "it refused")
    told = "" if status >= 500 else _detail(answer)
    return f"{host}: {meaning} ({status}{': ' + told if told else ''})"


def _detail(answer: httpx.Response) -> str:
    """What an error of Prolific says: `{"error": {"detail": words, or field -> [words]}}`."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    error = body.get("error", body) if isinstance(body, dict) else body
    detail = error.get("detail", error) if isinstance(error, dict) else error
    return _flat(detail)[:LONGEST_MESSAGE]


def _flat(detail: Any) -> str:
    if isinstance(detail, dict):
        return "; ".join(f"{name}: {_flat(one)}" for name, one in detail.items())
    if isinstance(detail, list):
        return ", ".join(map(_flat, detail))
    return " ".join(str(detail).split())

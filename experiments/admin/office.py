"""The admin page: a form to sign in, the overview, and what a researcher can do from there.

Everything stands under `/admin`, in addresses relative to it, so that a proxy may put a study below
any path. The token is sent in the body of one request and is in no address; afterwards a cookie
says who asks: out of reach of scripts, never sent from another site, and gone after half a day.
"""

from __future__ import annotations

import hmac
import logging
import math
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

import jinja2
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.staticfiles import StaticFiles
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from experiments.admin import words
from experiments.admin.access import SESSION_S, Access, SignedIn, TooManyTries, WrongToken
from experiments.admin.behaviour import SLOW_MS, too_fast_ms
from experiments.admin.observer import Observer
from experiments.backup import back_up
from experiments.decisions import LONGEST
from experiments.errors import Refused, StudyError
from experiments.export import export
from experiments.limits import Visitors
from experiments.reception import Reception
from protocols.study import Study

log = logging.getLogger("mien")
HERE = Path(__file__).parent
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
    "'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}
COLUMNS = {  # heading of the table of lists -> field of Places
    "valid": "valid", "wanted": "wanted", "places left": "left", "active": "active",
    "excluded": "excluded", "expired": "expired", "withdrawn": "withdrawn",
    "over quota": "over_quota",
}  # fmt: skip
SHOWN = 50  # participants on the page, unless all are asked for

Act = Callable[[dict[str, str]], object]


class Office:
    """The admin page of one study."""

    def __init__(self, study: Study, desk: Reception, visitors: Visitors) -> None:
        """Of the study whose places `desk` gives."""
        self.study, self.desk, self.visitors = study, desk, visitors
        self.access = Access(desk.store)
        self.observer = Observer(desk.protocol, desk.plan, desk.store, study.data, clock=desk.clock)
        self.cookie = f"mien-admin-{desk.plan.digest[:8]}"  # studies on one host have one each
        self.observing, self.exporting = Lock(), Lock()
        self.pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "pages"), autoescape=True,
            undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self.pages.filters |= {"moment": words.moment, "ago": words.ago}
        tables = study.ratings_file.name, study.participants_file.name
        self.downloads = {name: name for name in tables} | {"backup": "back-up of the sessions"}

    def open(self, app: FastAPI) -> None:
        """Answer under /admin of `app`."""
        add = app.router.add_route
        add("/admin", self.show, methods=["GET"])
        add("/admin/sign-in", self.sign_in, methods=["POST"])
        add("/admin/sign-out", self._posted(self._sign_out), methods=["POST"])
        add("/admin/pause", self._posted(lambda _: self.desk.pause(True)), methods=["POST"])
        add("/admin/go-on", self._posted(lambda _: self.desk.pause(False)), methods=["POST"])
        add("/admin/exclude", self._posted(self._exclude), methods=["POST"])
        add("/admin/take-back", self._posted(self._take_back), methods=["POST"])
        for file in (self.study.ratings_file, self.study.participants_file):
            add(f"/admin/{file.name}", self._table(file), methods=["GET"])
        add("/admin/backup", self.backup, methods=["GET"])
        app.mount("/admin/static", StaticFiles(directory=HERE / "static"), name="admin")

    async def show(self, request: Request) -> Response:
        """The overview, or the form to sign in."""
        who = await self._who(request)
        if who is None:
            return self._door("")
        everybody = request.query_params.get("people") == "all"
        return await run_in_threadpool(self._overview, who, everybody=everybody)

    async def sign_in(self, request: Request) -> Response:
        """Change the token for a cookie."""
        given = (await _form(request)).get("token", "")
        visitor = self.visitors.of(request.scope)
        try:
            cookie = await run_in_threadpool(self.access.sign_in, visitor, given)
        except TooManyTries as refused:
            seconds = math.ceil(refused.wait)
            log.warning("admin page: too many tries to sign in")
            said = f"Too many tries. Please wait {seconds} seconds."
            return self._door("../", said, 429, {"Retry-After": str(seconds)})
        except WrongToken:
            log.warning("admin page: a wrong token was refused")
            return self._door("../", "This is not the study's token.", 403)
        answer = RedirectResponse("../admin", 303, HEADERS)
        self._give(answer, request, cookie, round(SESSION_S))
        return answer

    def _posted(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        """What answers a form of somebody who has signed in: act, then show the page."""

        async def answer(request: Request) -> Response:
            who = await self._who(request)
            if who is None:
                return self._door("../", "Please sign in again.", 403)
            given = await _form(request)
            if not (_same_site(request) and _same(given.get("form", ""), who.form)):
                return self._door("../", "This form is not from the admin page.", 403)
            try:
                await run_in_threadpool(act, given)
            except (StudyError, Refused) as refused:
                return await run_in_threadpool(self._overview, who, "../", _said(refused), 422)
            done = RedirectResponse("../admin", 303, HEADERS)
            if act == self._sign_out:
                self.access.sign_out(request.cookies.get(self.cookie))
                self._give(done, request, "", 0)
            return done

        return answer

    def _sign_out(self, _given: dict[str, str]) -> None:
        """The cookie is taken back by who calls this."""

    def _exclude(self, given: dict[str, str]) -> None:
        self.desk.decide(given.get("participant", ""), given.get("reason", ""))

    def _take_back(self, given: dict[str, str]) -> None:
        self.desk.decide(given.get("participant", ""), None)

    def _table(self, file: Path) -> Callable[[Request], Awaitable[Response]]:
        """What sends a table, written anew."""

        def write() -> None:
            with self.exporting:
                export(self.study)

        async def answer(request: Request) -> Response:
            who = await self._who(request)
            if who is None:
                return self._door("../", "Please sign in again.", 403)
            try:
                await run_in_threadpool(write)
            except StudyError as refused:
                return await run_in_threadpool(self._overview, who, "../", _said(refused), 422)
            name = f"{self.desk.protocol.name}-{file.name}"
            return FileResponse(file, filename=name, media_type="text/csv", headers=HEADERS)

        return answer

    async def backup(self, request: Request) -> Response:
        """A copy of the sessions, made now, in a folder that only the server can read."""
        who = await self._who(request)
        if who is None:
            return self._door("../", "Please sign in again.", 403)
        folder = tempfile.TemporaryDirectory(prefix="mien-backup-")
        name = f"{self.desk.protocol.name}-{words.stamp(self.desk.clock())}.sqlite"
        file = Path(folder.name) / name
        try:
            await run_in_threadpool(back_up, self.study, file)
        except StudyError as refused:
            folder.cleanup()
            return await run_in_threadpool(self._overview, who, "../", _said(refused), 422)
        done = BackgroundTask(folder.cleanup)
        return FileResponse(file, filename=name, headers=HEADERS, background=done,
                            media_type="application/vnd.sqlite3")  # fmt: skip

    async def _who(self, request: Request) -> SignedIn | None:
        return await run_in_threadpool(self.access.who, request.cookies.get(self.cookie))

    def _give(self, answer: Response, request: Request, cookie: str, seconds: int) -> None:
        """Set the cookie, for /admin alone: the browser takes the path from the form's address."""
        scheme = request.url.scheme
        if self.visitors.behind_proxy:
            scheme = request.headers.get("x-forwarded-proto", "https")
        answer.set_cookie(
            self.cookie, cookie, max_age=seconds, path=None, secure=scheme == "https",
            httponly=True, samesite="strict",
        )  # fmt: skip

    def _door(
        self, base: str, problem: str = "", status: int = 200, more: dict[str, str] | None = None
    ) -> Response:
        page = self.pages.get_template("sign-in.html")
        content = page.render(base=base, problem=problem)  # the title may tell the hypothesis
        return HTMLResponse(content, status, HEADERS | (more or {}))

    def _overview(
        self, who: SignedIn, base: str = "", problem: str = "", status: int = 200, *,
        everybody: bool = False,
    ) -> Response:  # fmt: skip
        with self.observing:
            found = self.observer.look()
        protocol = self.desk.protocol
        rules = {rule.id: rule.reason for rule in protocol.exclusions}
        content = self.pages.get_template("admin.html").render(
            study=protocol.title,
            base=base,
            problem=problem,
            form=who.form,
            o=found,
            facts=words.facts(found),
            quality=words.quality_rows(found, too_fast_ms(protocol), SLOW_MS),
            of=words.of,
            columns=COLUMNS,
            explained={reason: rules.get(reason) for reason in found.reasons},
            most=max(finished for finished, _ in found.by_hour),
            people=found.people if everybody else found.people[:SHOWN],
            longest=LONGEST,
            downloads=self.downloads,
        )
        return HTMLResponse(content, status, HEADERS)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form; of several with one name, the first."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields: dict[str, list[str]] = parse_qs(body, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _same_site(request: Request) -> bool:
    """Whether the browser, if it says so, sends this from the page itself."""
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _said(refused: Any) -> str:
    if isinstance(refused, StudyError):
        return f"Not done: {refused}."
    return "Not done: there is no such participant, or they have withdrawn."

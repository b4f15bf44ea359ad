"""The study's web server: a page, its media, and six addresses under `/api`.

Addresses and names of browsers are neither stored nor logged. A participant is known by a random
token, which is sent in the body of each request, never in an address and never as a cookie.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool
from starlette.exceptions import HTTPException

from experiments.answers import Given, storable
from experiments.blocking import Elsewhere
from experiments.database import database_of
from experiments.errors import Refused, StudyError
from experiments.guard import Guard
from experiments.health import Pulse
from experiments.limits import Limits, Visitors
from experiments.media import read_media
from experiments.plan import Plan, read_plan
from experiments.reception import Place, Reception, random_code
from experiments.recruitment.ending import goodbye, turned_away
from experiments.recruitment.entry import Entry
from experiments.recruitment.platforms import framed_by, submits_to
from experiments.store import Store
from experiments.view import examples, study_of
from protocols.protocol import Protocol
from protocols.study import Study

MOST_AT_ONCE = 200  # answers in one request
LONGEST_SIGNATURE = 4096  # characters of a signed link's token


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Start(_Message):
    """Consent was given. What stood in the address: see `experiments.recruitment.entry`."""

    agree: StrictBool
    external: str | None = None
    study: str | None = None
    submission: str | None = None
    signature: str | None = Field(default=None, max_length=LONGEST_SIGNATURE)
    visit: str | None = None
    device: Annotated[dict[str, float | str | bool | None], AfterValidator(storable)] = Field(
        default={}, max_length=12
    )


class Opens(_Message):
    """A request that needs nothing but the token."""

    token: str = Field(max_length=100)


class Refusal(BaseModel):
    """Why a request was not served; more fields may say what to do about it."""

    reason: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": meaning}
    for status, meaning in {
        400: "no JSON", 403: "unknown token, or took part elsewhere", 409: "full, or not complete",
        413: "too large", 422: "not as it should be", 429: "too often",
    }.items()
}  # fmt: skip


class Answers(Opens):
    """Answers to store."""

    answers: list[Given] = Field(max_length=MOST_AT_ONCE)


def make_app(
    study: Study,
    source: str = "web",
    clock: Callable[[], float] = time.time,
    new_code: Callable[[], str] = random_code,
    database: str | None = None,
    behind_proxy: bool = False,
    pages: bool = False,
) -> FastAPI:
    """The server of a study.

    Args:
        study: a study with a plan; for `web` also with stimuli, and built.
        source: web or simulation.
        clock: seconds since 1970.
        new_code: makes participants' pseudonyms.
        database: address of a PostgreSQL database, for new sessions; else they go to
            `data/<source>.sqlite`.
        behind_proxy: whether a proxy stands in front and says who asks (X-Forwarded-For).
        pages: whether a simulation shows the built pages too, for real browsers.

    Raises:
        StudyError: something of the study is missing, or its data belong to another plan.
    """
    protocol = study.protocol()
    plan = read_plan(study, protocol)
    media, shown = {}, []
    pages = pages or source == "web"
    if pages:
        _refuse_unbuilt(study)
        media, manifest = read_media(study)
        shown = examples(protocol, media, manifest)
    store = open_store(study, source, plan, database)
    elsewhere = Elsewhere(study, protocol.recruitment.block)
    desk = Reception(protocol, plan, store, clock, new_code, elsewhere)
    desk.review()
    entry = Entry(study, store, clock, signed=source == "web")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()
        elsewhere.close()

    app = FastAPI(title=protocol.title, docs_url=None, redoc_url=None, openapi_url=None,
                  lifespan=lifespan, responses=REFUSALS)  # fmt: skip
    app.state.reception, app.state.visitors = desk, Visitors(behind_proxy)
    write = store.writer.write
    recruitment = protocol.recruitment
    app.add_middleware(Limits, visitors=app.state.visitors)
    app.add_middleware(Guard, framed_by=framed_by(recruitment), submits_to=submits_to(recruitment))
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _not_served)

    def told(place: Place) -> dict[str, Any]:
        return study_of(protocol, plan, media, place) | {"examples": shown}

    @app.post("/api/start")
    async def start(message: Start) -> dict[str, Any]:
        if not message.agree:
            raise Refused(422, "no-consent")
        arrival = await run_in_threadpool(  # it may ask the platform for its keys
            entry.arrive, message.external, message.study, message.submission, message.signature,
            message.visit,
        )  # fmt: skip
        try:
            return told(await write(entry.admit, desk, arrival, message.device))
        except Refused as refused:
            raise turned_away(protocol, refused, arrival.external) from None

    @app.post("/api/resume")
    async def resume(message: Opens) -> dict[str, Any]:
        return told(await write(desk.resume, message.token))

    @app.post("/api/answers")
    async def answers(message: Answers) -> dict[str, int]:
        return {"held": await write(desk.keep, message.token, message.answers)}

    @app.post("/api/complete")
    async def complete(message: Opens) -> dict[str, str | None]:
        participant = await write(desk.complete, message.token)
        return await run_in_threadpool(goodbye, protocol, plan, store, participant)

    @app.post("/api/withdraw")
    async def withdraw(message: Opens) -> dict[str, str]:
        await write(desk.withdraw, message.token)
        return {"status": "withdrawn"}

    pulse = Pulse(store)

    @app.get("/api/health", responses={503: {"model": Refusal, "description": "no store"}})
    async def health() -> dict[str, str]:
        if not await pulse.beats():
            raise Refused(503, "no-store")
        return {"status": "ok"}

    if pages:
        _serve_files(app, study.web)
    return app


def open_store(study: Study, source: str, plan: Plan, database: str | None = None) -> Store:
    """The sessions of one source, refused if they were made with another plan.

    A plan that has grown by further slots is not another one. `database`: see `database_of`.
    """
    store = Store(database_of(study, source, database))
    advice = f"restore that plan, or {store.database.anew}"
    try:
        store.belongs_to({"plan": plan.digest}, advice, before={"plan": plan.digests})
    except StudyError:
        store.close()
        raise
    return store


def warn_of_codes(protocol: Protocol, tell: Callable[[str], object]) -> None:
    """Tell the researcher that participants could not be paid; a try-out needs no code."""
    recruitment = protocol.recruitment
    if recruitment.platform == "prolific" and recruitment.codes.completed is None:
        tell(
            "warning: recruitment.codes.completed is missing; fit to try the study out, but before "
            "collecting data copy the code from the page on Prolific, or nobody can be paid"
        )


def _refuse_unbuilt(study: Study) -> None:
    if not (study.web / "index.html").is_file():
        raise StudyError(f"{study.folder}: not built yet; run mien study build {study.folder}")


def _serve_files(app: FastAPI, web: Path) -> None:
    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(web / "index.html", media_type="text/html; charset=utf-8")

    for name in ("static", "jspsych", "media"):
        app.mount(f"/{name}", StaticFiles(directory=web / name), name=name)


async def _refused(_request: Request, refused: Any) -> JSONResponse:
    return JSONResponse({"reason": refused.reason, **refused.details}, refused.status)


async def _not_understood(_request: Request, error: Any) -> JSONResponse:
    places = [".".join(map(str, problem["loc"])) for problem in error.errors()]
    return JSONResponse({"reason": "wrong-format", "where": places[:20]}, 422)


async def _not_served(_request: Request, error: Any) -> JSONResponse:
    reasons = {400: "not-json", 404: "no-such-page", 405: "wrong-method"}
    reason = reasons.get(error.status_code, "not-served")
    return JSONResponse({"reason": reason}, error.status_code, error.headers)

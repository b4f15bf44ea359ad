"""`mien study build`: protocol, plan and stimuli in; a folder `web/` ready to serve out.

Pages are Jinja2 templates; a file of the same name in the study's own folder `templates/` takes
the place of mien's. What is built holds neither conditions nor identities nor the title, so that
participants cannot read the hypothesis in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from experiments.markdown import to_html
from experiments.media import Medium, lay_out, read_shown
from experiments.npm import WEB, copy_scripts
from experiments.plan import Plan
from experiments.recruitment.platforms import MTURK_SUBMITS, PREVIEW, parameters, redirect_of
from experiments.server import warn_of_codes
from experiments.templates import fill
from experiments.words import IN_SCRIPTS, WORDS, how_to_answer, task_told
from protocols.licences import caution
from protocols.protocol import Protocol
from protocols.record import Record, fingerprint, sources
from protocols.scales import AXES, AffectGrid
from protocols.study import Study
from protocols.tables import write_whole
from protocols.tasks import SECOND

PAGES = ("consent", "declined", "refused", "welcome-back", "familiarisation", "loading", "practice",
         "ready", "pause", "questionnaire", "saving", "debrief", "goodbye", "withdrawn",
         "turned-away", "problem", "sound-check", "no-sound")  # fmt: skip
SMALLEST = (760, 480)  # pixels of a window, whatever the stimuli
AROUND = (80, 200)  # pixels that a page needs beside and below a stimulus
SMALLEST_OF_ANY = (320, 480)  # where any device may be used, telephones too
AROUND_OF_ANY = (24, 200)
GRID = (610, 600)  # pixels that an affect grid needs beside a stimulus, and from top to bottom
RECORD = ".made-from.json"  # what the study was built from
ONE_CLICK = ("likert", "labelled-rating", "forced-choice")


def build_web(study: Study, tell: Callable[[str], object] = str) -> Path:
    """Write the web study; returns its folder. What is built from the same parts is kept.

    `tell` is called with a line for the researcher.

    Raises:
        StudyError: plan or stimuli are missing or do not fit, a template is wrong, npm fails.
    """
    protocol = study.protocol()
    record, inputs = Record(study.web / RECORD), _inputs(study)
    if record.is_current(inputs):
        tell("nothing has changed since this study was built; it is kept as it is")
        return study.web
    warn_of_codes(protocol, tell)
    if (warning := caution(protocol)) is not None:
        tell(warning)
    plan, media, _ = read_shown(study, protocol)
    study.web.mkdir(parents=True, exist_ok=True)
    copy_scripts(study.web / "jspsych")
    copy_static(study.web / "static")
    lay_out(media, study.web / "media")
    page = render(study, protocol, told(protocol, plan, media))
    write_whole(study.web / "index.html", page.encode())
    record.write(inputs)
    return study.web


def _inputs(study: Study) -> str:
    """Everything that decides about the web study: protocol, plan, stimuli, and this program."""
    own = sorted((study.folder / "templates").glob("*"))
    plan, manifest = study.plan / "trials.csv", study.stimuli / "stimuli.tsv"
    return fingerprint([study.protocol_file, plan, manifest, *own, *sources(Path(__file__).parent)])


def told(protocol: Protocol, plan: Plan, media: Mapping[str, Medium]) -> dict[str, Any]:
    """What the page knows before anybody has given consent."""
    recruitment, codes = protocol.recruitment, protocol.recruitment.codes
    names, platform = parameters(recruitment), recruitment.platform
    words = WORDS[protocol.pages.language]
    return {
        "id": plan.digests[0][:12],
        "platform": platform,
        "parameter": names.participant,
        "entry": {
            "study": names.study,
            "submission": names.submission,
            "signature": names.signature,
        },
        "mturk": {"preview": PREVIEW, "submits_to": MTURK_SUBMITS} if platform == "mturk" else None,
        "redirects": {way: redirect_of(recruitment, way) for way in ("no_consent", "screened_out")},
        "codes": {"no_consent": codes.no_consent, "screened_out": codes.screened_out},
        "second": SECOND,
        "axes": AXES,
        "one_click": ONE_CLICK,
        "tasks": [task_told(words, task) for task in protocol.tasks],
        "questionnaire": [task_told(words, task) for task in protocol.pages.questionnaire],
        "instructions": len(protocol.pages.instructions),
        "screen": screen_of(protocol, media),
        "devices": protocol.pages.devices,
        "sound": protocol.pages.sound_check and any(m.heard for m in media.values()),
        "words": {name: words[name] for name in IN_SCRIPTS},
    }  # fmt: skip


def screen_of(protocol: Protocol, media: Mapping[str, Medium]) -> dict[str, int]:
    """The smallest window, in pixels, in which every stimulus is seen whole."""
    any_device = protocol.pages.devices == "any"
    smallest, around = (SMALLEST_OF_ANY, AROUND_OF_ANY) if any_device else (SMALLEST, AROUND)
    shown = [m for medium in media.values() for m in (medium, medium.picture) if m is not None]
    width = max((m.width or 0 for m in shown), default=0) + around[0]
    height = max((m.height or 0 for m in shown), default=0) + around[1]
    if any(isinstance(task, AffectGrid) for task in protocol.tasks):  # it stands beside them
        width, height = width + GRID[0], max(height, GRID[1])
    return {"width": max(smallest[0], width), "height": max(smallest[1], height)}


def copy_static(folder: Path) -> None:
    """Put the player's scripts and styles into `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(WEB / "static", folder)


def render(
    study: Study, protocol: Protocol, public: Mapping[str, Any], policy: str = "",
    *, jatos: bool = False,
) -> str:  # fmt: skip
    """The page.

    Args:
        study: its own templates come before mien's.
        protocol: texts and language.
        public: what the page knows (`told`).
        policy: content security policy, where no server of ours sends one.
        jatos: whether JATOS serves the page, with its own script.
    """
    pages, words = protocol.pages, WORDS[protocol.pages.language]
    places = [study.folder / "templates", WEB / "templates"]
    familiarisation = pages.familiarisation
    return fill(
        "index.html", places, html=True,
        study=public,
        policy=policy,
        jatos=jatos,
        words=words | {"keys_explained": how_to_answer(words, protocol.tasks)},
        language=pages.language,
        platform=protocol.recruitment.platform,
        minutes=protocol.recruitment.minutes,
        pages=(*PAGES, *(["preview"] if protocol.recruitment.platform == "mturk" else [])),
        consent={"text": to_html(pages.consent.text), "agree": pages.consent.agree},
        instructions=[to_html(text) for text in pages.instructions],
        familiarisation=to_html(familiarisation.text) if familiarisation else "",
        has_practice=protocol.design.practice is not None,
        pause=to_html(protocol.design.breaks.text) if protocol.design.breaks else "",
        debrief=to_html(pages.debrief),
    )  # fmt: skip

"""`mien study static`: protocol, plan and stimuli in; a study that runs without mien's server out.

static/site/          for any web host: the pages of the web study, and slots/001.json, …, what one
                      participant is told (`experiments.view`)
static/<name>.zip     the same, packed
static/<name>.jzip    for JATOS

The player is that of the web; `player/server.js` takes the place of the server. Nothing that is
written holds conditions or identities. Completion codes stand in the page, for nobody else could
give them out.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from experiments.build import copy_static, render, told
from experiments.errors import StudyError
from experiments.media import Medium, lay_out, read_shown
from experiments.npm import copy_scripts
from experiments.plan import Plan
from experiments.reception import Place
from experiments.recruitment.platforms import code_of, needs_id, redirect_of
from experiments.server import warn_of_codes
from experiments.static.jatos import study_file
from experiments.view import examples, study_of
from experiments.words import WORDS
from protocols.licences import caution
from protocols.protocol import Protocol
from protocols.study import Study
from protocols.tables import write_whole

HERE = Path(__file__).parent
FOLDER = "static"  # of the study
DATAPIPE = "https://pipe.jspsych.org/api/data/"
EXPERIMENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
ADDRESS = re.compile(r"https://[\w.:/-]+|http://(localhost|127\.0\.0\.1)(:\d+)?[\w./-]*")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self' {datapipe}; base-uri 'none'; form-action 'none'"
)
# jatos.js runs scripts that it has fetched, sets styles, and talks through a web socket
JATOS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws: wss:; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'"
)
PACKED = (".png", ".jpg", ".jpeg", ".webp", ".mp4", ".webm", ".mp3", ".ogg")  # packed already
WHEN = (1980, 1, 1, 0, 0, 0)  # date of the files in an archive: the same study, the same bytes


def build_site(
    study: Study,
    experiment: str,
    address: str = DATAPIPE,
    tell: Callable[[str], object] = str,
) -> Path:
    """Write the site for a web host; returns its archive, which stands beside the folder `site`.

    Args:
        study: a study with plan and stimuli.
        experiment: id of the researcher's experiment at DataPipe.
        address: where DataPipe takes data.
        tell: takes a line for the researcher.

    Raises:
        StudyError: something is missing or does not fit, or the recruitment needs a server.
    """
    if not EXPERIMENT.fullmatch(experiment):
        raise StudyError(
            f"--datapipe: found '{experiment}'; accepted: the experiment's id, as DataPipe shows "
            "it: letters, digits, - and _"
        )
    if not ADDRESS.fullmatch(address):
        raise StudyError(f"--address: found '{address}'; accepted: an address with https://")
    parts = urlsplit(address)
    policy = POLICY.format(datapipe=f"{parts.scheme}://{parts.netloc}")
    place = study.folder / FOLDER
    site = place / "site"
    saving = {"datapipe": {"experiment": experiment, "address": address}}
    words = {"saved": "saved_here"}  # nobody else has the answers before the end
    protocol, _ = _write(study, site, "datapipe.js", policy, tell, saving, words)
    write_whole(site / ".nojekyll", b"")  # GitHub Pages: serve the files as they are
    return _pack(place / f"{protocol.name}.zip", {"": site})


def build_jatos(study: Study, tell: Callable[[str], object] = str) -> Path:
    """Write the study archive for JATOS; returns it. Arguments and errors: see `build_site`."""
    place = study.folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        assets = Path(folder)
        protocol, plan = _write(study, assets, "jatos.js", JATOS_POLICY, tell)
        described = json.dumps(study_file(protocol, plan), ensure_ascii=False, indent=2)
        return _pack(
            place / f"{protocol.name}.jzip",
            {f"{protocol.name}/": assets},
            {f"{protocol.name}.jas": described},
        )


def _write(
    study: Study,
    folder: Path,
    sink: str,
    policy: str,
    tell: Callable[[str], object],
    saving: Mapping[str, Any] = MappingProxyType({}),
    words: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Protocol, Plan]:
    """Write page, player, media and slots into `folder`.

    `saving`: what the sink must know; `words`: a text of the player -> the one in its place.
    """
    protocol = study.protocol()
    _refuse_signed(protocol)
    warn_of_codes(protocol, tell)
    if (warning := caution(protocol)) is not None:
        tell(warning)
    plan, media, manifest = read_shown(study, protocol)
    folder.mkdir(parents=True, exist_ok=True)
    copy_scripts(folder / "jspsych")
    copy_static(folder / "static")
    for script, own in (("server.js", "server.js"), ("chance.js", "chance.js"), (sink, "sink.js")):
        shutil.copyfile(HERE / "player" / script, folder / "static" / own)
    lay_out(media, folder / "media")
    _write_slots(protocol, plan, media, manifest, folder / "slots")
    public = {**told(protocol, plan, media), **_told(protocol, plan), **saving}
    own = WORDS[protocol.pages.language]
    public["words"] = {**public["words"], **{name: own[other] for name, other in words.items()}}
    page = render(study, protocol, public, policy, jatos=sink == "jatos.js")
    write_whole(folder / "index.html", page.encode())
    return protocol, plan


def _refuse_signed(protocol: Protocol) -> None:
    if protocol.recruitment.signed != "none":
        raise StudyError(
            "recruitment.signed: a static study cannot check signed links; accepted: none "
            "(or run the study on mien's server: mien study serve)"
        )


def _told(protocol: Protocol, plan: Plan) -> dict[str, Any]:
    """What the page knows because no server does; `lists`: the places of each list, in order."""
    recruitment = protocol.recruitment
    lists = [
        [slot for slot in sorted(plan.lists) if plan.lists[slot] == number]
        for number in sorted(set(plan.lists.values()))
    ]
    return {
        "plan": plan.digest,
        "lists": lists,
        "needs_id": needs_id(recruitment),
        "mturk": None,  # its frame needs the server
        "end": {
            "code": code_of(recruitment, "completed"),
            "redirect": redirect_of(recruitment, "completed"),
        },
    }


def _write_slots(
    protocol: Protocol,
    plan: Plan,
    media: Mapping[str, Medium],
    manifest: pd.DataFrame,
    folder: Path,
) -> None:
    """One file for each place: what its participant is told."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shown = examples(protocol, media, manifest)
    for slot in plan.trials:
        trials = study_of(protocol, plan, media, Place("", "", "active", slot))["trials"]
        text = json.dumps({"trials": trials, "examples": shown}, ensure_ascii=False)
        write_whole(folder / f"{slot:03d}.json", text.encode())


def _pack(
    archive: Path, folders: Mapping[str, Path], texts: Mapping[str, str] | None = None
) -> Path:
    """Write a ZIP archive. `folders`: place in it -> folder; `texts`: place in it -> content."""
    unfinished = archive.with_name(f".{archive.name}")
    with zipfile.ZipFile(unfinished, "w") as packed:
        for place, content in (texts or {}).items():
            packed.writestr(zipfile.ZipInfo(place, WHEN), content, zipfile.ZIP_DEFLATED)
        for place, folder in folders.items():
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    name = zipfile.ZipInfo(place + file.relative_to(folder).as_posix(), WHEN)
                    name.external_attr = 0o644 << 16  # readable, wherever it is unpacked
                    plain = file.suffix in PACKED
                    how = zipfile.ZIP_STORED if plain else zipfile.ZIP_DEFLATED
                    packed.writestr(name, file.read_bytes(), how)
    unfinished.replace(archive)
    return archive

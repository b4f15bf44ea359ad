"""What the Dockerfile and the page about hosting name is there."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import mien
from experiments.limits import CALLS, FILES, STARTS

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PAGE = (ROOT / "docs/hosting.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYERS = "scipy", "numba", "PIL", "matplotlib", "soundfile", "formulaic", "torch", "anny", "av"


def lines(instruction):
    """What follows an instruction of the Dockerfile; continued lines are joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^(?:.* )?{instruction} (.+)$", joined, re.M)


def options(words):
    """The options that a verb of `mien` knows."""
    command = typer.main.get_command(mien.app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    return {name for parameter in command.params for name in parameter.opts}


def test_what_the_image_copies_is_there_and_is_let_in():
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"]
    copied = [word for line in lines("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert {"mien*.py", "experiments", "protocols", "locks/mien.lock.txt"} <= set(copied)
    for source in copied:
        assert list(ROOT.glob(source)), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in let_in), source
    modules = PROJECT["tool"]["setuptools"]["py-modules"]
    assert all((ROOT / f"{name}.py").is_file() and fnmatch.fnmatch(f"{name}.py", "mien*.py")
               for name in modules)  # fmt: skip


def test_the_image_installs_the_web_part_in_the_versions_of_the_lock(tmp_path):
    extras = re.findall(r"'\.\[(\w+)\]'", DOCKERFILE)
    assert extras == ["web"]
    assert "web" in PROJECT["project"]["optional-dependencies"]
    (tmp_path / "mien.lock.txt").write_bytes((ROOT / "locks/mien.lock.txt").read_bytes())
    (make,) = [line for line in lines("RUN") if line.startswith("sed")]
    subprocess.run(make, shell=True, cwd=tmp_path, check=True)
    pins = (tmp_path / "versions.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!]+( ; .+)?", pin) for pin in pins)
    pinned = {re.split("==", pin)[0] for pin in pins}
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["web"]
    names = {re.match(r"[\w.-]+", one)[0].lower() for one in wanted}  # type: ignore[index]
    assert {"fastapi", "uvicorn", "sqlalchemy", "pandas"} <= names & pinned


def test_the_image_serves_as_nobody_special_and_says_whether_it_is_well():
    assert lines("USER") == ["mien"]
    (entry,), (command,) = lines("ENTRYPOINT"), lines("^CMD")
    words = json.loads(entry) + json.loads(command)
    assert words[:3] == ["mien", "study", "serve"]
    assert {w for w in words if w.startswith("--")} <= options(words[1:3])
    assert words[3] in lines("VOLUME")
    (health,) = lines("HEALTHCHECK")
    assert "/api/health" in health
    compile(json.loads(health[health.index("[") :])[2], "health", "exec")


def test_the_server_needs_the_web_part_only():
    """Nothing of the stimuli, the analysis or the networks is imported to serve a study."""
    block = f"import sys; sys.modules.update(dict.fromkeys({LAYERS})); "
    done = subprocess.run(
        [sys.executable, "-c", f"{block}import experiments.serve, experiments.admin.status"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("said", sorted(set(re.findall(r"mien study (\w+[^`|\n]*)", PAGE))))
def test_every_command_of_the_page_exists(said):
    verb, *rest = said.split()
    assert {word for word in rest if re.match("--?[a-z]", word)} <= options(["study", verb])


def test_the_limits_are_as_the_page_says():
    said = " ".join(PAGE.split())
    assert f"may begin {STARTS.burst} times at once and then once a second" in said
    assert f"send {CALLS.per_s} requests a second" in said
    assert f"load {FILES.burst:,} files at once" in said
    assert STARTS.per_s == 1


def test_unit_and_proxies_agree_on_the_address():
    assert re.findall(r"--port (\d+)", PAGE) == ["8000"]
    to = re.findall(r"(?:reverse_proxy|proxy_pass) (?:http://)?([\d.:]+)", PAGE)
    assert len(to) == 3
    assert set(to) == {"127.0.0.1:8000"}

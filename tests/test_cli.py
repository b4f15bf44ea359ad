"""Every verb's help shows an example, and the examples, run in order, make a whole study."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import typer
from PIL import Image

import mien
from tests.command import Done, command

ROOT = Path(__file__).parents[1]
VOTES = """"",A,D,F,H,N,S,fileName
100001,0,0,0,1,10,0,1001_IEO_NEU_XX
200002,0,0,0,9,1,0,1001_IEO_HAP_LO
300003,8,1,0,0,1,0,1002_IEO_ANG_XX
"""  # the first columns of CREMA-D's table of votes
FACES = """name: faces
licence: CC0-1.0
may_be_shown: true
pattern: '(?P<actor>\\d\\d)-(?P<emotion>\\w+)'
"""  # how photographs of one's own are named


def commands() -> dict[str, str]:
    """Verb -> the example of its help, in the order of the help."""
    group = typer.main.get_command(mien.app)
    found = {}
    for name, verbs in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(verbs, "commands", {"": verbs})
        for sub, verb in below.items():
            example = re.search(r"Example: (mien .+?)(?:\n\n|$)", verb.help or "", re.S)
            assert example, f"mien {name} {sub}: no example in its help"
            found[f"{name} {sub}".strip()] = " ".join(example[1].split())
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the shipped protocols, as in a clone; the demo's pictures are small."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "protocols", folder / "protocols", ignore=shutil.ignore_patterns("*.py"))
    demo = folder / "protocols" / "demo.yaml"
    demo.write_text(demo.read_text().replace("  identities: 8\n", "  identities: 8\n  size: 96\n"))
    (folder / "tabulatedVotes.csv").write_text(VOTES)
    for name in ("faces", "backups"):
        (folder / name).mkdir()
    for name in ("01-happy", "01-sad", "02-happy"):
        Image.new("RGB", (40, 50), "grey").save(folder / "faces" / f"{name}.png")
    (folder / "faces.yaml").write_text(FACES)
    return folder


def run(example: str, place: Path) -> Done:
    """The command of an example; * stands for every shipped protocol."""
    words = [word for word in example.split()[1:] if "*" not in word]
    if "*" in example:
        words += [f"protocols/{path.name}" for path in sorted((ROOT / "protocols").glob("*.yaml"))]
    return command(*words, cwd=place)


EXAMPLES = commands()
BEFORE = {
    "align": ("voice",),
    "corpus info": ("corpus add",),
    "corpus prepare": ("corpus make",),
    "study build": ("generate",),
    "recruit sheet": ("generate",),
    "study serve": ("generate", "study build"),
    "simulate": ("generate", "study build"),
    "study status": ("generate", "study build", "simulate"),
    "study token": ("generate",),
    "study backup": ("generate", "study token"),  # there is a store, if an empty one
    "study purge": ("generate", "study token"),
    "study static": ("generate",),
    "study export": ("generate", "study build", "simulate"),
    "study dataset": ("generate", "study build", "simulate"),
    "rate": ("generate", "study build", "simulate"),
    "report": ("generate", "study build", "simulate"),
}
# Served below; what needs PyTorch: in test_own_cast, test_train_verb, test_evaluate_context_face,
# test_evaluate_talking_face; what talks to a platform: in test_signed_links, test_prolific and
# test_mturk.
NOT_HERE = ("study serve", "cast", "train context-face", "train talking-face",
            "train valence-arousal", "train reaction", "evaluate context-face",
            "evaluate talking-face", "evaluate valence-arousal", "evaluate reaction",
            "recruit keys", "recruit links", "recruit draft",
            "recruit submissions", "recruit approve", "recruit bonus",
            "recruit replace")  # fmt: skip
NEEDS = {  # packages that not every environment has
    "voice": ("soundfile", "pyworld"),
    "align": ("soundfile", "pyworld", "pocketsphinx"),
}
ran: set[str] = set()


def prepare(verb: str, place: Path) -> None:
    """Run the verbs that `verb` needs, unless they have run already."""
    for earlier in BEFORE.get(verb, ()):
        if earlier not in ran:
            done = run(EXAMPLES[earlier], place)
            assert done.returncode == 0, done.stderr
            ran.add(earlier)


@pytest.mark.parametrize("verb", [v for v in EXAMPLES if v not in NOT_HERE])
def test_the_example_of_each_verb_runs(verb, place):
    for package in NEEDS.get(verb, ()):
        pytest.importorskip(package, reason=f"{package} is not installed")
    prepare(verb, place)
    done = run(EXAMPLES[verb], place)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    ran.add(verb)


def test_the_served_study_answers(place):
    prepare("study serve", place)
    example = EXAMPLES["study serve"].split()
    command = [sys.executable, str(ROOT / "mien.py"), *example[1:-1], "0"]
    served = subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert served.stdout is not None
    try:
        address = None
        until = time.time() + 60
        while address is None and time.time() < until:
            address = re.search(r"http://127\.0\.0\.1:\d+\S*", served.stdout.readline())
        assert address, "the command printed no address"
        with urllib.request.urlopen(address[0], timeout=60) as page:
            assert page.status == 200
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(30)
        served.stdout.close()


def test_a_second_run_only_reuses(place):
    prepare("report", place)
    assert run(EXAMPLES["report"], place).returncode == 0
    before = {
        path: path.stat().st_mtime_ns
        for folder in ("stimuli", "plan", "web", "report")
        for path in (place / "studies/demo" / folder).rglob("*")
    }
    said = {verb: run(EXAMPLES[verb], place).stdout for verb in (*BEFORE["report"], "report")}
    assert re.search(r"^0 stimuli made, \d+ already there", said["generate"], re.M)
    assert "nothing has changed" in said["study build"]
    assert re.match(r"(\d+) simulated .* \(\1 were there already\)", said["simulate"])
    assert "nothing has changed" in said["report"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_command_starts_without_heavy_imports():
    heavy = ("torch", "numba", "pandas", "scipy", "fastapi", "matplotlib")
    code = f"import mien, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_part_that_is_not_installed_is_named(place):
    prepare("report", place)
    block = "import sys; sys.modules['formulaic'] = None; import mien; mien.main()"
    done = subprocess.run(
        [sys.executable, "-c", block, "report", "studies/demo"],
        cwd=place, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "formulaic is not installed; this verb needs the part 'analysis' of mien" in line


@pytest.mark.parametrize("typed", ["mien repotr studies/demo", "mien simulate x -n 0", "mien plan"])
def test_a_mistyped_command_is_explained_without_a_traceback(typed, place):
    done = run(typed, place)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")


def test_a_generator_that_is_not_there_yet_says_so_in_one_line(place):
    done = run("mien generate protocols/blume2024-experiment1.yaml -o studies/none", place)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "the generator 'voiced-face' is not in this version of mien" in line
    assert not (place / "studies/none").exists()

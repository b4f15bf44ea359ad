"""Fifty and more broken protocols: each ends in one clear error with its line, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from protocols.reading import ProtocolError, load

ROOT = Path(__file__).parents[1]
BASE = """\
name: base
title: A study
seed: 7
stimuli:
  generator: actor
  identities: 8
  factors:
    emotion: [angry, happy]
    m: [0, 0.5, 1]
tasks:
  - id: valence
    type: likert
    question: How negative or positive?
    points: 9
    anchors: {1: very negative, 9: very positive}
  - id: seen
    type: forced-choice
    question: Which emotion?
    options: [angry, happy]
design:
  rotate: [emotion]
  order:
    max_run: {m: 3}
pages:
  questionnaire:
    - {id: distracted, type: labelled-rating, question: Distracted?, labels: ["not", "very"]}
recruitment:
  platform: prolific
  per_list: 20
exclusions:
  - {id: was-distracted, rule: answer, question: distracted, of: ["very"]}
analysis:
  models:
    - id: ratings
      formula: valence ~ m/emotion + (emotion | participant)
      coding: {emotion: sliding-difference, m: treatment}
simulation:
  tasks:
    valence:
      effects:
        - {when: {emotion: happy, m: 1}, add: 1}
"""

# name: (text in BASE, what it is broken into, line of the error, words the error must hold)
BROKEN = {
    "typo in a key": ("seed: 7", "sede: 7", 3, ["sede", "did you mean 'seed'"]),
    "unknown key": ("seed: 7", "colour: red", 3, ["unknown key 'colour'", "accepted", "title"]),
    "unknown key deep": ("points: 9", "pionts: 9", 14, ["pionts", "did you mean 'points'"]),
    "missing title": ("title: A study\n", "", None, ["title", "missing"]),
    "missing generator": ("  generator: actor\n", "", None, ["generator", "missing"]),
    "missing factors": (
        "  factors:\n    emotion: [angry, happy]\n    m: [0, 0.5, 1]\n", "", None,
        ["factors", "missing"]),
    "seed is a word": ("seed: 7", "seed: seven", 3, ["seed", "seven", "integer"]),
    "seed is negative": ("seed: 7", "seed: -1", 3, ["seed", "-1", "greater than or equal to 0"]),
    "name with spaces": ("name: base", "name: My Study", 1, ["My Study", "lower-case"]),
    "name climbs out": ("name: base", "name: ../../etc", 1, ["../../etc", "lower-case"]),
    "empty title": ("title: A study", "title: ''", 2, ["title", "at least 1 character"]),
    "title is a list": ("title: A study", "title: [a, b]", 2, ["title", "string"]),
    "generator typo": ("generator: actor", "generator: acotr", 5, ["acotr", "mean 'actor'"]),
    "generator is a number": ("generator: actor", "generator: 3", 5, ["generator", "3", "string"]),
    "corpus unknown": ("generator: actor", "generator: actor\n  corpus: ravdes", 6,
                       ["ravdes", "mean 'ravdess'"]),
    "corpus of another": ("generator: actor", "generator: actor\n  corpus: celeba", 6,
                          ["celeba", "accepted: actors"]),
    "emotion typo": ("[angry, happy]\n    m", "[angry, hapy]\n    m", 8, ["hapy", "mean 'happy'"]),
    "emotion twice": ("[angry, happy]\n    m", "[happy, happy]\n    m", 8, ["happy", "twice"]),
    "emotion as yes": ("[angry, happy]\n    m", "[true]\n    m", 8, ["emotion", "True"]),
    "levels no list": ("m: [0, 0.5, 1]", "m: 1", 9, ["m: found 1", "list of levels"]),
    "levels empty": ("m: [0, 0.5, 1]", "m: []", 9, ["m: found []", "one or more"]),
    "m beyond one": ("m: [0, 0.5, 1]", "m: [0, 1.4]", 9, ["1.4", "0.0 to 1.0", "caricature"]),
    "m a word": ("m: [0, 0.5, 1]", "m: [half]", 9, ["half", "numbers from"]),
    "factor typo": ("    emotion: [angry", "    emoton: [angry", 8, ["emoton", "mean 'emotion'"]),
    "factor of another": ("m: [0, 0.5, 1]", "missing: [voice]", 9,
                          ["missing", "actor knows"]),
    "clip of a kind that is not": (
        "generator: actor\n", "generator: actor\n  clip: {kind: talkin}\n", 6,
        ["talkin", "accepted: dynamic, talking", "mean 'talking'"]),
    "clip without kind": ("generator: actor\n", "generator: actor\n  clip: {seconds: 2}\n", 6,
                          ["the key kind is missing; accepted: dynamic, talking"]),
    "clip with unknown sentence": (
        "generator: actor\n", "generator: actor\n  clip: {kind: talking, sentences: [TSJ]}\n", 6,
        ["TSJ", "not a known sentence", "mean 'TSI'"]),
    "sentence factor unknown": ("m: [0, 0.5, 1]", "sentence: [IEO, DFB]", 9,
                                ["DFB", "mean 'DFA'"]),
    "sentences twice told": (
        "    m: [0, 0.5, 1]\n",
        "    sentence: [IEO]\n    m: [0, 1]\n  clip: {kind: talking, sentences: [DFA]}\n", 11,
        ["the factor sentence says what is said; leave out clip.sentences"]),
    "clip too short for its flanks": (
        "generator: actor\n",
        "generator: actor\n  clip: {kind: dynamic, seconds: 1, onset: 0.9}\n", 6,
        ["onset 0.9 and offset 0.7", "1 together at most"]),
    "clip of odd size": ("generator: actor\n",
                         "generator: actor\n  clip: {kind: dynamic}\n  size: 255\n", 7,
                         ["255", "even numbers of pixels"]),
    "less than a neutral face": (
        "    m: [0, 0.5, 1]", "    m: [-0.5, 1]\n  caricature: true", 9,
        ["-0.5", "accepted for actor: numbers from 0"]),
    "voice of an actor without face": (
        "    emotion: [angry, happy]\n", "    voice_emotion: [happy]\n", 7,
        ["actor with a talking clip needs the factor 'face_emotion'", "'emotion' in place"]),
    "clip of another generator": (
        "generator: actor\n  identities: 8\n  factors:\n"
        "    emotion: [angry, happy]\n    m: [0, 0.5, 1]",
        "generator: voiced-face\n  clip: {kind: dynamic}\n  identities: 8\n  factors:\n"
        "    emotion: [happy]", 6, ["voiced-face has no clips", "generator: actor"]),
    "emotion beside valence": ("m: [0, 0.5, 1]", "valence: [0, 1]", 9,
                               ["valence and arousal stand in place of emotion", "leave out"]),
    "valence without arousal": ("    emotion: [angry, happy]\n", "    valence: [0, 1]\n", 7,
                                ["go together", "add the factor 'arousal'"]),
    "compound typo": ("    emotion: [angry, happy]\n", "    emotion: [happily suprised]\n", 8,
                      ["mean 'happily surprised'"]),
    "compound of a voice": (
        "generator: actor\n  identities: 8\n  factors:\n"
        "    emotion: [angry, happy]\n    m: [0, 0.5, 1]",
        "generator: voiced-face\n  identities: 8\n  factors:\n    emotion: [awed]", 8,
        ["voiced-face has no compound emotions for emotion"]),
    "emotion twice over": (
        "generator: actor\n  identities: 8\n  factors:\n"
        "    emotion: [angry, happy]\n    m: [0, 0.5, 1]",
        "generator: talking-face\n  factors:\n    emotion: [happy]\n    face_emotion: [sad]", 7,
        ["'emotion' stands for voice_emotion and face_emotion", "leave out"]),
    "voice without face": (
        "generator: actor\n  identities: 8\n  factors:\n"
        "    emotion: [angry, happy]\n    m: [0, 0.5, 1]",
        "generator: talking-face\n  factors:\n    voice_emotion: [happy]", 6,
        ["needs the factor 'face_emotion'", "or 'emotion' in place of"]),
    "examples of no level": ("pages:\n", "pages:\n  familiarisation: {factor: emotion, levels: "
                             "{m: 0.7}}\n", 25, ["0.7", "accepted: 0, 0.5, 1"]),
    "examples of no factor": ("pages:\n", "pages:\n  familiarisation: {factor: emotion, levels: "
                              "{n: 1}}\n", 25, ["'n'", "accepted: m"]),
    "no identities": ("identities: 8", "identities: 0", 6, ["found 0", "1 to 10000"]),
    "identity numbers": ("identities: 8", "identities: [1, 2]", 6, ["found 1", "write '1'"]),
    "identity twice": ("identities: 8", "identities: ['01', '01']", 6, ["different names"]),
    "per cell too many": ("identities: 8", "identities: {pick: 8, per_cell: 9}", 6, ["1 to 8"]),
    "giant size": ("identities: 8", "identities: 8\n  size: 100000", 7, ["size", "1024"]),
    "too many stimuli": ("identities: 8", "identities: 10000\n  caricature: true", 4, None),
    "task type typo": ("type: likert", "type: lickert", 11, ["lickert", "mean 'likert'"]),
    "task type missing": ("    type: likert\n", "", 11, ["type", "likert, labelled-rating"]),
    "no tasks": ("design:\n", "x:\n", None, ["unknown key 'x'"]),
    "two tasks one id": ("id: seen", "id: valence", 10, ["'valence'", "own id"]),
    "points zero": ("points: 9", "points: 0", 14, ["points", "2"]),
    "anchor off scale": ("9: very positive", "10: very positive", 11, ["anchor at 10", "1 to 9"]),
    "option twice": ("options: [angry, happy]", "options: [happy, happy]", 19, ["twice"]),
    "one option": ("options: [angry, happy]", "options: [happy]", 19, ["at least 2"]),
    "rotate unknown": ("rotate: [emotion]", "rotate: [emotions]", None,
                       ["emotions", "mean 'emotion'"]),
    "rotate and between": ("rotate: [emotion]", "rotate: [emotion]\n  between: [emotion]", 20,
                           ["between", "rotate"]),
    "run of nothing": ("max_run: {m: 3}", "max_run: {m: 0}", 23, ["found 0", "1 to 1000"]),
    "run of unknown": ("max_run: {m: 3}", "max_run: {mm: 3}", None, ["mm", "accepted"]),
    "order unknown": ("    max_run: {m: 3}", "    method: shuffled", 23,
                      ["shuffled", "random"]),
    "platform typo": ("platform: prolific", "platform: prolfic", 28, ["mean 'prolific'"]),
    "quota of zero": ("per_list: 20", "per_list: 0", 29, ["per_list", "1"]),
    "rule typo": ("rule: answer", "rule: anwser", 31, ["anwser", "mean 'answer'"]),
    "rule on nothing": ("question: distracted, of", "question: distrcted, of", None,
                        ["distrcted", "mean 'distracted'"]),
    "rule on no answer": ('of: ["very"]', 'of: ["vary"]', None, ["vary", "mean 'very'"]),
    "formula without group": (" + (emotion | participant)", "", 35, ["no random effect"]),
    "formula unknown name": ("m/emotion", "m/emotoin", None, ["emotoin", "mean 'emotion'"]),
    "formula of a choice": ("valence ~", "seen ~", None, ["seen is no scale"]),
    "formula runs code": ("m/emotion", "exec(m)", None, ["exec"]),
    "formula with a quote": ("m/emotion", "m/'e'", None, ["cannot stand in a formula"]),
    "coding typo": ("sliding-difference", "slidng-difference", 36, ["mean 'sliding-difference'"]),
    "effect on no level": ("m: 1}, add", "m: 0.7}, add", None, ["0.7", "accepted: 0, 0.5, 1"]),
    "effect without add": (", add: 1}", "}", 41, ["add", "missing"]),
    "tab": ("seed: 7", "\tseed: 7", 3, ["not YAML"]),
    "bracket open": ("[angry, happy]\n    m", "[angry, happy\n    m", None, ["not YAML"]),
    "key twice": ("seed: 7", "seed: 7\nseed: 8", 4, ["'seed'", "twice"]),
    "python tag": ("seed: 7", "seed: !!python/object/apply:os.system ['true']", 3, ["tag"]),
    "own tag": ("seed: 7", "seed: !secret 7", 3, ["tag !secret"]),
    "alias": ("title: A study", "title: &t A study\ndescription: *t", 3, ["alias *t"]),
    "file leaves": ("pages:\n", "pages:\n  debrief: {file: ../../../etc/passwd}\n", 25, ["leaves"]),
    "file absolute": ("pages:\n", "pages:\n  debrief: {file: /etc/passwd}\n", 25, ["leaves"]),
    "file not there": ("pages:\n", "pages:\n  debrief: {file: no.md}\n", 25, ["no.md", "no such"]),
    "not a mapping": (BASE, "- a\n- b\n", 1, ["a list", "mapping"]),
    "empty file": (BASE, "", 1, ["nothing", "mapping"]),
    "only a word": (BASE, "hello\n", 1, ["text", "mapping"]),
    "deep nesting": (BASE, "a: " + "[" * 60 + "]" * 60 + "\n", 1, ["nested deeper"]),
    "many entries": (BASE, "a: [" + "1," * 120_000 + "1]\n", 1, ["more than 100000 entries"]),
    "codes with blanks": ("  per_list: 20", "  codes: {completed: 'C1 X'}", 29,
                          ["C1 X", "letters"]),
    "attention above scale": ("design:\n", "design:\n  attention: [{id: a, text: Press, task: "
                              "valence, answer: 12}]\n", None, ["asks for 12", "1…9"]),
    "not a number": ("seed: 7", "seed: .nan", 3, ["seed"]),
    "huge number": ("seed: 7", "seed: 99999999999999999999999999", 3, ["seed"]),
}  # fmt: skip
TASKS = BASE[BASE.index("tasks:\n  - id") : BASE.index("design:")]
BROKEN["no tasks"] = (TASKS, "", None, ["tasks", "missing"])
BROKEN["too many stimuli"] = (
    "  identities: 8\n  factors:\n    emotion: [angry, happy]\n    m: [0, 0.5, 1]",
    "  identities: 10000\n  factors:\n    emotion: [angry, happy, sad, fearful]\n"
    "    m: [0, 0.1, 0.2, 0.3, 0.4, 0.5]", 4, ["240000 stimuli", "at most 200000"])  # fmt: skip


def broken(name: str, folder: Path) -> Path:
    old, new, _, _ = BROKEN[name]
    assert BASE.count(old) == 1, f"{name}: the text to break stands {BASE.count(old)} times"
    path = folder / "broken.yaml"
    path.write_text(BASE.replace(old, new), encoding="utf-8")
    return path


def test_the_base_is_valid(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    assert load(path).stimuli.count == 48


def test_there_are_fifty_at_least():
    assert len(BROKEN) >= 50


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_protocol_ends_in_one_clear_error(name, tmp_path):
    path = broken(name, tmp_path)
    _, _, line, words = BROKEN[name]
    with pytest.raises(ProtocolError) as caught:
        load(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1, message
    assert message.startswith(str(path)), message
    if line is not None:
        assert f"broken.yaml:{line}:" in message, message
    for word in words:
        assert word in message, message
    assert "pydantic" not in message
    assert "Error" not in message


def test_a_yaml_bomb_is_refused_at_once(tmp_path):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    path = tmp_path / "bomb.yaml"
    path.write_text(bomb)
    with pytest.raises(ProtocolError, match=r"bomb.yaml:2: found the alias \*a"):
        load(path)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "outside.md").write_text("secret")
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "debrief.md").symlink_to(tmp_path / "outside.md")
    path = folder / "p.yaml"
    path.write_text(BASE.replace("pages:\n", "pages:\n  debrief: {file: debrief.md}\n"))
    with pytest.raises(ProtocolError, match="leaves the study's folder"):
        load(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00bad", "not UTF-8"),
        (b"name: a\x00b\n", "not YAML"),
        (b"x" * 1_000_001, "1000000 at most"),
    ],
)
def test_files_that_are_no_text_are_refused(content, words, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes(content)
    with pytest.raises(ProtocolError, match=words):
        load(path)


def test_the_command_prints_the_error_alone(tmp_path):
    path = broken("emotion typo", tmp_path)
    done = subprocess.run(
        [sys.executable, ROOT / "mien.py", "check", path, tmp_path / "absent.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert "did you mean 'happy'" in first
    assert second == f"{tmp_path / 'absent.yaml'}: no such file"

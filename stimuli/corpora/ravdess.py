"""RAVDESS (Livingstone & Russo, 2018): `Actor_12/01-01-06-01-02-01-12.mp4`.

Seven numbers: modality (01 face and voice, 02 face, 03 voice), channel (01 speech, 02 song),
emotion, intensity, statement, repetition, actor (odd: male). Neutral is never strong; songs are
neutral, calm, happy, sad, angry or fearful; actor 18 does not sing. 7,356 files in all. The three
files of one recording are one clip here; the silent video counts only where the other is not there.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator

from protocols.licences import LICENCES
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree, stem, suffix

PATTERN = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
PARTS = ("modality", "channel", "emotion", "intensity", "statement", "repetition", "actor")
MODALITY = {"01": "face and voice", "02": "face", "03": "voice"}
CHANNEL = {"01": "speech", "02": "song"}
EMOTION = {"01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry",
           "06": "fearful", "07": "disgusted", "08": "surprised"}  # fmt: skip
INTENSITY = {"01": "normal", "02": "strong"}
STATEMENT = {"01": "kids", "02": "dogs"}  # "Kids (dogs) are talking (sitting) by the door."
REPETITION = ("01", "02")
ACTORS = tuple(f"{number:02d}" for number in range(1, 25))
KNOWN = (MODALITY, CHANNEL, EMOTION, INTENSITY, STATEMENT, REPETITION, ACTORS)
NOT_SUNG, NO_SINGER = ("07", "08"), "18"
FOLDER = re.compile(r"Actor_(\d\d)", re.I)


def read(tree: Tree) -> list[Clip]:
    """The recordings of RAVDESS below the tree."""
    files: dict[str, list[str]] = defaultdict(list)  # name -> paths
    for path in tree.media(".mp4", ".wav"):
        if _fits(path, tree):
            files[stem(path)].append(path)
    for name, paths in files.items():
        if len(paths) > 1:
            tree.problems.add("duplicate", paths[1], f"{name} is also {paths[0]}, which is used")
    _note_missing(files, tree)
    recordings: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for name, paths in files.items():
        recordings[name[3:]][name[:2]] = paths
    return [_clip(name, parts) for name, parts in recordings.items()]


def _fits(path: str, tree: Tree) -> bool:
    """Whether the name is one of RAVDESS's and agrees with folder and kind of file."""
    codes = PATTERN.fullmatch(stem(path))
    if codes is None:
        tree.problems.add("name", path, "accepted: seven two-digit numbers, 03-01-06-01-02-01-12")
        return False
    wrong = [f"{part} {code}" for part, code, known in zip(PARTS, codes.groups(), KNOWN,
                                                            strict=True)
             if code not in known]  # fmt: skip
    modality, channel, emotion, intensity, _, _, actor = codes.groups()
    if emotion == "01" and intensity == "02":
        wrong.append("a strong neutral")
    if channel == "02" and (emotion in NOT_SUNG or actor == NO_SINGER):
        wrong.append("a song of actor 18" if actor == NO_SINGER else "a song of this emotion")
    if wrong:
        tree.problems.add("code", path, f"RAVDESS has no {', '.join(wrong)}; rename or remove it")
        return False
    folder = FOLDER.search(path)
    if folder is not None and folder[1] != actor:
        tree.problems.add(
            "conflict", path, f"actor {actor} by its name, {folder[1]} by its folder: which is it?"
        )
        return False
    kind = ".wav" if modality == "03" else ".mp4"
    if suffix(path) != kind:
        tree.problems.add("conflict", path, f"modality {modality} is a {kind} file")
        return False
    return True


def _clip(name: str, parts: dict[str, list[str]]) -> Clip:
    channel, emotion, intensity, statement, repetition, actor = name.split("-")
    return Clip(
        clip=name,
        actor=actor,
        gender="male" if int(actor) % 2 else "female",
        emotion=EMOTION[emotion],
        intensity=INTENSITY[intensity],
        sentence=STATEMENT[statement],
        channel=CHANNEL[channel],
        take=int(repetition),
        video=[*parts.get("01", ()), *parts.get("02", ())],
        audio=parts.get("03", []),
    )


def published(channel: str, actor: str) -> Iterator[str]:
    """The recordings of an actor, as `01-06-01-02-01-12`: 60 spoken, 44 sung."""
    if channel == "02" and actor == NO_SINGER:
        return
    for emotion, intensity, statement, repetition in itertools.product(
        EMOTION, INTENSITY, STATEMENT, REPETITION
    ):
        unsung = channel == "02" and emotion in NOT_SUNG
        if not unsung and not (emotion == "01" and intensity == "02"):
            yield f"{channel}-{emotion}-{intensity}-{statement}-{repetition}-{actor}"


def _note_missing(files: dict[str, list[str]], tree: Tree) -> None:
    """What is lacking of each set (such as spoken voices) of which anything is there."""
    for modality, channel in sorted({(name[:2], name[3:5]) for name in files}):
        title = f"{CHANNEL[channel]}, {MODALITY[modality]}"
        absent: dict[str, int] = {}
        for actor in ACTORS:
            wanted = [f"{modality}-{name}" for name in published(channel, actor)]
            lacking = [name for name in wanted if name not in files]
            if wanted and len(lacking) == len(wanted):
                absent[actor] = len(wanted)
            elif lacking:
                said = f"{title}: {len(lacking)} of {len(wanted)} not there: {some(lacking)}"
                tree.problems.add("missing", f"Actor_{actor}", said, len(lacking))
        if absent:
            said = f"{title}: nothing of {len(absent)} actors: {some(absent, 24)}"
            tree.problems.add("missing", "Actor_*", said, sum(absent.values()))


RAVDESS = Adapter(
    "ravdess", "1", LICENCES["ravdess"], "Actor_12/03-01-06-01-02-01-12.wav", read
)  # fmt: skip

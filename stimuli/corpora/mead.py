"""MEAD (Wang et al., 2020): `M003/video/front/angry/level_1/001.mp4`, `M003/audio/angry/level_1/`.

Actors M… are men, W… women; seven views; eight emotions at levels 1 to 3, neutral at level 1 only;
30 sentences of each emotion and 40 neutral ones. The same number is another sentence in another
emotion, so a sentence is `angry-001`. A clip is one view, with the sound that all views share.
Published parts differ: views and emotions are missing for some actors, and M003 is numbered anew.
"""

from __future__ import annotations

import re
from collections import defaultdict

from protocols.licences import LICENCES
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree

VIEWS = ("front", "down", "top", "left_30", "left_60", "right_30", "right_60")
EMOTION = {"angry": "angry", "contempt": "contempt", "disgusted": "disgusted", "fear": "fearful",
           "happy": "happy", "neutral": "neutral", "sad": "sad",
           "surprised": "surprised"}  # fmt: skip
LEVEL = {"1": "low", "2": "medium", "3": "high"}
SENTENCES, NEUTRAL_SENTENCES = 30, 40
PATTERN = re.compile(
    r"(?:.*/)?(?P<actor>[^/]+)/(?:audio|video/(?P<view>[^/]+))/(?P<emotion>[^/]+)"
    r"/level_(?P<level>[^/]+)/(?P<number>[^/.]+)\.(?P<kind>mp4|m4a|wav)",
    re.I,
)
RENUMBERED = "M003", "numbers of sentences are not those of other actors"
Cell = tuple[str, str, str]  # actor, emotion, level
Key = tuple[str, str, str, str]  # and number


def read(tree: Tree) -> list[Clip]:
    """The clips of MEAD below the tree."""
    sounds: dict[Key, list[str]] = defaultdict(list)
    videos: dict[str, dict[Key, str]] = defaultdict(dict)  # view -> key -> path
    for path in tree.media(".mp4", ".m4a", ".wav"):
        found = PATTERN.fullmatch(path)
        if found is None:
            tree.problems.add(
                "name", path, "accepted: M003/video/front/angry/level_1/001.mp4, and in audio/"
            )
        elif _fits(path, found, tree):
            key = (found["actor"], found["emotion"], found["level"], found["number"])
            if found["view"] is None:
                sounds[key].append(path)
            elif key in videos[found["view"]]:
                other = videos[found["view"]][key]
                tree.problems.add("duplicate", path, f"is also {other}, which is used")
            else:
                videos[found["view"]][key] = path
    _note_unpaired(videos, sounds, tree)
    _note_missing(videos, sounds, tree)
    clips = [_clip(key, view, [path], sounds.get(key, []))
             for view, paths in videos.items() for key, path in paths.items()]  # fmt: skip
    seen = {key for paths in videos.values() for key in paths}
    return clips + [_clip(key, None, [], paths) for key, paths in sounds.items() if key not in seen]


def _fits(path: str, found: re.Match[str], tree: Tree) -> bool:
    wrong = []
    if not re.fullmatch(r"[MW]\d{3}", found["actor"]):
        wrong.append(f"actor '{found['actor']}' (M003, W009 …)")
    if found["view"] is not None and found["view"] not in VIEWS:
        wrong.append(f"view '{found['view']}' ({', '.join(VIEWS)})")
    if found["emotion"] not in EMOTION:
        wrong.append(f"emotion '{found['emotion']}' ({', '.join(EMOTION)})")
    if found["level"] not in LEVEL or (found["emotion"] == "neutral" and found["level"] != "1"):
        wrong.append(f"level {found['level']} of {found['emotion']}")
    if not re.fullmatch(r"\d{3}", found["number"]):
        wrong.append(f"number '{found['number']}' (three digits)")
    if wrong:
        tree.problems.add("code", path, f"MEAD has no {', '.join(wrong)}; rename or remove it")
        return False
    if (found["view"] is None) != (found["kind"].lower() != "mp4"):
        tree.problems.add("conflict", path, "video/ holds .mp4 files, audio/ .m4a or .wav")
        return False
    return True


def _clip(key: Key, view: str | None, video: list[str], audio: list[str]) -> Clip:
    actor, emotion, level, number = key
    return Clip(
        clip="_".join(part for part in (actor, view, emotion, level, number) if part),
        actor=actor,
        gender="male" if actor.startswith("M") else "female",
        emotion=EMOTION[emotion],
        intensity=LEVEL[level],
        sentence=f"{emotion}-{number}",
        channel="speech",
        view=view,
        video=video,
        audio=audio,
        warnings=[RENUMBERED[1]] if actor == RENUMBERED[0] else [],
    )


def _cells(keys: set[Key] | dict[Key, str] | dict[Key, list[str]]) -> dict[Cell, set[str]]:
    cells: dict[Cell, set[str]] = defaultdict(set)
    for actor, emotion, level, number in keys:
        cells[actor, emotion, level].add(number)
    return cells


def _note_unpaired(
    videos: dict[str, dict[Key, str]], sounds: dict[Key, list[str]], tree: Tree
) -> None:
    """Views without their sound, where the actor's sound is there at all."""
    with_sound = {key[0] for key in sounds}
    for view, paths in videos.items():
        for (actor, emotion, level), numbers in _cells(paths).items():
            lacking = sorted(n for n in numbers if (actor, emotion, level, n) not in sounds)
            if lacking and actor in with_sound:
                tree.problems.add(
                    "unpaired", f"{actor}/video/{view}/{emotion}/level_{level}",
                    f"no sound of {some(lacking)}", len(lacking),
                )  # fmt: skip


def _note_missing(
    videos: dict[str, dict[Key, str]], sounds: dict[Key, list[str]], tree: Tree
) -> None:
    """Gaps below the published number of sentences, emotions and views, actor by actor."""
    sets = {f"video/{view}": _cells(paths) for view, paths in videos.items()}
    if sounds:
        sets["audio"] = _cells(sounds)
    for actor in sorted({cell[0] for cells in sets.values() for cell in cells}):
        for place, cells in sets.items():
            here = {cell[1:]: numbers for cell, numbers in cells.items() if cell[0] == actor}
            if not here:
                tree.problems.add("missing", f"{actor}/{place}", "nothing there of this actor")
                continue
            for emotion in EMOTION:
                for level in LEVEL if emotion != "neutral" else ("1",):
                    numbers = here.get((emotion, level), set())
                    wanted = NEUTRAL_SENTENCES if emotion == "neutral" else SENTENCES
                    if len(numbers) < wanted:
                        tree.problems.add(
                            "missing", f"{actor}/{place}/{emotion}/level_{level}",
                            f"{len(numbers)} of {wanted} published sentences there",
                            wanted - len(numbers),
                        )  # fmt: skip


MEAD = Adapter("mead", "1", LICENCES["mead"], "M003/video/front/angry/level_1/001.mp4", read)

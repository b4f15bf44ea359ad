"""REACT 2024: conversations of NoXI and RECOLA in clips of 30 seconds.

`train/Video_files/NoXI/010_2016-03-25_Paris/Novice_video/1/1.png` … `751.png` (256 pixels, 25 a
second; other copies have `1.mp4`), the sound in `Audio_files/…/1.wav`, 25 numbers a frame in
`Emotion/…/1.csv`, 58 in `3D_FV_files/…/1.npy`. `train.csv` names the pairs: an index, the speaker,
the listener. The folders of Emotion call the people P1 and P2: Expert_video and odd numbers such as
P25 are P1, Novice_video and even numbers are P2. A table may have one row less than frames. Who is
shown is known within a conversation only.
"""

from __future__ import annotations

import re
from collections import defaultdict

from protocols.licences import LICENCES
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.media_header import Look
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree

PARTS = {"train": "train", "val": "validation", "test": "test"}
SITES = ("NoXI", "RECOLA")
FRAMES, RATE = 751, 25.0
COLUMNS = ("AU1", "AU2", "AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15", "AU17",
           "AU23", "AU24", "AU25", "AU26", "valence", "arousal", "Neutral", "Happy", "Sad",
           "Surprise", "Fear", "Disgust", "Anger", "Contempt")  # fmt: skip
PLACE = re.compile(
    r"(?:.*/)?(?P<part>train|val|test)/(?P<kind>Video_files|Audio_files|Emotion|3D_FV_files)/"
    r"(?P<site>[^/]+)/(?P<chat>[^/]+)/(?P<person>[^/]+)/(?P<number>[^/.]+)(?:\.(?P<suffix>\w+))?"
)
SUFFIXES = {"Video_files": (None, "mp4"), "Audio_files": ("wav",), "Emotion": ("csv",),
            "3D_FV_files": ("npy",)}  # fmt: skip
Key = tuple[str, str, str, str, str]  # part, site, chat, person, number


def read(tree: Tree) -> list[Clip]:
    """The clips of REACT 2024 below the tree: one for each person and half minute."""
    files: dict[str, dict[Key, str]] = {kind: {} for kind in SUFFIXES}
    for path in [*tree.frame_folders, *tree.sizes]:
        place = PLACE.fullmatch(path)
        if place is None:
            if path in tree.frame_folders or path.lower().endswith((".mp4", ".wav", ".png")):
                tree.problems.add(
                    "name", path, "accepted: train/Video_files/NoXI/CHAT/PERSON/1, and so on"
                )
        elif _fits(path, place, tree):
            files[place["kind"]][_key(place)] = path
    people = {_aliased(key): key for kind in ("Video_files", "Audio_files") for key in files[kind]}
    ratings = {people.get(key, key): path for key, path in files["Emotion"].items()}
    keys = sorted({*files["Video_files"], *files["Audio_files"]})
    _note_gaps(keys, files, ratings, tree)
    partners = _partners(keys, tree)
    return [_clip(key, files, ratings.get(key), partners.get(key), tree) for key in keys]


def _key(place: re.Match[str]) -> Key:
    return place["part"], place["site"], place["chat"], place["person"], place["number"]


def _fits(path: str, place: re.Match[str], tree: Tree) -> bool:
    if place["suffix"] not in SUFFIXES[place["kind"]]:
        tree.problems.add("conflict", path, f"{place['kind']} holds no .{place['suffix']} files")
        return False
    wrong = []
    if place["site"] not in SITES:
        wrong.append(f"site {place['site']} (NoXI, RECOLA)")
    if not place["number"].isdigit():
        wrong.append(f"clip '{place['number']}' (a number)")
    known = r"Expert_video|Novice_video|P[12]" if place["site"] == "NoXI" else r"P\d+"
    if not re.fullmatch(known, place["person"]):
        wrong.append(f"person '{place['person']}'")
    if wrong:
        tree.problems.add("code", path, f"REACT 2024 has no {', '.join(wrong)}")
    return not wrong


def _aliased(key: Key) -> Key:
    """The clip under the name that the folder Emotion gives the person."""
    part, site, chat, person, number = key
    if site == "NoXI":
        person = {"Expert_video": "P1", "Novice_video": "P2"}.get(person, person)
    else:
        person = "P1" if int(person[1:]) % 2 else "P2"
    return part, site, chat, person, number


def _clip(
    key: Key, files: dict[str, dict[Key, str]], ratings: str | None, partner: Key | None, tree: Tree
) -> Clip:
    part, site, chat, person, _ = key
    video, audio = files["Video_files"].get(key), files["Audio_files"].get(key)
    folder = tree.frame_folders.get(video) if video else None
    given, warnings = None, []
    if folder is not None:
        seen = tree.looks([folder.first]).get(folder.first, Look())
        given = Look(seen.width, seen.height, folder.frames, RATE,
                     duration_s=folder.frames / RATE)  # fmt: skip
        if folder.missing or folder.empty or folder.frames != FRAMES:
            warnings.append(_frames_wrong(folder.frames, folder.missing, folder.empty))
            tree.problems.add("damaged", video or "", warnings[-1])
    if ratings is not None and not _rated(ratings, tree):
        ratings = None
        warnings.append("ratings unusable")
    return Clip(
        clip=_name(key),
        actor=f"{site}-{chat}-{person.removesuffix('_video')}",
        channel="conversation",
        video=[video] if video else [],
        audio=[audio] if audio else [],
        annotation=ratings,
        partner=_name(partner) if partner else None,
        partition=PARTS[part],
        warnings=warnings,
        given=given,
        given_bytes=folder.bytes if folder else 0,
        silent=True,
    )


def _name(key: Key) -> str:
    part, site, chat, person, number = key
    return f"{part}-{site}-{chat}-{person.removesuffix('_video')}-{number}"


def _frames_wrong(frames: int, missing: tuple[int, ...], empty: int) -> str:
    said = [f"{frames} frames of {FRAMES}"]
    if missing:
        said.append(f"missing: {some(map(str, missing))}")
    if empty:
        said.append(f"{empty} of zero bytes")
    return "; ".join(said)


def _rated(path: str, tree: Tree) -> bool:
    """Whether the table has the 25 columns in their order, and a row for each frame or one less."""
    table = tree.table(path, ())
    if table is None:
        return False
    found = [re.sub(r"^au0*", "au", str(name).strip().lower()) for name in table.columns]
    wanted = [name.lower() for name in COLUMNS]
    moved = [name for name, was, here in zip(COLUMNS, wanted, found, strict=False)
             if was != here and here in wanted]  # fmt: skip
    if len(found) != len(wanted) or moved:
        what = f"'{moved[0]}' stands elsewhere" if moved else f"{len(found)} columns"
        tree.problems.add("table", path, f"{what}; accepted: {', '.join(COLUMNS)}")
        return False
    if not FRAMES - 1 <= len(table) <= FRAMES:
        tree.problems.add("damaged", path, f"{len(table)} rows; accepted: {FRAMES - 1}, {FRAMES}")
        return False
    return True


def _note_gaps(
    keys: list[Key], files: dict[str, dict[Key, str]], ratings: dict[Key, str], tree: Tree
) -> None:
    """What a clip lacks of the kinds of files that its part of the data has."""
    for kind, found in (files | {"Emotion": ratings}).items():
        parts = {key[0] for key in found}
        lacking = [_name(key) for key in keys if key not in found and key[0] in parts]
        if lacking:
            tree.problems.add(
                "unpaired", kind, f"{len(lacking)} clips have none: {some(lacking)}", len(lacking)
            )
        for key in sorted(set(found) - set(keys)):
            tree.problems.add("unpaired", found[key], "belongs to no video or sound")


def _partners(keys: list[Key], tree: Tree) -> dict[Key, Key]:
    """The other person's clip: by the published pairs, else the other one of the conversation."""
    partners: dict[Key, Key] = {}
    together: dict[tuple[str, ...], list[Key]] = defaultdict(list)
    for part, site, chat, person, number in keys:
        together[part, site, chat, number].append((part, site, chat, person, number))
    for pair in together.values():
        if len(pair) == 2:
            partners |= {pair[0]: pair[1], pair[1]: pair[0]}
    known = {"/".join(key[1:]): key for key in keys}
    for part in PARTS:
        for path in tree.named(f"{part}.csv"):
            table = tree.table(path, ())
            if table is None:
                continue
            if table.shape[1] < 3:
                tree.problems.add("table", path, "accepted: an index, speaker, listener")
                continue
            lacking = 0
            for speaker, listener in zip(table.iloc[:, 1], table.iloc[:, 2], strict=True):
                pair = known.get(str(speaker)), known.get(str(listener))
                if pair[0] is None or pair[1] is None:
                    lacking += 1
                else:
                    partners[pair[0]], partners[pair[1]] = pair[1], pair[0]
            if lacking:
                tree.problems.add(
                    "missing", path, f"{lacking} of {len(table)} pairs are not there", lacking
                )
    return partners


REACT2024 = Adapter(
    "react2024", "1", LICENCES["react2024"],
    "train/Video_files/NoXI/010_2016-03-25_Paris/Novice_video/1/1.png", read, frames=True,
    names_people=False,
)  # fmt: skip

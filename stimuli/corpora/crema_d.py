"""CREMA-D (Cao et al., 2014): `VideoFlash/1001_IEO_ANG_HI.flv`, `AudioWAV/`, `AudioMP3/`.

Actor, sentence, emotion, level. The sentence IEO has three levels (LO, MD, HI) of every emotion but
neutral, the eleven others one (XX). `VideoDemographics.csv` describes the 91 actors,
`SentenceFilenames.csv` lists the 7,442 clips. Without Git LFS the files are pointers only.
"""

from __future__ import annotations

import re
from collections import defaultdict

from protocols.licences import LICENCES
from stimuli.corpora.adapter import Adapter, Clip
from stimuli.corpora.problems import some
from stimuli.corpora.tree import Tree, stem, suffix
from stimuli.voices.sentences import CREMA_D as SENTENCES

PATTERN = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{2})")
ACTORS = tuple(str(number) for number in range(1001, 1092))
EMOTION = {"ANG": "angry", "DIS": "disgusted", "FEA": "fearful", "HAP": "happy",
           "NEU": "neutral", "SAD": "sad"}  # fmt: skip
LEVEL = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
KINDS = {".flv": "video", ".mp4": "video", ".wav": "sound (WAV)", ".mp3": "sound (MP3)"}
PEOPLE, LIST = "VideoDemographics.csv", "SentenceFilenames.csv"

# From the README of the data set: clips whose sound or picture is not what the name says.
ODD = {
    "1076_MTI_NEU_XX": "very short; no sound in video and MP3",
    "1076_MTI_SAD_XX": "error picture, very short, no sound",
    "1064_TIE_SAD_XX": "video and MP3 have no duration",
    "1064_IEO_DIS_MD": "a minute long, with every emotion of the sentence",
}
ONCE_SILENT = (
    "1005_IWW_DIS_XX", "1007_IWL_HAP_XX", "1037_DFA_ANG_XX", "1037_WSI_DIS_XX", "1037_WSI_FEA_XX",
    "1037_WSI_SAD_XX", "1039_IWL_SAD_XX", "1039_WSI_SAD_XX", "1045_ITS_HAP_XX", "1045_WSI_DIS_XX",
    "1046_TIE_HAP_XX", "1058_IEO_SAD_HI", "1061_TIE_ANG_XX", "1063_IEO_DIS_HI", "1067_IEO_FEA_LO",
    "1068_IEO_SAD_MD", "1070_IWL_SAD_XX", "1071_WSI_ANG_XX", "1072_WSI_ANG_XX", "1073_MTI_SAD_XX",
    "1075_IWW_DIS_XX", "1075_WSI_DIS_XX", "1076_ITH_HAP_XX", "1076_ITH_NEU_XX", "1076_TAI_NEU_XX",
    "1079_IWL_ANG_XX", "1079_TAI_DIS_XX", "1091_IWW_FEA_XX",
)  # fmt: skip
SILENT = "video without sound in copies made before 16 December 2020"


def read(tree: Tree) -> list[Clip]:
    """The clips of CREMA-D below the tree."""
    people = _people(tree)
    files: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in tree.media(*KINDS):
        if _fits(path, tree):
            files[stem(path)][suffix(path)].append(path)
    for kinds in files.values():
        for paths in kinds.values():
            for path in paths[1:]:
                tree.problems.add("duplicate", path, f"is also {paths[0]}, which is used")
    _note_missing(files, tree)
    return [_clip(name, kinds, people) for name, kinds in files.items()]


def _fits(path: str, tree: Tree) -> bool:
    codes = PATTERN.fullmatch(stem(path))
    if codes is None:
        tree.problems.add("name", path, "accepted: such as 1001_IEO_ANG_HI")
        return False
    actor, sentence, emotion, level = codes.groups()
    wrong = []
    if actor not in ACTORS:
        wrong.append(f"actor {actor} (1001 to 1091)")
    if sentence not in SENTENCES:
        wrong.append(f"sentence {sentence}")
    if emotion not in EMOTION:
        wrong.append(f"emotion {emotion}")
    if level not in LEVEL:
        wrong.append(f"level {level}")
    elif level not in _levels(sentence, emotion):
        wrong.append(f"level {level} of {sentence} {emotion}")
    if wrong:
        tree.problems.add("code", path, f"CREMA-D has no {', '.join(wrong)}; rename or remove it")
    return not wrong


def _levels(sentence: str, emotion: str) -> tuple[str, ...]:
    return ("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",)


def _people(tree: Tree) -> dict[str, tuple[str, float | None, str | None]]:
    """Actor -> gender, age, origin, from the table of demographics."""
    found = tree.named(PEOPLE)
    if not found:
        tree.problems.add("table", PEOPLE, "not there: gender, age and origin stay empty")
        return {}
    table = tree.table(found[0], ("ActorID", "Age", "Sex", "Race", "Ethnicity"))
    people: dict[str, tuple[str, float | None, str | None]] = {}
    if table is None:
        return people
    for line, row in table.iterrows():
        actor, sex, age = str(row["ActorID"]).strip(), str(row["Sex"]).lower(), str(row["Age"])
        if actor not in ACTORS or sex not in ("male", "female") or not age.isdigit():
            tree.problems.add(
                "label", f"{found[0]}:{line}",
                f"found actor '{actor}', sex '{row['Sex']}', age '{age}'; the row is not used",
            )  # fmt: skip
            continue
        hispanic = row["Ethnicity"] == "Hispanic"
        race = None if row["Race"] == "Unknown" else str(row["Race"])
        origin = "Hispanic" if race is None and hispanic else race
        if race is not None and hispanic:
            origin = f"{race}, Hispanic"
        people[actor] = (sex, float(age), origin)
    return people


def _clip(name: str, kinds: dict[str, list[str]], people: dict) -> Clip:
    actor, sentence, emotion, level = name.split("_")
    gender, age, origin = people.get(actor, (None, None, None))
    warnings = [ODD[name]] if name in ODD else []
    if name in ONCE_SILENT and ".flv" in kinds:
        warnings.append(SILENT)
    return Clip(
        clip=name,
        actor=actor,
        gender=gender,
        age=age,
        origin=origin,
        emotion=EMOTION[emotion],
        intensity=LEVEL[level],
        sentence=sentence,
        channel="speech",
        video=[*kinds.get(".flv", ()), *kinds.get(".mp4", ())],
        audio=[*kinds.get(".wav", ()), *kinds.get(".mp3", ())],
        warnings=warnings,
    )


def _note_missing(files: dict[str, dict[str, list[str]]], tree: Tree) -> None:
    """What the list of clips has and a kind of file of which anything is there lacks."""
    found = tree.named(LIST)
    if not found:
        tree.problems.add("table", LIST, "not there: nobody can say which clips are missing")
        return
    table = tree.table(found[0], ("Filename",))
    if table is None:
        return
    listed = [str(name).strip() for name in table["Filename"]]
    wrong = [name for name in listed if not PATTERN.fullmatch(name)]
    if wrong:
        tree.problems.add("table", found[0], f"{len(wrong)} names are none: {some(wrong)}")
    for kind, title in KINDS.items():
        here = {name for name, kinds in files.items() if kind in kinds}
        if not here:
            continue
        by_actor: dict[str, list[str]] = defaultdict(list)
        for name in listed:
            if name not in here:
                by_actor[name[:4]].append(name)
        for actor, names in by_actor.items():
            tree.problems.add(
                "missing", f"{actor}_*{kind}", f"{title}: {len(names)} not there: {some(names)}",
                len(names),
            )  # fmt: skip


CREMA_D = Adapter("crema-d", "1", LICENCES["crema-d"], "AudioWAV/1001_IEO_ANG_HI.wav", read)

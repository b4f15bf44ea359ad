"""Where the other study of a comparison stands: beside this one, or where the user says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from protocols.analysis_plan import BesideStudy
from protocols.study import Study


def find_study(study: Study, name: str, given: Sequence[Path] = ()) -> Study | None:
    """The folder of the study `name`, if it has ratings.

    Args:
        study: the study whose report is made.
        name: of the other study: of its folder, or in its protocol.
        given: folders that the user named; they come before the one beside this study.

    Raises:
        ProtocolError: a folder is there, and its protocol cannot be read.
    """
    for folder in (*given, study.folder.resolve().parent / name):
        other = Study(Path(folder))
        files = (other.protocol_file, other.ratings_file, other.participants_file)
        if all(file.is_file() for file in files) and name in _names(other):
            return other
    return None


def _names(study: Study) -> tuple[str, str]:
    return study.folder.resolve().name, study.protocol().name


def absent(study: Study, asked: BesideStudy, given: Sequence[Path] = ()) -> str:
    """What was planned and not run, as the other study is not there, and how to run it."""
    looked = [str(folder) for folder in (*given, Path("..") / asked.study)]
    return (
        f"The effect of {asked.by} beside that in {asked.study}: planned, not run. No study "
        f"{asked.study} with ratings.csv and participants.csv at {' or '.join(looked)}. Put its "
        f"folder beside this one, or name it: mien report {study.folder.name} --beside FOLDER"
    )

"""The files of a corpus below its root: named once, looked at once, never changed.

Paths are relative to the root, with `/`. What computers leave about (`.DS_Store`, `__MACOSX`,
`Thumbs.db`, names that begin with a point) is passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from protocols.section import nearest
from protocols.tables import TableError, read_words
from stimuli.corpora.media_header import MEDIA, BadFile, Look, look
from stimuli.corpora.problems import Problems, some

IGNORED = ("__MACOSX", "Thumbs.db", "desktop.ini")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")
PARTS = re.compile(r"\.(?:zip|rar|7z|z)?\.?\d{2,3}$", re.I)  # of an archive in several files
FRAME = re.compile(r"(\d{1,6})\.(png|jpg|jpeg)", re.I)
FEWEST_FRAMES = 2  # of a folder of numbered frames
READERS = 8  # files read at the same time; the time goes into waiting for the disk
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class FrameFolder:
    """A folder of numbered frames: the numbers that are missing, and their size together."""

    first: str
    frames: int
    missing: tuple[int, ...]
    empty: int
    bytes: int


class Tree:
    """The files below `root`, and the problems found with them so far."""

    def __init__(self, root: Path, *, frames: bool = False, progress: Progress | None = None):
        """Walk `root`; with `frames`, folders of numbered pictures count as one thing each."""
        self.root, self.problems = root, Problems()
        self.sizes: dict[str, int] = {}
        self.frame_folders: dict[str, FrameFolder] = {}
        self._looks: dict[str, Look | None] = {}
        self._progress = progress or (lambda done, total: None)
        self._frames = frames
        self._walk()

    def media(self, *suffixes: str) -> list[str]:
        """Files with these suffixes (of any medium if none are given), sorted."""
        wanted = suffixes or MEDIA
        return [path for path in self.sizes if suffix(path) in wanted]

    def named(self, name: str) -> list[str]:
        """Files of this name, whatever their folder; capitals do not matter."""
        name = name.lower()
        return [path for path in self.sizes if PurePosixPath(path).name.lower() == name]

    def looks(self, paths: Iterable[str]) -> dict[str, Look]:
        """What the good ones among `paths` say of themselves; the others are problems."""
        new = [path for path in dict.fromkeys(paths) if path not in self._looks]
        with ThreadPoolExecutor(READERS) as pool:
            for done, (path, seen) in enumerate(zip(new, pool.map(self._look, new), strict=True)):
                if isinstance(seen, BadFile):
                    self.problems.add(seen.kind, path, str(seen))
                self._looks[path] = None if isinstance(seen, BadFile) else seen
                self._progress(done + 1, len(new))
        return {path: seen for path in paths if (seen := self._looks.get(path)) is not None}

    def table(self, path: str, columns: Iterable[str], separator: str = ",") -> pd.DataFrame | None:
        """The words of the table at `path`, or None and a problem if it lacks `columns`."""
        try:
            table = read_words(self.root / path, separator)
        except (TableError, OSError) as error:
            self.problems.add("table", path, str(error).removeprefix(f"{self.root / path}: "))
            return None
        lacking = [column for column in columns if column not in table.columns]
        if lacking:
            hint = nearest(lacking[0], table.columns)
            self.problems.add(
                "table",
                path,
                f"the column '{lacking[0]}' is missing; found: {some(table.columns, 8)}{hint}",
            )
            return None
        return table

    def _walk(self) -> None:
        seen = set()
        for folder, below, names in os.walk(self.root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:  # a link back to where we have been
                below.clear()
                continue
            seen.add(real)
            below[:] = sorted(name for name in below if _counts(name))
            place = Path(folder).relative_to(self.root).as_posix()
            place = "" if place == "." else f"{place}/"
            names = sorted(name for name in names if _counts(name))
            numbers = [FRAME.fullmatch(name) for name in names] if self._frames else []
            if len(names) >= FEWEST_FRAMES and numbers and all(numbers):
                self._add_frames(folder, place.rstrip("/"), names)
                continue
            for name in names:
                self._add(folder, place, name)

    def _add(self, folder: str, place: str, name: str) -> None:
        path = f"{place}{name}"
        try:
            path.encode()
        except UnicodeEncodeError:
            self.problems.add("name", ascii(path), "not Unicode; rename the file")
            return
        if any(sign in path for sign in "\t\n\r\\"):
            self.problems.add("name", ascii(path), "a tab, line end or backslash; rename the file")
            return
        try:
            self.sizes[path] = Path(folder, name).stat().st_size
        except OSError as error:
            self.problems.add("damaged", path, f"cannot be read: {error.strerror}")
            return
        if suffix(path) in ARCHIVES or PARTS.search(name):
            self.problems.add("archive", path, "unpack it if it holds what you need")

    def _add_frames(self, folder: str, place: str, names: list[str]) -> None:
        sizes = {}
        for name in names:
            sizes[int(name.split(".")[0])] = Path(folder, name).stat().st_size
        first = min(names, key=lambda name: int(name.split(".")[0]))
        gaps = sorted(set(range(1, max(sizes) + 1)) - set(sizes))
        empty = sum(size == 0 for size in sizes.values())
        self.frame_folders[place] = FrameFolder(
            f"{place}/{first}", len(sizes), tuple(gaps), empty, sum(sizes.values())
        )

    def _look(self, path: str) -> Look | BadFile:
        try:
            return look(self.root / path)
        except BadFile as bad:
            return bad


def suffix(path: str) -> str:
    """The ending of a path, in small letters: `.wav`."""
    return PurePosixPath(path).suffix.lower()


def stem(path: str) -> str:
    """The name of a file without its ending."""
    return PurePosixPath(path).stem


def _counts(name: str) -> bool:
    return name not in IGNORED and not name.startswith(".")

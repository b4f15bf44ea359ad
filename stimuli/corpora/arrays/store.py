"""The arrays while they grow: units appended in order, and a journal of what is whole.

Below `building/` stand the arrays with an empty header, `results.jsonl` (a line per clip) and
`parts/`, units that are done but whose turn has not come. `journal.json` says up to which byte each
file counts; what a killed run left behind it is cut off. The same units give the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from protocols.errors import UserError
from protocols.manifest import write_json
from protocols.prepared import FACES, LANDMARKS, ROW, ROWS
from stimuli.corpora.arrays.clip import FILES, Result

BUILDING, PARTS, RESULTS, JOURNAL, LOCK = ("building", "parts", "results.jsonl", "journal.json",
                                           "lock")  # fmt: skip


def item_shape(name: str, size: int) -> tuple[int, ...]:
    """Shape of one element of an array."""
    return {FACES: (size, size, 3), LANDMARKS: (68, 2)}.get(name, ())


def item_type(name: str) -> np.dtype:
    """Type of the numbers of an array."""
    types = {FACES: np.dtype(np.uint8), LANDMARKS: np.dtype("<f4"), ROWS: ROW}
    return types.get(name, np.dtype("<i2"))


class Building:
    """The folder `building` of arrays of crops of `size` pixels."""

    def __init__(self, folder: Path, size: int) -> None:
        """The growing arrays below `folder`, which may hold some of a former run."""
        self.folder, self.size = folder / BUILDING, size
        self.parts = self.folder / PARTS

    def begun_as(self) -> str | None:
        """The fingerprint of what a former run began here, if any."""
        journal = self._journal()
        return None if journal is None else str(journal["fingerprint"])

    def begin(self, fingerprint: str) -> int:
        """Go on, or start; returns the number of units that are whole."""
        self.parts.mkdir(parents=True, exist_ok=True)
        journal = self._journal()
        if journal is None:
            journal = {"fingerprint": fingerprint, "units": 0, "bytes": {}}
            for name in FILES:
                with (self.folder / name).open("wb") as file:
                    self._write_header(file, name, 0)
                    journal["bytes"][name] = file.tell()
            (self.folder / RESULTS).write_bytes(b"")
            journal["bytes"][RESULTS] = 0
            write_json(self.folder / JOURNAL, journal)
        for name, length in journal["bytes"].items():
            if (self.folder / name).stat().st_size > length:
                os.truncate(self.folder / name, length)
        return int(journal["units"])

    def append(self, unit: int, results: Iterable[Result]) -> None:
        """Append a unit, the next one in order, and then forget its part."""
        journal = self._journal()
        assert journal is not None
        assert journal["units"] == unit, f"unit {unit} is not the next one"
        lines = "".join(json.dumps(asdict(result)) + "\n" for result in results).encode()
        for name in (*FILES, RESULTS):
            with (self.folder / name).open("ab") as file:
                if name == RESULTS:
                    file.write(lines)
                else:
                    with (self._part(unit) / name).open("rb") as part:
                        shutil.copyfileobj(part, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
                journal["bytes"][name] = file.tell()
        journal["units"] = unit + 1
        write_json(self.folder / JOURNAL, journal)
        shutil.rmtree(self._part(unit))

    def read_part(self, unit: int) -> list[Result]:
        """The results of a unit that is done."""
        content = json.loads((self._part(unit) / RESULTS).read_text(encoding="utf-8"))
        return [_result(line) for line in content]

    def results(self) -> Iterator[Result]:
        """What became of each clip, in order."""
        with (self.folder / RESULTS).open(encoding="utf-8") as file:
            for line in file:
                yield _result(json.loads(line))

    def written(self) -> int:
        """Bytes that are on disk already."""
        journal = self._journal()
        return 0 if journal is None else sum(journal["bytes"].values())

    def finish(self, counts: dict[str, int], out: Path) -> None:
        """Write the lengths into the headers and move the arrays to `out`; may be done again."""
        for name in FILES:
            path = self.folder / name
            if path.exists():
                with path.open("r+b") as file:
                    self._write_header(file, name, counts[name])
                path.replace(out / name)

    def forget(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_header(self, file: BinaryIO, name: str, length: int) -> None:
        """The header of a .npy file; NumPy leaves room so that any length fits."""
        header = {
            "descr": np.lib.format.dtype_to_descr(item_type(name)),
            "fortran_order": False,
            "shape": (length, *item_shape(name, self.size)),
        }
        np.lib.format.write_array_header_1_0(file, header)

    def _journal(self) -> dict[str, Any] | None:
        path = self.folder / JOURNAL
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise UserError(f"{path}: damaged ({error}); start again with --anew") from None

    def _part(self, unit: int) -> Path:
        return part_of(self.parts, unit)


def part_of(parts: Path, unit: int) -> Path:
    """The folder of a unit that is done."""
    return parts / f"{unit:06d}"


def has_part(parts: Path, unit: int) -> bool:
    """Whether a unit is done and waits for its turn."""
    return part_of(parts, unit).is_dir()


@contextmanager
def new_part(parts: Path, unit: int) -> Iterator[dict[str, BinaryIO]]:
    """Files of a unit, by name of the array; they appear as `part_of` once they are whole."""
    folder = parts / f".{unit:06d}.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with ExitStack() as stack:
            yield {
                name: stack.enter_context((folder / name).open("w+b")) for name in (*FILES, RESULTS)
            }
        _into_place(folder, part_of(parts, unit))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _into_place(folder: Path, part: Path) -> None:
    try:
        folder.rename(part)
    except OSError:
        if not part.is_dir():  # else another process, left over from a killed run, was faster
            raise


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Refuse a second run in the same folder; the lock ends with the process, however it ends.

    Raises:
        UserError: another run prepares into this folder.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{LOCK}").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{folder}: another mien corpus prepare is at work there") from None
        yield


def _result(line: dict[str, Any]) -> Result:
    problems = [tuple(problem) for problem in line.pop("problems")]
    return Result(**line, problems=problems)

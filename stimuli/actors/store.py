"""A folder that keeps what takes long to prepare, safely shared by several processes.

An entry is a set of named arrays under a key that covers everything it depends on, so entries never
go stale: what changes gets another key. Arrays are kept as float16; who makes an entry gets it back
rounded the same way, so a picture does not depend on whether the entry was there before.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

Arrays = dict[str, np.ndarray]


def default_folder() -> Path:
    """Where prepared actors are kept unless the caller says otherwise."""
    return user_cache_path("mien") / "actors"


def fetch(folder: Path, name: str, key: str, make: Callable[[], Arrays]) -> Arrays:
    """The entry of this key as float32 arrays: read from the folder, or made now and put there.

    A folder that cannot be written costs time, not the picture.
    """
    path = folder / f"{name}-{key[:20]}.npz"
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            return {item: file[item].astype(np.float32) for item in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError):
        pass  # not there, or cut short by a full disk: make it
    entry = {item: array.astype(np.float16) for item, array in make().items()}
    _keep(path, entry)
    return {item: array.astype(np.float32) for item, array in entry.items()}


def key_of(parts: Iterable[bytes | str]) -> str:
    """Hexadecimal key of everything that an entry depends on, the program included."""
    digest = hashlib.sha256(_program())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _program() -> bytes:
    """Hash of the modules beside this one and of the libraries that do the arithmetic."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    for library in ("numpy", "scipy", "numba"):
        digest.update(version(library).encode())
    return digest.digest()


def _keep(path: Path, entry: Arrays) -> None:
    """Write under another name, then rename: a reader sees the whole entry or none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **entry)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)

"""`mien check`: which of the three formats a file is in, and whether it is valid."""

from __future__ import annotations

from pathlib import Path

from protocols.errors import UserError
from protocols.licences import caution
from protocols.manifest import read_manifest
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from protocols.trials import read_trials


def check_file(path: Path) -> str:
    """What the valid file `path` holds, in words.

    Raises:
        UserError: the file is not valid, with one line for each problem.
    """
    if path.is_dir():
        path = path / "protocol.yaml"
    if path.suffix in (".yaml", ".yml"):
        protocol = load(path)
        if protocol.stimuli.cast is not None:
            _ = protocol.stimuli.cast.sheet  # refused where there is none
        said = f"valid protocol '{protocol.name}': {protocol.stimuli.count} stimuli"
        return "; ".join(filter(None, (said, caution(protocol))))
    if path.name == "stimuli.tsv":
        return f"valid manifest: {len(read_manifest(path, read_files=True))} stimuli, all unchanged"
    if path.name == "trials.csv":
        return f"valid plan: {len(read_trials(path.parent))} trials"
    if path.name == "participants.csv":
        return f"valid table of {len(read_participants(path))} participants"
    if path.suffix == ".csv":
        return f"valid ratings: {len(read_ratings(path))} responses"
    raise UserError(
        f"{path}: not known what this is; accepted: a protocol (.yaml), stimuli.tsv, trials.csv, "
        "ratings.csv, participants.csv or a study folder"
    )

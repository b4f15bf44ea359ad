"""`mien …` as a shell would run it, but in this process: a new one imports for seconds."""

from __future__ import annotations

import sys
import traceback
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest import mock

import mien


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def command(*words: str, cwd: Path) -> Done:
    """Run `mien words…` in a folder."""
    out, err = StringIO(), StringIO()
    said = mock.patch.object(sys, "argv", ["mien", *words])
    with said, chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            mien.main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
        except BaseException:  # the interpreter would print it and end with 1
            traceback.print_exc()
            code = 1
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())

"""The reference engine `pymer4`: lme4 and lmerTest inside this process (Jolly 2018).

pymer4 gets numeric columns and a formula of these (`analysis.reference.asked`), so none of its
traps with factors can catch: it takes codes as weights (±.5 halves an effect), levels that look
like numbers as numbers, and orders factors that have no order. R runs in this process: Ctrl-C takes
effect when the fit at hand is done. It lacks cumulative-link models; `rscript` has them.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.problems import AnalysisError
from analysis.reference.answer import COLUMNS, Answer, Raw, answer
from analysis.reference.asked import KENWARD_ROGER, Asked
from analysis.reference.rscript import (
    NO_R,
    check,
    complaint,
    degrees_of,
    install,
    missing_packages,
)

ANSWERS = Path(__file__).with_name("answers.R")
INSTALL = (
    "pymer4 is not installed. In the folder of mien: RPY2_CFFI_MODE=ABI pip install "
    '--no-binary rpy2 ".[r]" (no compiler needed), or use --engine rscript, which needs R alone'
)
LIBRARIES = "LD_LIBRARY_PATH"
T_COLUMNS = {"Estimate": "estimate", "SE": "se", "DF": "df", "T-stat": "t", "P-val": "p"}
Z_COLUMNS = {"Estimate": "estimate", "SE": "se", "Z-stat": "t", "P-val": "p"}


def ask(asked: Asked) -> Answer:
    """Fit a gaussian or binomial model with pymer4.

    Raises:
        AnalysisError: R, pymer4 or an R package is missing, or the fit failed.
    """
    if asked.family == "ordinal":
        raise AnalysisError("pymer4 has no cumulative-link models; use --engine rscript")
    r = _r()
    from rpy2.rinterface_lib.embedded import RRuntimeError

    if degrees_of(asked) == KENWARD_ROGER and missing_packages(("pbkrtest",)):
        raise AnalysisError(install(("pbkrtest",)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas and rpy2 about each other; lme4's are kept
        try:
            raw = _fit(asked, r)
        except RRuntimeError as error:
            raise AnalysisError(f"R could not fit this model: {complaint(str(error))}") from None
    return answer(asked, raw)


def _fit(asked: Asked, r: Any) -> Raw:
    from pymer4.models import Lmer
    from rpy2.robjects import StrVector

    df = degrees_of(asked)
    model = Lmer(asked.formula, data=asked.table, family=asked.family)
    model.fit(REML=asked.reml, summarize=False, verbose=False, no_warnings=True)
    coefficients = _coefficients(model, asked)
    if df == KENWARD_ROGER:
        coefficients = _frame(r("coefficients_of")(model.model_obj, "Kenward-Roger"))
    facts, numbers = r("facts_of")(model.model_obj), r("numbers_of")(model.model_obj)
    used = ["lme4", "lmerTest", *(["pbkrtest"] if df == KENWARD_ROGER else [])]
    versions = r("versions_of")(StrVector(used))
    return Raw(
        dict(zip(versions.names, versions, strict=True)) | {"pymer4": version("pymer4")},
        coefficients,
        _frame(r("triangles_of")(model.model_obj)),
        float(facts.rx2("sigma")[0]),
        float(facts.rx2("log_likelihood")[0]),
        [str(warning) for warning in facts.rx2("warnings")],
        {name: list(numbers.rx2(name)) for name in numbers.names},
        df,
    )


@cache
def _r() -> Any:
    """R, with the functions of answers.R; the first call starts it (seconds)."""
    if shutil.which("R") is None:
        raise AnalysisError(NO_R)
    check()
    os.environ.setdefault("RPY2_CFFI_MODE", "ABI")  # the mode that needs no compiler
    with warnings.catch_warnings(), _libraries_kept():
        warnings.simplefilter("ignore")
        try:
            from pymer4.models import Lmer  # noqa: F401 -- loads R
            from rpy2.rinterface_lib import callbacks
            from rpy2.robjects import r
        except ModuleNotFoundError as error:
            raise AnalysisError(INSTALL) from error
    callbacks.consolewrite_print = callbacks.consolewrite_warnerror = _unheard
    r(ANSWERS.read_text(encoding="utf-8"))
    return r


@contextmanager
def _libraries_kept() -> Iterator[None]:
    """Keep LD_LIBRARY_PATH, to which R adds the system's folders of libraries.

    This process has loaded what it needs; Python processes that it starts later would load the
    system's libpython instead of their own.
    """
    before = os.environ.get(LIBRARIES)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(LIBRARIES, None)
        else:
            os.environ[LIBRARIES] = before


def _unheard(text: str) -> None:
    """R's chatter; what a fit complains of comes with its answer."""


def is_here() -> bool:
    """Whether pymer4 can be used on this machine."""
    try:
        _r()
    except AnalysisError:
        return False
    return True


def start() -> None:
    """Start R, or raise an AnalysisError that says what is missing."""
    _r()


def _coefficients(model: Any, asked: Asked) -> pd.DataFrame:
    """pymer4's table of coefficients with the names of ours."""
    gaussian = asked.family == "gaussian"
    found = model.coefs.rename(columns=T_COLUMNS if gaussian else Z_COLUMNS)
    if not gaussian:
        found = found.assign(df=np.inf)
    return found.rename_axis("term").reset_index()[list(COLUMNS)]


def _frame(table: Any) -> pd.DataFrame:
    """An R data frame of words and numbers."""
    return pd.DataFrame({name: list(table.rx2(name)) for name in table.names})

"""The reference engine `rscript`: lme4, lmerTest and ordinal in an R process of their own.

R reads the numbers from files in a temporary folder and writes its own there (`engine.R`), so a
slow or crashing fit never takes the report with it. The process ends with us: when its time is up,
and when Ctrl-C is pressed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd

from analysis.problems import AnalysisError
from analysis.reference.answer import Answer, Raw, answer
from analysis.reference.asked import KENWARD_ROGER, SATTERTHWAITE, Asked

LIMIT_S = 3600  # a maximal model of a published study took lme4 eight minutes
KR_LIMIT = 4000  # pbkrtest fills (n, n) matrices: 40 s and gigabytes at 1,700 ratings and slopes
DDF = {SATTERTHWAITE: "Satterthwaite", KENWARD_ROGER: "Kenward-Roger"}
HERE = Path(__file__).parent
NO_R = (
    "Rscript was not found: R is not installed, or not on the PATH. Install R from "
    "https://www.r-project.org (Debian and Ubuntu: apt-get install r-base-core r-cran-lmertest), "
    "or leave out --engine: mien's own engine needs no R"
)
MISSING_STATUS = 3  # how engine.R ends if packages are missing


def ask(asked: Asked, limit_s: float = LIMIT_S) -> Answer:
    """Fit a model in R.

    Args:
        asked: the model in numbers.
        limit_s: seconds after which R is stopped.

    Raises:
        AnalysisError: R or a package is missing, R stopped with an error, or its time was up.
    """
    df = degrees_of(asked)
    with tempfile.TemporaryDirectory(prefix="mien-r-") as name:
        folder = Path(name)
        for script in ("answers.R", "engine.R"):
            shutil.copyfile(HERE / script, folder / script)
        (folder / "model.txt").write_text(asked.formula + "\n", encoding="ascii")
        asked.table.to_csv(folder / "data.csv", index=False)
        _run(folder, ["engine.R", asked.family, str(asked.reml).upper(), DDF[df]], limit_s)
        return answer(asked, _read(folder, df))


def _read(folder: Path, df: str) -> Raw:
    """What engine.R wrote."""
    facts = pd.read_csv(folder / "facts.csv").iloc[0]
    versions = pd.read_csv(folder / "versions.csv", dtype=str)
    names = ("names", "covariance", "predicted", "parameters", "derivatives")
    files = {name: folder / f"{name}.csv" for name in names}
    return Raw(
        dict(versions.itertuples(index=False)),
        pd.read_csv(folder / "coefficients.csv"),
        pd.read_csv(folder / "triangles.csv"),
        float(facts.sigma),
        float(facts.log_likelihood),
        (folder / "warnings.txt").read_text(encoding="utf-8").splitlines(),
        {name: pd.read_csv(file).value.tolist() for name, file in files.items() if file.is_file()},
        df,
    )


def degrees_of(asked: Asked) -> str:
    """Degrees of freedom that R can give: Kenward-Roger's only where its matrices fit."""
    return SATTERTHWAITE if len(asked.y) > KR_LIMIT else asked.df


def check() -> None:
    """Raise an AnalysisError if R, lme4 or lmerTest is missing."""
    missing = missing_packages(("lme4", "lmerTest"))
    if missing:
        raise AnalysisError(install(missing))


@cache
def missing_packages(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `packages` that R cannot load; raises AnalysisError if there is no R."""
    listed = ", ".join(f'"{p}"' for p in packages)
    code = f"for (p in c({listed})) cat(p, requireNamespace(p, quietly = TRUE), fill = TRUE)"
    with tempfile.TemporaryDirectory(prefix="mien-r-") as name:
        ran = _call(Path(name), ["-e", code], limit_s=300)
    found = dict(line.split() for line in ran.stdout.splitlines() if len(line.split()) == 2)
    return tuple(p for p in packages if found.get(p) != "TRUE")


def install(packages: tuple[str, ...]) -> str:
    """What to do about missing packages, in one line."""
    names = ", ".join(packages)
    quoted = ", ".join(f'"{p}"' for p in packages)
    debian = " ".join(f"r-cran-{p.lower()}" for p in packages)
    return (
        f"R has no package {names}. Install it in R with install.packages(c({quoted})), or on "
        f"Debian and Ubuntu with: apt-get install {debian}"
    )


def _run(folder: Path, arguments: list[str], limit_s: float) -> None:
    ran = _call(folder, arguments, limit_s)
    if ran.returncode == MISSING_STATUS and (folder / "missing.txt").is_file():
        missing = (folder / "missing.txt").read_text(encoding="utf-8").split()
        raise AnalysisError(install(tuple(missing)))
    if ran.returncode != 0:
        raise AnalysisError(f"R could not fit this model: {complaint(ran.stderr)}")


def _call(folder: Path, arguments: list[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run Rscript in `folder`; `subprocess.run` kills it when time is up or on Ctrl-C."""
    program = shutil.which("Rscript")
    if program is None:
        raise AnalysisError(NO_R)
    try:
        return subprocess.run(
            [program, *arguments], cwd=folder, timeout=limit_s, capture_output=True,
            text=True, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise AnalysisError(
            f"R was stopped after {limit_s:g} seconds on this model; simplify its random part, or "
            "run report/models.R by itself"
        ) from None


def complaint(stderr: str) -> str:
    """The last words of R, in one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    start = max((i for i, line in enumerate(lines) if line.startswith("Error")), default=-1)
    told = lines[start:] if start >= 0 else lines[-1:]
    told = [line for line in told if not line.startswith(("Execution halted", "Calls:"))]
    return " ".join(told)[:300] or "it said nothing"

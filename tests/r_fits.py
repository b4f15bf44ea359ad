"""Fits of glmer and clmm made on the spot, where R has them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

GLMER = """
suppressPackageStartupMessages(library(lme4))
d <- read.csv("{data}", stringsAsFactors = TRUE)
fit <- suppressMessages(suppressWarnings(glmer({formula}, d, family = binomial,
  control = glmerControl(optimizer = "bobyqa", tolPwrss = 1e-12))))
b <- coef(summary(fit))
out <- data.frame(term = rownames(b), estimate = b[, 1], se = b[, 2])
sds <- as.data.frame(VarCorr(fit))
sds <- sds[is.na(sds$var2), "sdcor"]
"""
CLMM = """
suppressPackageStartupMessages(library(ordinal))
d <- read.csv("{data}", stringsAsFactors = TRUE)
fit <- clmm({formula}, data = d)
b <- coef(summary(fit))
out <- data.frame(term = rownames(b), estimate = b[, 1], se = b[, 2])
sds <- unlist(lapply(VarCorr(fit), function(v) attr(v, "stddev")))
"""
END = """
out <- rbind(out, data.frame(term = "logLik", estimate = as.numeric(logLik(fit)), se = NA))
out <- rbind(out, data.frame(term = paste0("sd", seq_along(sds)), estimate = sds, se = NA))
options(digits = 15)
write.csv(out, "{out}", row.names = FALSE)
"""


@cache
def has(package: str) -> bool:
    """Whether R has a package."""
    if not shutil.which("Rscript"):
        return False
    asked = ["Rscript", "-e", f'if (!requireNamespace("{package}", quietly=TRUE)) quit(status=1)']
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def require(package: str) -> None:
    """Skip the test where R lacks a package."""
    if not has(package):
        pytest.skip(f"R with the package {package} is not installed")


def fitted(script: str, formula: str, data: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Estimates and standard errors by term; also `logLik` and `sd1`, `sd2`, …."""
    data.to_csv(folder / "data.csv", index=False)
    ask(script + END, folder, formula=formula)
    return pd.read_csv(folder / "out.csv").set_index("term")


def ask(script: str, folder: Path, **given: str) -> None:
    """Run a script of R; `{data}` and `{out}` are files in `folder`."""
    file = folder / "script.R"
    for name, value in {**given, "data": folder / "data.csv", "out": folder / "out.csv"}.items():
        script = script.replace("{" + name + "}", str(value))
    file.write_text(script, encoding="utf-8")
    done = subprocess.run(["Rscript", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

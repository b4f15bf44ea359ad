"""Verbs of mien's networks; only they need PyTorch."""

from __future__ import annotations

import typer

app = typer.Typer()

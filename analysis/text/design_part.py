"""The part of a report about design and stimuli: what each cell holds, and what was shown."""

from __future__ import annotations

import io

import pandas as pd
from PIL import Image

from analysis.figures.pictures import counts_of
from analysis.figures.thumbnails import open_picture
from analysis.sample.exclude import Sample
from analysis.text.part import NUMBER, TEXT, Block, Paragraph, Part, Photograph, Table
from analysis.text.tables import shortened
from protocols.protocol import Protocol
from protocols.study import Study

SHEET = "contact-sheet.png"
SHEET_WIDTH = 1500  # pixels in the page; the file itself stays as it is


def design_part(study: Study, protocol: Protocol, sample: Sample) -> Part:
    """Ratings per cell, how balanced they are, and the contact sheet."""
    counts = counts_of(protocol, sample)
    if not sample.raters_known:
        counts = counts.drop(columns="participants")
    table = shortened(_counts_table(counts, protocol.factors), "cells.csv")
    blocks: list[Block] = [Paragraph(_balance(counts)), table, _sheet(study)]
    return Part("Design and stimuli", blocks, tables={"cells": counts})


def _balance(counts: pd.DataFrame) -> str:
    least, most = int(counts.ratings.min()), int(counts.ratings.max())
    if least == most:
        return f"Balanced: every one of the {len(counts)} cells holds {most} analysed ratings."
    return (
        f"The {len(counts)} cells hold {least} to {most} analysed ratings each. Mixed models allow "
        "for this; means of unequal cells do not average to the overall mean."
    )


def _counts_table(counts: pd.DataFrame, factors: list[str]) -> Table:
    rows = [[str(row[c]) for c in counts.columns] for row in counts.to_dict("records")]
    head = [name if name in factors else name.capitalize() for name in counts.columns]
    kinds = [TEXT if name in factors else NUMBER for name in counts.columns]
    return Table(head, kinds, rows, "Analysed ratings per cell of the design")


def _sheet(study: Study) -> Block:
    """The contact sheet of the stimuli, small enough for the page."""
    file = study.stimuli / SHEET
    if not file.is_file():
        return Paragraph("No contact sheet: the study's folder holds no stimuli.")
    picture = open_picture(file)
    if isinstance(picture, str):
        return Paragraph(f"No contact sheet: {picture}.")
    picture.thumbnail((SHEET_WIDTH, 4 * SHEET_WIDTH), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    caption = "Contact sheet of the stimuli."
    return Photograph(out.getvalue(), caption, "Thumbnails of the stimuli by condition.")

"""What one participant's browser is told: trials in order, without identities and conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.answers import asked, asked_at_the_end, check_of
from experiments.media import Medium
from experiments.plan import Plan, Trial
from experiments.reception import Place
from protocols.protocol import Protocol


def study_of(
    protocol: Protocol, plan: Plan, media: Mapping[str, Medium], place: Place
) -> dict[str, Any]:
    """Everything that the page needs to go on from where the participant is."""
    trials = plan.trials[place.slot]
    return {
        "token": place.token,
        "status": place.status,
        "trials": [_trial(protocol, trial, media, place) for trial in trials],
        "questionnaire_done": [
            question.id
            for question in asked_at_the_end(protocol)
            if question.id in place.done_at_the_end
        ],
    }


def _trial(
    protocol: Protocol, trial: Trial, media: Mapping[str, Medium], place: Place
) -> dict[str, Any]:
    medium = media.get(trial.stimulus or "")
    check = check_of(protocol, trial)
    questions = [question.id for question in asked(protocol, trial)]
    return {
        "trial": trial.number,
        "practice": trial.kind == "practice",
        "pause": trial.pause,
        "medium": medium.public() if medium else None,
        "instruction": check.text if check else None,
        "questions": questions,
        "done": [name for name in questions if (trial.number, name) in place.done],
    }


def examples(
    protocol: Protocol, media: Mapping[str, Medium], manifest: pd.DataFrame
) -> list[dict[str, Any]]:
    """The familiarisation: for each level of its factor, alphabetically, the media to show."""
    page = protocol.pages.familiarisation
    if page is None:
        return []
    shown = manifest[manifest.role == "example"]
    groups = []
    for level in sorted(map(str, protocol.stimuli.factors[page.factor])):
        of_level = shown[shown[page.factor].astype(str) == level].head(page.examples)
        if len(of_level):
            told = [media[name].public() for name in of_level.stimulus_id]
            groups.append({"label": level, "media": told})
    return groups

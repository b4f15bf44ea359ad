"""A simulated study whose report has everything: models of every kind, choices, what fails."""

from __future__ import annotations

from pathlib import Path

from experiments.simulate import simulate
from protocols.study import Study
from tests.small_study import make_study

TEXT = """
name: everything
title: Faces <b>& more</b>
source: Made up, 2024
seed: 14
stimuli:
  generator: actor
  identities: 12
  factors: {emotion: [angry, happy], m: [0, 0.5, 1]}
  size: 64
tasks:
  - id: valence
    type: likert
    question: How negative or positive does this face look?
    anchors: {1: very negative, 5: neutral, 9: very positive}
  - {id: feeling, type: forced-choice, question: Which emotion?, options: [Angry, Happy, Neither],
     second_choice: true}
  - {id: seen, type: checkboxes, question: What did you see?, options: [Eyes, Mouth]}
design:
  rotate: [emotion]
  attention: [{id: press-two, text: Press 2., task: valence, answer: 2}]
  repeats: {count: 2}
pages:
  questionnaire:
    - {id: random, type: forced-choice, question: At random?, options: ["no", "yes"]}
recruitment: {per_list: 24}
exclusions:
  - {id: said-random, rule: answer, question: random, of: ["yes"]}
  - {id: attention, rule: attention}
analysis:
  models:
    - id: nested
      title: Emotion at each level of m
      formula: valence ~ m/emotion + (emotion | participant) + (emotion | identity)
      coding: {emotion: sliding-difference, m: treatment}
      comparisons: [{factor: emotion, at: m, equivalence: 0.5}]
    - id: crossed
      formula: valence ~ m*emotion + (1 | participant) + (1 | identity)
      coding: {emotion: sum, m: helmert}
      reml: false
      comparisons: [{factor: m}]
    - id: slope-of-m
      formula: valence ~ m*emotion + (m || participant) + (1 | identity)
      levels: {emotion: [happy, angry]}
      comparisons: [{factor: emotion, at: m, adjust: none}]
    - id: uncorrelated
      formula: valence ~ emotion + trial + (emotion || participant) + (1 | identity)
      coding: {emotion: treatment}
    - id: aliased
      formula: valence ~ emotion + identity + stimulus_id + (1 | participant)
  figures:
    - {task: valence, x: m, colour: emotion}
    - {task: valence, x: emotion}
  beside: [{study: another-study, by: emotion}]
simulation:
  careless: 0
  tasks:
    valence:
      mean: 5
      participant_slope_sd: {emotion: 0.5, m: 0.4}
      identity_slope_sd: {emotion: 0.3}
      effects:
        - {when: {emotion: angry, m: 0.5}, add: -0.5}
        - {when: {emotion: happy, m: 0.5}, add: 0.5}
        - {when: {emotion: angry, m: 1}, add: -1}
        - {when: {emotion: happy, m: 1}, add: 1}
    feeling: {follows: {emotion: 0.7}}
"""


def make(folder: Path, text: str = TEXT, seed: int | None = None) -> Study:
    """The study, its stimuli drawn and its participants simulated."""
    study = make_study(folder, text)
    simulate(study, seed=seed)
    return study

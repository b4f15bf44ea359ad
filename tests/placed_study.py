"""A small study whose answers are placed: on a line, and in an affect grid."""

from __future__ import annotations

PLACED = """
name: placed
title: Placed answers
seed: 5
stimuli:
  generator: actor
  identities: 2
  factors: {emotion: [angry, happy], m: [1]}
  size: 256
tasks:
  - id: valence
    type: slider
    question: How negative or positive does this face look?
    left: very negative
    middle: neutral
    right: very positive
  - id: affect
    type: affect-grid
    question: How does this person feel?
design:
  attention:
    - {id: far-right, text: Please click at the far right., task: affect-valence, answer: 9}
  repeats: {count: 1}
pages:
  questionnaire:
    - {id: calm, type: slider, question: How calm are you now?, left: not at all, right: very,
       low: -1, high: 1, step: 0.25, show_number: true}
    - {id: mood, type: affect-grid, question: How do you feel now?, required: false}
recruitment: {per_list: 2}
exclusions:
  - {id: attention, rule: attention}
  - {id: inconsistent, rule: repeats, more_than: 2, tolerance: {valence: 10, affect-valence: 1}}
  - {id: restless, rule: answer, question: calm, at_most: -0.75}
"""
GERMAN = (
    PLACED.replace("pages:\n", "pages:\n  language: de\n")
    .replace("How negative or positive does this face look?", "Wie negativ oder positiv?")
    .replace("How does this person feel?", "Wie fühlt sich diese Person?")
    .replace("very negative", "sehr negativ")
    .replace("middle: neutral", "middle: weder noch")
    .replace("very positive", "sehr positiv")
)

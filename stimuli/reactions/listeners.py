"""Listeners: appropriate facial reactions to a speaker, by a stated generative model.

    reaction = listen(speaking, style_of(12), seed=3)          (T, 25)
    head = nods(speaking, style_of(12), seed=3)                (T, 3) yaw, pitch, roll

The model
    A listener perceives an episode of the speaker at p = 1 - (1 - SHARE face_m)(1 - SHARE voice_m):
    either channel is enough, both together say more. For every episode one of the RESPONSES to its
    emotion is drawn, by its weight and the listener's trait behind it, or none (NOTHING). It begins
    the listener's delay after the speaker's change (JITTER apart from time to time), rises to

        gain (0.6 + 0.4 trait) expressiveness p exp(0.2 n),  n standard normal,

    fades to FADED of that while it lasts, and falls when the speaker's episode ends, a delay later,
    or earlier, when its own time (LASTS) is over. Some emotions have an aftermath (AFTERWARDS).
    At ends of phrases listeners nod, and most nods come with a small display; when the speaker is
    unhappy it is no smile. Under all of it lie the listener's resting face, mood, and slow small
    changes. The 25 attributes come from the displays' strengths (`affect`), so they agree.

    The same speaker, style and seed give the same reaction; other seeds give other appropriate
    ones, and other styles other listeners.

Sources
    [H]   Hess & Fischer (2013), Pers. Soc. Psychol. Rev. 17, 142: people mimic what serves
          affiliation, and neither strangers' emotions as they are nor those that show antagonism.
    [G]   Goetz, Keltner & Simon-Thomas (2010), Psychol. Bull. 136, 351: compassion has a face.
    [LH]  Lundqvist & Dimberg (1995), J. Psychophysiol. 9, 203: pictures of six emotions are
          mimicked to some extent, not all of them alike.
    [WT]  Ward & Tsukahara (2000), J. Pragmat. 32, 1177: back-channels follow low pitch late in an
          utterance.
    [HD]  Hadar, Steiner & Rose (1985), J. Nonverbal Behav. 9, 214: listeners' 'yes' is symmetrical
          and cyclic.
    [MD]  Mori, Den & Jokinen (2025), PLoS ONE 20, e0323448: cycles of a nod become smaller.
    They say which kinds of answers there are. All weights, gains, shares and times are ours, set by
    looking at curves and films.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.reaction.attributes import AUS, PLACE, RATE
from stimuli.actors.dynamics import s_curve
from stimuli.reactions.affect import attributes
from stimuli.reactions.speaking import Episode, Phrase, Speaking
from stimuli.reactions.speaking_face import slow_noise
from stimuli.reactions.styles import Style
from stimuli.seeds import generator_of


@dataclass(frozen=True)
class Response:
    """A display that answers an emotion; trait: of the Style, that makes it likelier and larger."""

    display: str
    weight: float
    gain: float
    trait: str


RESPONSES: dict[str, tuple[Response, ...]] = {
    "happy": (
        Response("happy", 1.2, 0.9, "mimicry"),  # affiliative, so mimicked [H, LH]
        Response("smile", 0.8, 0.9, "smile"),
        Response("polite smile", 0.4, 0.9, "smile"),  # all that some strangers give
    ),
    "sad": (
        Response("concern", 1.2, 1.0, "empathy"),  # compassion [G]
        Response("sad", 0.7, 0.6, "mimicry"),  # mimicked [LH], less than smiles
        Response("pressed lips", 0.4, 0.9, "empathy"),  # sympathy without words
    ),
    "angry": (
        Response("wary", 0.8, 0.8, "empathy"),  # anger is answered, not copied [H]
        Response("concern", 0.8, 0.8, "empathy"),  # for what upset the speaker
        Response("displeasure", 0.6, 0.8, "mimicry"),  # taking sides against a third
        Response("pressed lips", 0.4, 1.0, "empathy"),  # keeping out of it
    ),
    "fearful": (
        Response("concern", 1.0, 0.9, "empathy"),
        Response("fearful", 0.5, 0.5, "mimicry"),  # copied [LH], weakly
        Response("wary", 0.5, 0.8, "mimicry"),  # looking out for the same danger
        Response("interest", 0.4, 0.9, "empathy"),
    ),
    "disgusted": (
        Response("disgusted", 0.9, 0.6, "mimicry"),  # [LH]; seldom if it is at the listener [H]
        Response("displeasure", 0.6, 0.8, "mimicry"),
        Response("polite smile", 0.3, 0.7, "smile"),  # amused, or embarrassed
        Response("pressed lips", 0.3, 0.9, "empathy"),
    ),
    "surprised": (
        Response("surprised", 1.0, 0.7, "mimicry"),  # [LH]
        Response("interest", 0.8, 1.0, "empathy"),  # go on!
        Response("oh", 0.5, 0.9, "mimicry"),
        Response("smile", 0.4, 0.6, "smile"),
    ),
    "neutral": (
        Response("interest", 0.6, 0.5, "empathy"),
        Response("polite smile", 0.6, 0.5, "smile"),
    ),
}
# What may follow the response, and how often: surprise ends well, sympathy in pressed lips.
AFTERWARDS = {"surprised": ("smile", 0.35), "sad": ("pressed lips", 0.25)}
MOST = 0.85  # strength of a display: faces in conversation stay below posed ones
NOTHING = {"neutral": 0.55}  # share of the episodes that nothing answers; OTHERWISE of the others
OTHERWISE = 0.08
UNHAPPY = ("sad", "angry", "fearful", "disgusted")
SHARE = 0.8  # of an emotion's strength that one channel alone gets across
ORDINARY = 0.5  # p of an episode without emotion
JITTER, SOONEST, LATEST = 0.1, 0.35, 1.4  # s, of the delay
FADED, FADING = 0.65, 3.0  # share that is left in the long run; s, time constant
LASTS = (2.0, 6.0)  # s, range of the time that a response holds of itself
AFTER = (0.8, 2.0)  # s from a response to its aftermath
NOD_DELAY = (0.1, 0.6)  # s after the end of a phrase; that it is there: [WT]
CYCLES, CYCLES_HZ, NOD_DEGREES = (1, 3), (1.8, 2.6), (2.5, 6.0)  # of a nod; that it cycles: [HD]
WITH_NOD = 0.65  # share of the nods with a display
SMALL, SMALL_S = (0.2, 0.5), (0.5, 1.1)  # its strength and time
TILT = 3.0  # degrees of roll with concern
WAVER, WAVER_S = 0.08, 0.8  # of responses around their course
IDLE, IDLE_S = 0.012, 1.5  # of resting action units
MOOD, MOOD_S = 0.02, 2.5  # of valence and arousal


@dataclass(frozen=True)
class Act:
    """A display in time (s): rises from the onset on, holds, and falls from the offset on."""

    display: str
    strength: float
    onset: float
    rise: float
    offset: float
    fall: float

    def at(self, times: np.ndarray) -> np.ndarray:
        """Strength (T,) at times (T,)."""
        up = s_curve((times - self.onset) / self.rise, 2)
        down = 1 - s_curve((times - self.offset) / self.fall, 2)
        held = np.maximum(times - self.onset - self.rise, 0)
        return self.strength * up * down * (FADED + (1 - FADED) * np.exp(-held / FADING))


@dataclass(frozen=True)
class Nod:
    """Some cycles down and back from `onset` (s) on, each smaller than the last [MD]."""

    onset: float
    cycles: int
    hertz: float
    degrees: float

    def at(self, times: np.ndarray) -> np.ndarray:
        """Pitch (T,) in degrees; later cycles are smaller."""
        turns = (times - self.onset) * self.hertz
        inside = (turns >= 0) & (turns < self.cycles)
        depth = self.degrees * 0.7 ** np.floor(np.where(inside, turns, 0))
        return np.where(inside, -depth * (1 - np.cos(2 * np.pi * turns)) / 2, 0.0)


def listen(speaking: Speaking, style: Style, seed: int) -> np.ndarray:
    """Attributes (T, 25) float32 of a listener's face."""
    times = (np.arange(speaking.frames) + 0.5) / RATE
    rng = generator_of(seed, "face")
    strengths: dict[str, np.ndarray] = {"interest": np.zeros(len(times))}
    for act in (*responses(speaking, style, seed), *_with_nods(speaking, style, seed)):
        waver = 1 + WAVER * slow_noise(len(times), WAVER_S, rng)
        shown = (act.at(times) * waver).clip(0, 1)
        strengths[act.display] = np.maximum(strengths.get(act.display, 0.0), shown)
    idle = np.stack([slow_noise(len(times), IDLE_S, rng) for _ in range(AUS.stop)], 1)
    resting = (style.resting + IDLE * idle * (style.resting > 0)).clip(0, 1)
    face = attributes(strengths, style.gains, resting)
    mood = np.stack([slow_noise(len(times), MOOD_S, rng) for _ in range(2)], 1)
    face[:, PLACE] = (face[:, PLACE] + style.mood + MOOD * mood).clip(-1, 1)
    return face


def nods(speaking: Speaking, style: Style, seed: int) -> np.ndarray:
    """Yaw, pitch and roll (T, 3) in degrees of the same listener; without sway."""
    times = (np.arange(speaking.frames) + 0.5) / RATE
    head = np.zeros((len(times), 3))
    for nod, _ in _nods(speaking, style, seed):
        head[:, 1] = np.minimum(head[:, 1], nod.at(times))
    side = generator_of(seed, "tilt").choice([-1.0, 1.0])
    for act in responses(speaking, style, seed):
        if act.display == "concern":
            slower = Act("concern", act.strength, act.onset, 2 * act.rise, act.offset, 2 * act.fall)
            head[:, 2] += side * TILT * slower.at(times)
    return head


def responses(speaking: Speaking, style: Style, seed: int) -> tuple[Act, ...]:
    """How the listener answers each episode, in order of time; some are left unanswered."""
    rng = generator_of(seed, "responses")
    return tuple(act for episode in speaking.episodes for act in _answer(episode, style, rng))


def perceived(episode: Episode) -> float:
    """How strongly an episode's emotion comes across, 0 to 1."""
    if episode.emotion == "neutral":
        return ORDINARY
    return 1 - (1 - SHARE * episode.face_m) * (1 - SHARE * episode.voice_m)


def _answer(episode: Episode, style: Style, rng: np.random.Generator) -> Iterator[Act]:
    choices = RESPONSES[episode.emotion]
    traits = np.array([getattr(style, one.trait) for one in choices])
    weight = np.array([one.weight for one in choices]) * (0.25 + traits)
    row = int(rng.choice(len(choices), p=weight / weight.sum()))
    delay = np.clip(style.delay_s + JITTER * rng.standard_normal(), SOONEST, LATEST)
    size, pace = np.exp(0.2 * rng.standard_normal()), np.exp(0.15 * rng.standard_normal(2))
    lasts, after, again = rng.uniform(*LASTS), rng.uniform(*AFTER), rng.random()
    if rng.random() < NOTHING.get(episode.emotion, OTHERWISE):
        return
    chosen, p = choices[row], perceived(episode)
    strength = chosen.gain * (0.6 + 0.4 * traits[row]) * style.expressiveness * p * size
    onset = episode.onset_s + delay
    rise, fall = style.rise_s * pace[0], style.fall_s * pace[1]
    offset = min(episode.offset_s + delay, onset + rise + lasts)
    offset = max(offset, onset + rise)
    yield Act(chosen.display, float(min(strength, MOST)), onset, rise, offset, fall)
    display, often = AFTERWARDS.get(episode.emotion, ("", 0.0))
    if again < often and display != chosen.display:
        yield Act(display, float(min(0.7 * strength, MOST)), onset + after, rise,
                  max(offset, onset + after + rise) + 0.5, fall)  # fmt: skip


def _nods(speaking: Speaking, style: Style, seed: int) -> Iterator[tuple[Nod, np.random.Generator]]:
    """Nods, each with a generator of its own for what goes with it."""
    seconds = speaking.frames / RATE
    each = style.nods_per_minute * seconds / 60 / max(len(speaking.phrases), 1)
    for number, phrase in enumerate(speaking.phrases):
        rng = generator_of(seed, f"nod {number}")
        if rng.random() < each:
            cycles = int(rng.integers(CYCLES[0], CYCLES[1] + 1))
            yield (
                Nod(
                    onset=phrase.offset_s + float(rng.uniform(*NOD_DELAY)),
                    cycles=cycles,
                    hertz=float(rng.uniform(*CYCLES_HZ)),
                    degrees=float(rng.uniform(*NOD_DEGREES) * np.sqrt(style.expressiveness)),
                ),
                rng,
            )


def _with_nods(speaking: Speaking, style: Style, seed: int) -> Iterator[Act]:
    """The small displays that go with nods."""
    for nod, rng in _nods(speaking, style, seed):
        phrase = _last_before(speaking.phrases, nod.onset)
        if rng.random() >= WITH_NOD:
            continue
        choices = (("concern", style.empathy), ("pressed lips", 0.4), ("interest", 0.3)) if (
            phrase.emotion in UNHAPPY
        ) else (("polite smile", 0.2 + style.smile), ("interest", 0.5), ("oh", 0.25))  # fmt: skip
        weight = np.array([0.1 + share for _, share in choices])
        display = choices[int(rng.choice(len(choices), p=weight / weight.sum()))][0]
        strength = rng.uniform(*SMALL) * style.expressiveness
        lasts = float(rng.uniform(*SMALL_S))
        yield Act(display, float(min(strength, MOST)), nod.onset, 0.7 * style.rise_s,
                  nod.onset + lasts, style.fall_s)  # fmt: skip


def _last_before(phrases: tuple[Phrase, ...], at: float) -> Phrase:
    """The phrase that ended last before a time (s)."""
    return [phrase for phrase in phrases if phrase.offset_s <= at][-1]

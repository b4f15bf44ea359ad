"""What a speaker's face shows, and what the voice expresses, from episodes and phones.

An expression rises within 0.4 s (0.25 s for surprise), wavers around its m while it lasts, and
falls in 0.6 s. Mouths follow the phones (stimuli.voices.visemes); while they do, they show less of
the expression. Brows go up on some vowels. What a voice expresses sets in within 0.3 s of sound
and fades within 0.5 s of silence. Persons differ in how much they show of each action unit, and in
their resting face.

Sources
    Schmidt, Cohn & Tian (2003), Biol. Psychol. 65, 49: onsets of spontaneous smiles last alike
    in all situations. How long, as all other numbers, is ours, in the range of films.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.reaction.attributes import AFFECT, ATTRIBUTES, AUS, RATE
from stimuli.actors.cast import Actor
from stimuli.actors.dynamics import SUDDEN, s_curve
from stimuli.reactions.affect import attributes
from stimuli.reactions.speaking import Episode, Phrase
from stimuli.seeds import generator_of
from stimuli.voices.speech import VOWELS, Speech
from stimuli.voices.talking import CORNER_SHARE, MOUTH_SHARE, speaking_share
from stimuli.voices.visemes import INDEX
from stimuli.voices.visemes import speaking as mouth_of

RISE, SUDDEN_RISE, FALL = 0.4, 0.25, 0.6  # s
HEARS, FADES = 0.3, 0.5  # s until a voice's emotion is there, and gone
ACCENT_SHARE, ACCENT_S = 0.12, 0.25  # of vowels on which brows go up, and s that it takes
ACCENT = (0.15, 0.4)  # range of its strength
WAVER, WAVER_S = 0.2, 0.8  # standard deviation of an expression around its m; s, how slowly
GAIN_SD = 0.2  # of the logarithm of what a person shows of an action unit
RESTING = 0.05  # most of an action unit in a resting face
MOUTH = ("AU10", "AU17", "AU23", "AU24", "AU25", "AU26")  # give way to speech
CORNERS = ("AU12", "AU14", "AU15")  # give way less


def face_of(
    actor: Actor, speech: Speech, episodes: Sequence[Episode], frames: int, seed: int
) -> np.ndarray:
    """Attributes (T, 25): expression and speech on one face."""
    rng, person = generator_of(seed, "face"), generator_of(actor.seed, "face")
    gains = np.exp(GAIN_SD * person.standard_normal(AUS.stop))
    resting = RESTING * person.random(AUS.stop) * (person.random(AUS.stop) < 0.4)
    times = (np.arange(frames) + 0.5) / RATE
    strengths: dict[str, np.ndarray] = {"interest": _accents(speech, times, rng)}
    for episode in episodes:
        waver = 1 + WAVER * slow_noise(frames, WAVER_S, rng)
        if episode.face_m:
            shown = episode.face_m * lasting(times, episode, RISE, FALL) * waver
            strengths[episode.emotion] = np.maximum(
                strengths.get(episode.emotion, 0.0), shown.clip(0, 1)
            )
    face = attributes(strengths, gains, resting)
    _give_way(face, speaking_share(speech, frames))
    mouth = mouth_units(mouth_of(speech.phones, frames))
    face[:, AUS] = 1 - (1 - face[:, AUS]) * (1 - mouth)
    return face


def heard_of(phrases: Sequence[Phrase], strengths: Sequence[float], frames: int) -> np.ndarray:
    """What a voice expresses, columns AFFECT (T, 10); strengths: m of each phrase."""
    times = (np.arange(frames) + 0.5) / RATE
    shown: dict[str, np.ndarray] = {"happy": np.zeros(frames)}
    for phrase, m in zip(phrases, strengths, strict=True):
        if phrase.emotion != "neutral":
            up = s_curve((times - phrase.onset_s) / HEARS, 2)
            down = 1 - s_curve((times - phrase.offset_s) / FADES, 2)
            shown[phrase.emotion] = np.maximum(shown.get(phrase.emotion, 0.0), m * up * down)
    return attributes(shown)[:, AFFECT]


def lasting(times: np.ndarray, episode: Episode, rise: float, fall: float) -> np.ndarray:
    """(T,) from 0 to 1 and back: rises from the onset on, falls from the offset on."""
    rise = min(rise, SUDDEN_RISE) if episode.emotion in SUDDEN else rise
    up = s_curve((times - episode.onset_s) / rise, 2)
    return up * (1 - s_curve((times - episode.offset_s) / fall, 2))


def slow_noise(frames: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """(T,) Gaussian of unit variance that changes within some `seconds`: white noise, smoothed."""
    sigma = seconds * RATE
    margin = round(4 * sigma)
    smooth = gaussian_filter1d(rng.standard_normal(frames + 2 * margin), sigma, mode="wrap")
    return smooth[margin : margin + frames] * np.sqrt(2 * np.sqrt(np.pi) * sigma)


def mouth_units(weights: np.ndarray) -> np.ndarray:
    """(T, 15) action units of mouths that speak, from facial actions (T, 52).

    As a coder would see the visemes: lips that are apart (25) by whatever parts them, the jaw that
    drops (26, whose 38 % of jawOpen is the rig's), lips pressed on /m b p/ (24), the upper lip on
    /f v/ (10, weak), the corners on /i/ (12, weak).
    """
    of = {name: weights[:, INDEX[name]] for name in INDEX}
    units = np.zeros((len(weights), AUS.stop))
    parted = (2.5 * of["jawOpen"] + 0.8 * of["mouthLowerDownLeft"] + 0.5 * of["mouthUpperUpLeft"]
              + 0.6 * of["mouthFunnel"])  # fmt: skip
    for name, amount in (
        ("AU25", parted), ("AU26", of["jawOpen"] / 0.38),
        ("AU24", 0.8 * of["mouthPressLeft"]), ("AU10", 0.25 * of["mouthUpperUpLeft"]),
        ("AU12", 0.4 * of["mouthSmileLeft"]),
    ):  # fmt: skip
        units[:, ATTRIBUTES.index(name)] = amount
    return units.clip(0, 1)


def _give_way(face: np.ndarray, speaking: np.ndarray) -> None:
    """Let the mouth of an expression give way while the speaker speaks (T,)."""
    for names, share in ((MOUTH, MOUTH_SHARE), (CORNERS, CORNER_SHARE)):
        columns = [ATTRIBUTES.index(name) for name in names]
        face[:, columns] *= (1 - (1 - share) * speaking)[:, None]


def _accents(speech: Speech, times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T,) how far brows go up on stressed vowels."""
    raised = np.zeros(len(times))
    for phone in speech.phones:
        if phone.symbol in VOWELS and rng.random() < ACCENT_SHARE:
            middle = (phone.start + phone.end) / 2
            bump = np.exp(-0.5 * ((times - middle) / (ACCENT_S / 2)) ** 2)
            raised = np.maximum(raised, rng.uniform(*ACCENT) * bump)
    return raised

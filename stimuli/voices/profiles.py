"""How the voice changes with an emotion: one acoustic profile each, a source beside each number.

Compound emotions are means of their parts (`compounds`).

    profile_at("angry", 0.5)    the profile of anger at half strength

Scaling by m: factors become factor ** m, differences become m * difference. m = 0 is neutral for
every emotion, m = 1 the profile, and up to MOST a caricature.

How large the numbers are: Emofilt's and Burkhardt & Sendlmeier's rules were made to be recognised
in diphone synthesis and are caricatures of human speech. Where they give a number we take about
half of it on a log scale: x1.5 becomes about x1.22, and m = 2 would be their full rule. Where a
source gives a direction in words only ("slightly lower", "much faster") the size is ours: 5 %
for slightly, 15 to 25 % for much. Levels follow the 5 to 7 dB between loud and soft emotions.

Sources
    [MA]  Murray & Arnott (1993), JASA 93, 1097: table of rate, F0, range, intensity and quality.
    [BS]  Burkhardt & Sendlmeier (2000), ISCA workshop on speech and emotion; in Schröder (2001).
    [E]   Burkhardt (2005), Emofilt, emotions.xml: F0, range and duration in % of neutral.
    [JL]  Juslin & Laukka (2003), Psychol. Bull. 129, 770: cues in 104 studies.
    [BaS] Banse & Scherer (1996), JPSP 70, 614: acoustic profiles of 14 emotions.
    [B]   Breazeal (2002), Designing sociable robots, MIT Press, table 11.5 (scales of -10 to 10,
          after Cahn): surprise against happiness: pitch 6, 3; contour slope 10, 0; final lowering
          -10, -4 (a rise); rate 6, 3; loudness 10, 8; brilliance 9, -2.
    [K]   Kamiloglu, Fischer & Sauter (2020), Psychon. Bull. Rev. 27, 237: 108 studies: happy voices
          are generally loud, high and variable in pitch, with high F1 and F2.
    [T]   Tartter (1980), Percept. Psychophys. 27, 24: smiling raises formants.
    Cahn (1990), Affect Editor, and Murray & Arnott (1995) after Schröder (2001), Eurospeech, 87.

[E] was read in its file, [B] in its table, [K] in its abstract and [MA] as the table reviews print;
surprise is not in [MA] itself but in later reviews of it. The others are quoted after reviews.
Look a number up in its paper before you cite the paper for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import prod

from stimuli.voices.compounds import SHARES

MOST = 1.5  # m of the strongest caricature, as for faces


@dataclass(frozen=True)
class Profile:
    """What an emotion changes in neutral speech at m = 1; the defaults change nothing."""

    f0: float = 1.0  # x mean F0
    f0_range: float = 1.0  # x range of F0 in semitones, 20th to 80th percentile
    rate: float = 1.0  # x phones per second
    level: float = 0.0  # dB of loudness (LUFS); RMS may differ by 2 dB, as tilt changes its weight
    tilt: float = 0.0  # dB per octave added above 500 Hz; > 0 is brighter, as with effort
    jitter: float = 0.0  # SD of random F0 movement from frame to frame, as a share of F0
    breath: float = 0.0  # share of the harmonics that turns into noise, 0 to 1
    terminal: float = 0.0  # semitones that F0 glides over the last quarter, before range scaling
    declination: float = 0.0  # semitones per second over the sentence, before range scaling
    formants: float = 1.0  # x frequency of the formants


PROFILES: dict[str, Profile] = {
    "neutral": Profile(),
    "happy": Profile(
        f0=1.22,  # [E] joy 150 %, [BS] +50 %, halved; [MA] much higher; [B] less than surprise
        f0_range=1.4,  # [E] 200 %, [BS] +100 %, halved; [MA] much wider. It lifts the accents that
        # are there: the up and down on stressed syllables of [BS] and [E] (their "wave")
        rate=1.1,  # [B] half as much faster as surprise; [BS] tempo +30 %; [MA] faster or slower
        level=4.0,  # [MA] higher; [JL] medium to high; [K] generally loud
        tilt=1.0,  # [JL] medium high-frequency energy
        terminal=3.0,  # [MA] smooth upward inflections; [B] final rise 4 of surprise's 10
        formants=1.03,  # [BS] F1/F2 +10 %; [T] smiling raises them by some per cent; [K]
    ),
    "sad": Profile(
        f0=0.94,  # [MA] slightly lower; [JL] low
        f0_range=0.7,  # [E] 80 %; [MA] slightly narrower; [JL] little variability
        rate=0.82,  # [E] durations 140 %, halved; [MA] slightly slower; [JL] slow
        level=-5.0,  # [MA] lower; [JL] low
        tilt=-2.0,  # [JL] little high-frequency energy; [BaS] large share below 1 kHz
        jitter=0.012,  # [E] jitter 10, the most of its table
        breath=0.12,  # Cahn (1990): breathiness +10, the most of her scale
        terminal=-4.0,  # [MA] downward inflections; [JL] falling, also in the narrower range
        declination=-0.5,  # [JL] falling
    ),
    "angry": Profile(
        f0=1.22,  # [E] hot anger 150 %, halved; [MA] very much higher
        f0_range=1.5,  # [E] 200 %, halved; [MA] much wider
        rate=1.12,  # [MA] slightly faster; [E] durations 70 %, halved 1.19; [JL] fast
        level=6.0,  # Murray & Arnott (1995): +6 dB; [MA] higher; [BaS] highest energy
        tilt=2.5,  # [JL] much high-frequency energy; [BaS]
        jitter=0.008,  # [E] jitter 5
        terminal=-2.0,  # [MA] abrupt changes on stressed syllables; falling statements: ours
    ),
    "fearful": Profile(
        f0=1.42,  # [E] scared 200 %, halved; [BS] +150 %; [MA] very much higher
        f0_range=1.1,  # [BS] +20 %, halved; [E] 160 %; [JL] little variability, so the smaller
        rate=1.2,  # [E] durations 70 %, halved; [BS] +30 %; [MA] much faster
        level=1.0,  # [MA] normal
        tilt=0.5,  # [JL] little to medium high-frequency energy; falsetto in [BS]
        jitter=0.025,  # [MA] irregular voicing; [E] jitter 5: more, as WORLD smooths it
        breath=0.06,  # [MA] irregular voicing; the size is ours
        terminal=1.5,  # [JL] rising contour
    ),
    "disgusted": Profile(
        f0=0.9,  # [MA] very much lower; [JL] low: less than its words, or it is no voice
        f0_range=1.1,  # [MA] slightly wider
        rate=0.82,  # [MA] very much slower; [JL] slow
        level=-2.0,  # [MA] lower
        tilt=0.3,  # [MA] grumbled chest tone; about none
        jitter=0.02,  # [MA] grumbled: the size is ours
        breath=0.04,  # as jitter
        terminal=-3.0,  # [MA] wide, downward terminal inflections
    ),
    "surprised": Profile(
        f0=1.45,  # reviews after [MA]: much higher; [B] twice the rise of happy: 1.22 ** 2 = 1.49
        f0_range=1.8,  # [MA] much wider; Cahn (1990): range +8 of 10
        rate=1.2,  # reviews after [MA]: much faster; [B] twice happy's; Cahn (1990): +4 of 10
        level=4.0,  # reviews after [MA]: higher; [B] somewhat more than happy
        tilt=0.8,  # [B] brilliance 9 of 10; the size is ours
        terminal=10.0,  # [B] final rise 10 of 10; Cahn (1990): contour slope +10 of 10
    ),
    "calm": Profile(
        f0=0.96,  # [JL] tenderness: low
        f0_range=0.8,  # [JL] tenderness: little variability
        rate=0.9,  # [JL] tenderness: slow
        level=-3.0,  # [JL] tenderness: low
        tilt=-1.0,  # [JL] tenderness: little high-frequency energy
        breath=0.05,  # the size is ours
        terminal=-2.0,  # [JL] tenderness: falling
    ),
    "contempt": Profile(
        f0=0.9,  # [BaS] contempt: among the lowest F0 of 14 emotions
        f0_range=1.1,  # [BaS] about average; the size is ours
        rate=0.9,  # [BaS] slower than average
        level=-1.5,  # [BaS] contempt: low energy
        tilt=-0.5,  # the size is ours
        terminal=-3.0,  # the size is ours
    ),
}  # fmt: skip
BASIC = tuple(PROFILES)
FACTORS = ("f0", "f0_range", "rate", "formants")  # these multiply, the others add


def mean_of(shares: Mapping[str, float], profiles: Mapping[str, Profile]) -> Profile:
    """The profile (m = 1) of several emotions at once, in shares that need not sum to 1."""
    total = sum(shares.values())
    parts = [(profiles[emotion], share / total) for emotion, share in shares.items()]
    mean = {
        name: prod(getattr(part, name) ** share for part, share in parts)
        if name in FACTORS
        else sum(share * getattr(part, name) for part, share in parts)
        for name in (field.name for field in fields(Profile))
    }
    return Profile(**mean)


PROFILES |= {name: mean_of(shares, PROFILES) for name, shares in SHARES.items()}
EMOTIONS = tuple(PROFILES)


def profile_at(emotion: str, m: float, *, caricature: bool = False) -> Profile:
    """The profile of an emotion at strength m.

    Raises ValueError on an unknown emotion or an m outside 0 to 1 (to 1.5 with `caricature`).
    """
    return scale(_profile(emotion), _strength(emotion, m, caricature))


def scale(profile: Profile, m: float) -> Profile:
    """The profile at strength m: factors ** m, differences * m."""
    return Profile(
        **{
            field.name: getattr(profile, field.name) ** m
            if field.name in FACTORS
            else getattr(profile, field.name) * m
            for field in fields(Profile)
        }
    )


def _profile(emotion: str) -> Profile:
    if emotion not in PROFILES:
        near = get_close_matches(str(emotion), EMOTIONS, n=1, cutoff=0.4)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(
            f"emotion '{emotion}' of a voice: not known; give one of {', '.join(EMOTIONS)}{hint}"
        )
    return PROFILES[emotion]


def _strength(emotion: str, m: float, caricature: bool) -> float:
    most = MOST if caricature else 1.0
    if not 0 <= m <= most:
        more = "" if caricature else f" (to {MOST} with caricature=True)"
        raise ValueError(f"strength m of '{emotion}': found {m}; give 0 to {most:g}{more}")
    return float(m)

"""Tempo: speech at another rate, as people change it: vowels and pauses give, plosives hardly.

    slower = at_rate(speech.phones, 0.8)

A phone of class c and duration d lasts

    d' = d (1 + e_c (k - 1)),

with an elasticity e_c in [0, 1] and one k for the sentence, chosen so that the phones together last
1 / rate times as long as before: phones per second of speaking change by exactly `rate`. Pauses
within the sentence last k times as long. The silences at both ends keep their length, so
speech begins at the same time whatever its rate.

Elasticities are 1 - MINDUR / INHDUR, the share of a phone's inherent duration that Klatt's rules
of duration may take away, as the mean of the class:
    Klatt, D. H. (1979), Synthesis by rule of segmental durations in English sentences, in Lindblom
    & Öhman (eds.), Frontiers of speech communication research, 287; the table of durations also in
    Allen, Hunnicutt & Klatt (1987), From text to speech: the MITalk system. Read in a copy of the
    table in the format of the Festival synthesiser.
That vowels give more than consonants when people speak faster or more slowly: Gay (1978), JASA 63,
223. That pauses give most: Goldman-Eisler (1968), Psycholinguistics; their 1 is ours.
"""

from collections.abc import Sequence

from stimuli.voices.speech import SILENCE, VOWELS, Phone

ELASTICITY = {
    **dict.fromkeys(VOWELS, 0.58),  # from AY .40 to IH .70
    **dict.fromkeys(["L", "R", "W", "Y"], 0.47),
    **dict.fromkeys(["F", "V", "TH", "DH", "S", "SH", "Z", "ZH", "HH"], 0.40),
    **dict.fromkeys(["P", "B", "T", "D", "K", "G", "CH", "JH"], 0.31),
    **dict.fromkeys(["M", "N", "NG"], 0.23),
    SILENCE: 1.0,
}
LEAST = 0.2  # of its duration remains of any pause


def at_rate(phones: Sequence[Phone], rate: float, hz: int | None = None) -> tuple[Phone, ...]:
    """Phones whose number per second of speaking is `rate` times as great.

    With `hz` the sound ends on a whole sample, at the end of the last phone.
    """
    spoken = [phone for phone in phones if phone.symbol != SILENCE]
    if not spoken or rate == 1:
        return tuple(phones)
    total = sum(phone.end - phone.start for phone in spoken)
    elastic = sum((phone.end - phone.start) * ELASTICITY[phone.symbol] for phone in spoken)
    k = 1 + total * (1 / rate - 1) / elastic
    placed, at = [], phones[0].start
    for place, phone in enumerate(phones):
        edge = phone.symbol == SILENCE and place in (0, len(phones) - 1)
        factor = 1.0 if edge else max(1 + ELASTICITY[phone.symbol] * (k - 1), LEAST)
        end = at + (phone.end - phone.start) * factor
        placed.append(Phone(phone.symbol, at, end))
        at = end
    if hz is not None:
        last = placed[-1]
        placed[-1] = Phone(last.symbol, last.start, round(last.end * hz) / hz)
    return tuple(placed)

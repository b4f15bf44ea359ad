"""How people of a gender and an age speak: published means of F0 and formants.

F0 is the mean speaking frequency while reading, by decade of age. Formants are those of adults'
vowels between /h/ and /d/.

Sources
    [HS]  Hollien & Shipp (1972), J. Speech Hear. Res. 15, 155: 175 men. Its abstract (JASA 51, 111)
          gives 120 Hz in the twenties, the least, 107 Hz, in the forties, and 146 Hz in the
          eighties.
    [S]   Stoicheff (1981), J. Speech Hear. Res. 24, 437: 111 women who did not smoke.
    [H]   Hillenbrand, Getty, Clark & Wheeler (1995), JASA 97, 3099: 45 men and 48 women, table V.
    [TE]  Traunmüller & Eriksson (1995), The frequency range of the voice fundamental: means near
          120 Hz (men) and 210 Hz (women); between speakers, SD of some 2.5 semitones.
[HS] and [S] are given to 0.1 Hz as reviews quote them; look them up before you cite them.
"""

import numpy as np

DECADES = (25, 35, 45, 55, 65, 75, 85)  # years, the middle of each
F0 = {
    "male": (119.5, 112.2, 107.1, 118.4, 112.2, 132.1, 146.3),  # Hz [HS]
    "female": (224.3, 213.3, 220.8, 199.3, 199.7, 202.2, 202.2),  # Hz [S]; "70 and over" twice
}
F0_SD = 2.5  # semitones between speakers of one gender [TE]
# Vowel -> F1, F2, F3 in Hz [H]; without AH, which in sentences is mostly a schwa.
FORMANTS = {
    "male": {
        "IY": (342, 2322, 3000), "IH": (427, 2034, 2684), "EH": (580, 1799, 2605),
        "AE": (588, 1952, 2601), "AA": (768, 1333, 2522), "AO": (652, 997, 2538),
        "UH": (469, 1122, 2434), "UW": (378, 997, 2343),
    },
    "female": {
        "IY": (437, 2761, 3372), "IH": (483, 2365, 3053), "EH": (731, 2058, 2979),
        "AE": (669, 2349, 2972), "AA": (936, 1551, 2815), "AO": (781, 1136, 2824),
        "UH": (519, 1225, 2827), "UW": (459, 1105, 2735),
    },
}  # fmt: skip


def mean_f0(gender: str, age: float) -> float:
    """Mean speaking F0 (Hz) of "male" or "female" people of an age in years."""
    return float(np.exp(np.interp(age, DECADES, np.log(F0[gender]))))

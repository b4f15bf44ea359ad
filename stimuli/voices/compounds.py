"""Voices of compound emotions: what their parts do, in equal or stated shares.

No table of the acoustics of compound emotions is known to us, so this is a rule and not a finding:
a compound is the weighted mean of its parts, on the scales on which a profile grows with m. Factors
are multiplied (x1.25 and x1.4 in equal shares: x1.32), differences are averaged (+4 and -2 dB: +1).
Parts that pull in opposite directions meet near neutral: sadly angry is neither loud nor soft.
The parts are those in the names of Du, Tao & Martinez (2014), PNAS 111, E1454. Of their three
names without parts, the paper says that hatred is anger with disgust, appalled disgust with
anger, and awe surprise with fear, with the first in the foreground: here two thirds.
"""

SHARES: dict[str, dict[str, float]] = {
    "happily surprised": {"happy": 1, "surprised": 1},
    "happily disgusted": {"happy": 1, "disgusted": 1},
    "sadly fearful": {"sad": 1, "fearful": 1},
    "sadly angry": {"sad": 1, "angry": 1},
    "sadly surprised": {"sad": 1, "surprised": 1},
    "sadly disgusted": {"sad": 1, "disgusted": 1},
    "fearfully angry": {"fearful": 1, "angry": 1},
    "fearfully surprised": {"fearful": 1, "surprised": 1},
    "fearfully disgusted": {"fearful": 1, "disgusted": 1},
    "angrily surprised": {"angry": 1, "surprised": 1},
    "angrily disgusted": {"angry": 1, "disgusted": 1},
    "disgustedly surprised": {"disgusted": 1, "surprised": 1},
    "appalled": {"disgusted": 2, "angry": 1},
    "hatred": {"angry": 2, "disgusted": 1},
    "awed": {"surprised": 2, "fearful": 1},
}

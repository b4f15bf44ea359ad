"""The sentences of the two corpora whose designs are replayed most, by code, word for word.

Texts are those of CREMA-D (Cao et al., 2014) and RAVDESS (Livingstone & Russo, 2018). The codes of
CREMA-D are its own; RAVDESS numbers its two statements, here they are "kids" and "dogs".
"""

CREMA_D = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
RAVDESS = {
    "kids": "Kids are talking by the door.",
    "dogs": "Dogs are sitting by the door.",
}
SENTENCES = CREMA_D | RAVDESS

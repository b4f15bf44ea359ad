"""Compound emotions: faces that people make when two basic emotions meet, as FACS codes.

The fifteen of Du, Tao & Martinez (2014), Compound facial expressions of emotion, PNAS 111, E1454.
Behind each stands what its table 1 says: the action units (AU) seen in more than 70 % of 230
people and, in brackets, those seen in fewer. The paper gives no intensities: the letters are ours,
by eye on these meshes, as is the choice among the bracketed units. AU 11 is left out, for the rig
has no facial action for it. Appalled and hatred have the same units but one in the paper, too.
"""

COMPOUNDS = {
    "happily surprised": "1D 2D 5C 12E 25D 26B",  # 1 2 12 25 [5 26]
    "happily disgusted": "4B 6C 9D 10D 12D 25C",  # 10 12 25 [4 6 9]
    "sadly fearful": "1E 4D 15C 20D 25C",  # 1 4 20 25 [2 5 6 15]
    "sadly angry": "4E 7C 15E 17C",  # 4 15 [6 7 11 17]
    "sadly surprised": "1E 4C 25D 26D",  # 1 4 25 26 [2 6]
    "sadly disgusted": "1C 4D 6C 10D 15D 17C",  # 4 10 [1 6 9 11 15 17 25]
    "fearfully angry": "4E 5C 20E 25E",  # 4 20 25 [5 7 10 11]
    "fearfully surprised": "1E 2D 5E 20D 25D 26C",  # 1 2 5 20 25 [4 10 11 26]
    "fearfully disgusted": "1D 2B 4D 5C 10E 20D 25D",  # 1 4 10 20 25 [2 5 6 9 15]
    "angrily surprised": "4E 5C 25E 26E",  # 4 25 26 [5 7 10]
    "angrily disgusted": "4E 7D 9D 10D 17D",  # 4 10 17 [7 9 24]
    "disgustedly surprised": "1D 2E 5D 9B 10E 17C",  # 1 2 5 10 [4 9 17 24]
    "appalled": "4D 6B 9D 10E 17C",  # 4 10 [6 9 17 24]
    "hatred": "4E 7E 10C 17C 24C",  # 4 10 [7 9 17 24]
    "awed": "1D 2D 5C 25D 26C",  # 1 2 5 25 [4 20 26]
}

"""From the phonetic alphabet (IPA), as espeak-ng and Kokoro write American English, to ARPAbet."""

import unicodedata
from collections.abc import Iterator

ARPABET = {
    "iː": ["IY"], "i": ["IY"], "ɪ": ["IH"], "ᵻ": ["IH"], "eɪ": ["EY"], "e": ["EH"], "ɛ": ["EH"],
    "æ": ["AE"], "a": ["AA"], "ɑː": ["AA"], "ɑ": ["AA"], "ɔː": ["AO"], "ɔ": ["AO"], "oː": ["AO"],
    "o": ["OW"], "oʊ": ["OW"], "ʊ": ["UH"], "uː": ["UW"], "u": ["UW"], "ʌ": ["AH"], "ə": ["AH"],
    "ɐ": ["AH"], "ɜː": ["ER"], "ɜ": ["ER"], "ɚ": ["ER"], "ɝ": ["ER"], "aɪ": ["AY"], "aʊ": ["AW"],
    "ɔɪ": ["OY"], "p": ["P"], "b": ["B"], "t": ["T"], "d": ["D"], "k": ["K"], "ɡ": ["G"],
    "g": ["G"], "tʃ": ["CH"], "dʒ": ["JH"], "f": ["F"], "v": ["V"], "θ": ["TH"], "ð": ["DH"],
    "s": ["S"], "z": ["Z"], "ʃ": ["SH"], "ʒ": ["ZH"], "h": ["HH"], "m": ["M"], "n": ["N"],
    "ŋ": ["NG"], "l": ["L"], "ɬ": ["L"], "ɫ": ["L"], "ɹ": ["R"], "r": ["R"], "j": ["Y"],
    "w": ["W"], "ɾ": ["T"], "ʔ": ["T"], "x": ["K"], "ç": ["HH"],
    # Kokoro's letters for diphthongs and affricates
    "A": ["EY"], "I": ["AY"], "O": ["OW"], "W": ["AW"], "Y": ["OY"], "ʤ": ["JH"], "ʧ": ["CH"],
    "T": ["T"], "ᵊ": ["AH"], "ɜɹ": ["ER"],
}  # fmt: skip
LONGEST = max(map(len, ARPABET))
MARKS = "ˈˌː"  # stress and length: time of theirs belongs to the sound they mark


def sounds(ipa: str) -> Iterator[tuple[list[str], int, int]]:
    """The ARPAbet sounds of one word, each with the characters from..to that write it.

    Marks before the first sound belong to the next one, and marks after a sound to it. Characters
    count after canonical decomposition (NFD); those that are no sound of English are skipped.
    """
    ipa = unicodedata.normalize("NFD", ipa)
    begin = at = 0
    while at < len(ipa):
        for size in range(LONGEST, 0, -1):
            symbols = ARPABET.get(ipa[at : at + size])
            if symbols and len(ipa[at : at + size]) == size:
                at += size
                while at < len(ipa) and (ipa[at] == "ː" or unicodedata.combining(ipa[at])):
                    at += 1
                yield symbols, begin, at
                begin = at
                break
        else:
            at += 1

"""Make the recordings and voices that ship: `make voices`, in an environment of their own.

Each source says each sentence once; the aligner times the phones; the sound is written as FLAC
and hashed. Then every actor is dealt a timbre (data/voices.json), and everything is measured.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.voices import measure
from stimuli.voices.alignment import align
from stimuli.voices.deal import deal_timbres
from stimuli.voices.library import VOICES, voice_table
from stimuli.voices.measure import median_f0
from stimuli.voices.recordings import DATA, TABLE, hash_pcm, table, write_sound
from stimuli.voices.sentences import SENTENCES
from stimuli.voices.synthesis import SOURCES, say

LICENCES = {
    "heart": "Apache-2.0",
    "joe": "CC0-1.0",
    "rms": "Flite (Carnegie Mellon University, BSD style)",
    "slt": "Flite (Carnegie Mellon University, BSD style)",
}
GENDERS = {"heart": "female", "joe": "male", "rms": "male", "slt": "female"}


def main() -> None:
    """Write data/ anew and print what was measured."""
    sources = {source: make_source(source) for source in SOURCES}
    _write(DATA / TABLE, {"phones": "ARPAbet (CMU) without stress", "sources": sources})
    table.cache_clear()
    _write(DATA / VOICES, {"actors": deal_timbres()})
    voice_table.cache_clear()
    measure.main()


def make_source(source: str) -> dict[str, Any]:
    """All sentences of one source on disk; returns its entry of recordings.json."""
    (DATA / source).mkdir(parents=True, exist_ok=True)
    entries, pitches = {}, []
    for code, text in SENTENCES.items():
        said = say(text, source, code)
        path = DATA / source / f"{code}.flac"
        pcm = write_sound(path, said.samples, said.rate)
        timed = align(path, text, code)
        entries[code] = {
            "sha256": hash_pcm(pcm),
            "phones": [[p.symbol, round(p.start, 4), round(p.end, 4)] for p in timed.phones],
        }
        pitches.append(median_f0(said))
    return {
        "gender": GENDERS[source],
        "licence": LICENCES[source],
        "f0": round(float(np.median(pitches)), 1),
        "sentences": entries,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    path.write_text(_compact(text) + "\n", encoding="utf-8")


def _compact(text: str) -> str:
    """Innermost lists on one line each, so that a change of one phone is a change of one line."""
    return re.sub(r"\[\s+([^\[\]{}]+?)\s+\]", lambda m: "[" + " ".join(m[1].split()) + "]", text)


if __name__ == "__main__":
    main()

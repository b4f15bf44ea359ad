"""Talking faces of a prepared corpus itself: clips of people as they were filmed and prepared.

The pictures are those of the very recording whose voice is heard, in the crop of the prepared
arrays, brought to the networks' size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from protocols.licences import licence_words
from protocols.manifest import IPTC
from protocols.protocol import Protocol
from stimuli.context_faces.portraits import PortraitError, resampled
from stimuli.context_faces.sources import prepared_at_hand
from stimuli.generators import GeneratorError, Origin
from stimuli.stimulus import Stimulus
from stimuli.talking_faces.speakers import RecordedSpeakers, Utterance
from stimuli.video import RATE

VERSION = "2"  # changes whenever a clip changes though the corpus does not
LONGEST_GAP = 5  # frames without a face that the nearest one stands for
LEAST_FRAMES = 3  # fewer are no film


class RecordedFaces:
    """The people of a prepared corpus, as they were filmed."""

    def __init__(self, protocol: Protocol, speakers: RecordedSpeakers, native: int) -> None:
        """Frames of `native` pixels.

        Raises GeneratorError if the corpus was prepared otherwise, or the clips would be longer
        than they are.
        """
        stimuli = protocol.stimuli
        self.native, self.speakers = native, speakers
        self.corpus = prepared_at_hand(stimuli.corpus, stimuli, "stimuli.corpus")
        if self.corpus.record.rate != RATE:
            raise GeneratorError(
                f"{self.corpus.folder}: {self.corpus.record.rate:g} pictures a second; videos have "
                f"{RATE}: run mien corpus prepare {stimuli.corpus} --rate {RATE} --anew"
            )
        if speakers.clip.pause:
            raise GeneratorError(
                f"stimuli.clip.pause: found {speakers.clip.pause:g}; recordings that are shown as "
                "they were filmed have their own pauses: write clip: {kind: talking, pause: 0}"
            )
        licence = licence_words(stimuli.corpus, stimuli.corpus_folder)
        self.origin = Origin(
            version=VERSION,
            licence=licence,
            digital_source_type=IPTC + "digitalCapture",
            note=f"A recording of the corpus {stimuli.corpus}, cut by mien (talking-face). "
            f"{licence}.",
        )
        self._known: dict[str, str] = {}

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """The clip, and the SHA-256 of its faces' pixels.

        Raises PortraitError if the clip has no film, or none of a face.
        """
        clip = self._clip(stimulus)
        if clip not in self._known:
            rows = self._rows(clip)
            faces = hashlib.sha256()
            for row in rows:
                faces.update(self.corpus.faces[row].tobytes())
            self._known[clip] = faces.hexdigest()
        return {"route": "corpus", "filmed": {"clip": clip, "sha256": self._known[clip]}}

    def facts(self, stimulus: Stimulus) -> dict[str, Any]:
        """Nothing more."""
        return {}

    def frames(self, stimulus: Stimulus, said: Utterance) -> Iterator[np.ndarray]:
        """Frames (native, native, 3) uint8; where one has no face, the nearest that has one."""
        rows = self._rows(self._clip(stimulus))
        at = self.corpus.rows["at"][rows].astype(int)
        for moment in range(round(said.seconds * RATE)):
            nearest = rows[int(np.abs(at - moment).argmin())]
            yield resampled(np.asarray(self.corpus.faces[nearest]), self.native)

    def _clip(self, stimulus: Stimulus) -> str:
        """The recording that is heard."""
        return str(self.speakers.recipe(stimulus.identity, stimulus.levels)["clip"])

    def _rows(self, clip: str) -> np.ndarray:
        """Rows of a clip's faces, in time."""
        index = self.corpus.index
        found = index.loc[index["clip"] == clip].iloc[0]
        rows = int(found.first_row) + np.arange(int(found.rows))
        if len(rows) < LEAST_FRAMES:
            raise PortraitError(
                f"stimuli.corpus: the recording '{clip}' has no film of a face; see "
                f"{self.corpus.folder / 'unusable.tsv'}, or leave out '{found.actor}'"
            )
        at = self.corpus.rows["at"][rows].astype(int)
        last = int(found.samples * RATE / self.corpus.record.audio_rate)
        missing = np.diff([-1, *at, last]).max() - 1
        if missing > LONGEST_GAP:
            raise PortraitError(
                f"stimuli.corpus: in the recording '{clip}' no face was found in {missing} frames "
                f"in a row; at most {LONGEST_GAP}: leave out '{found.actor}', or another sentence"
            )
        return rows

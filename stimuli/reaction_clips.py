"""The generator `reaction`: an actor who listens, filmed with the voice of somebody who speaks.

A network (Hu et al. 2024) sees and hears the speaker and says what a listener's face does, in 25
attributes a frame; the action units among them move the actor (stimuli.reactions.filming). People
see the listener and hear the speaker.

What is withheld from the network (`missing`) changes nothing else: speaker, voice, the noise that
a reaction is drawn from, blinks, glances, nods and sway are the same at all of its levels. With
everything withheld the network still gives a listener, who reacts to nobody; sidecar and manifest
say so (`model_input: nothing`), and a caution at the end of the run.

A network that sees a clip from its first frame on does not know what was before, and may begin in
the middle of an answer. So it is shown a calm face that says nothing for LEAD_S before the clip;
what the listener does then is not filmed.

The same bytes come whatever the batches and processes: one thread, each reaction by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from models.reaction.attributes import NEUTRAL, RATE
from models.reaction.inference import react
from models.reaction.network import Model
from models.reaction.stored import SHIPPED_FILE, load_model
from models.reaction.voice import voice_features
from protocols.context import OwnPath
from protocols.protocol import Protocol
from protocols.reacting import MISSING, WITHHELD
from stimuli import actor_pictures
from stimuli.actor_voices import PLAYED_RATE
from stimuli.actors.portrait import Studio, portrait
from stimuli.company import Company
from stimuli.contact_sheet import strip_places
from stimuli.media import Filmed, Rendered
from stimuli.processes import free_threads
from stimuli.reactions.filming import Movement, attribute_table, listening
from stimuli.reactions.listeners import nods
from stimuli.reactions.partner import Partner, stretches
from stimuli.reactions.partners import find_partners
from stimuli.reactions.speaking import Speaking
from stimuli.reactions.styles import style_of
from stimuli.seeds import seed_of
from stimuli.stimulus import Cell, Stimulus
from stimuli.trained import load_trained, one_thread, origin_of
from stimuli.video import LOSSLESS, pyav, without_loss, write_video

VERSION = "4"  # changes whenever a clip changes though weights, actors and speakers do not
LEAD_S = 2.0  # longer than the latest answers
MADE = "A synthetic actor who listens by a neural network"
OWN = "own speaker (licence not known to mien)"  # not open: nobody passes voices on unasked
NOTHING = "nothing"
NO_INPUT = "the network was given nothing of the speaker; the listener reacts to nobody"


@dataclass(frozen=True, eq=False)
class Given:
    """What of a speaker the network is given: where (T,) voice and face are there."""

    voice_there: np.ndarray
    face_there: np.ndarray

    @property
    def words(self) -> str:
        """As the manifest says it."""
        parts = [("voice", self.voice_there), ("face", self.face_there)]
        return " and ".join(name for name, there in parts if there.any()) or NOTHING


class ReactionClips:
    """Listeners: the actors of a protocol react to its speakers."""

    def __init__(self, protocol: Protocol, cache: Path | None = None) -> None:
        """Clips of `protocol`; prepared actors are kept in `cache` (None: the user's).

        Raises:
            GeneratorError: the weights cannot be used.
            UserError: speakers or a package are missing, or speakers cannot be used.
        """
        stimuli = protocol.stimuli
        assert stimuli.listening is not None
        self.reacting, self.seed, self.lossless = stimuli.listening, protocol.seed, stimuli.lossless
        pyav()  # better now than after an hour
        self.company = Company.of(stimuli)
        self.studio = Studio(size=stimuli.size, cache_dir=cache)
        self.model: Model
        self.model, weights = load_trained(self.reacting, SHIPPED_FILE, load_model)
        self._sha256 = weights.facts["sha256"]
        self.partners = find_partners(protocol, self.reacting)
        version = f"{actor_pictures.VERSION}.{VERSION}"
        self.origin = origin_of(protocol, self.reacting, weights, version, MADE)
        if isinstance(self.reacting.speakers, OwnPath):
            licence = f"{self.origin.licence} and {OWN}"
            note = (
                f"{MADE}, made by mien (reaction). {licence}. A person may be heard, none is shown."
            )
            self.origin = replace(self.origin, licence=licence, note=note)
        self.cautions = (*self.partners.cautions, *_cautions(stimuli.factors))
        self._heard: tuple[str, Partner, torch.Tensor | None] | None = None

    def recipe(self, stimulus: Stimulus) -> dict[str, Any]:
        """Listener, levels, speaker, weights, settings, and the seeds of all that is drawn."""
        settings = self.reacting.model_dump(mode="json", exclude={"weights", "speakers"})
        return {
            "generator": "reaction",
            "generator_version": self.origin.version,
            "type": self._type(stimulus),
            "identity": stimulus.identity,
            "levels": dict(stimulus.levels),
            "size": self.studio.size,
            "reaction": settings,
            "noise_seed": self._seed(stimulus, "reacts"),
            "movement_seed": self._seed(stimulus, "moves"),
            "weights": self._sha256,
            "speaker": self.partners.recipe(stimulus.identity, stimulus.levels),
            **({"lossless": True} if self.lossless else {}),
            **self.company.recipe(stimulus.identity),
        }

    def render(self, stimuli: Sequence[Stimulus]) -> Iterator[Filmed]:
        """Clips, in order; a film is a file that is gone when the next clip is asked for."""
        with TemporaryDirectory(prefix="mien-film-") as folder:
            for stimulus in stimuli:
                film = Path(folder) / f"{stimulus.id}.mp4"
                yield self._filmed(stimulus, film)
                film.unlink(missing_ok=True)
                film.with_suffix(LOSSLESS).unlink(missing_ok=True)

    def strips(self, stimuli: Sequence[Stimulus]) -> Iterator[Rendered]:
        """Three pictures of each clip side by side (size, 3 size, 3)."""
        for stimulus in stimuli:
            movement = self._movement(stimulus, self.attributes(stimulus))
            actor = self.company.actor(stimulus.identity)
            yield Rendered(
                np.concatenate(
                    [
                        portrait(
                            actor, movement.weights[t], self.studio,
                            gaze=tuple(movement.gaze[t]), head=tuple(movement.head[t]),
                        )
                        for t in strip_places(len(movement.weights))
                    ],
                    axis=1,
                )
            )  # fmt: skip

    def attributes(self, stimulus: Stimulus) -> np.ndarray:
        """The listener's reaction (T, 25), as the network gives it."""
        partner, voice = self._partner(stimulus)
        given = self._given(stimulus.levels, partner)
        seed, lead = self._seed(stimulus, "reacts"), round(LEAD_S * RATE)
        face = None if partner.face is None else np.concatenate([[NEUTRAL] * lead, partner.face])
        seen = np.r_[[bool(given.face_there.any())] * lead, given.face_there]
        heard = np.r_[[False] * lead, given.voice_there]
        with one_thread():
            reacted = react(
                self.model, None if face is None else torch.from_numpy(face)[None],
                None if voice is None else F.pad(voice, (0, 0, lead, 0))[None],
                1, [[seed]], torch.from_numpy(seen)[None], torch.from_numpy(heard)[None],
                frames=lead + partner.frames, made_up=[seed],
            )  # fmt: skip
        return reacted.attributes[0, 0, lead:].numpy()

    def _filmed(self, stimulus: Stimulus, film: Path) -> Filmed:
        partner, _ = self._partner(stimulus)
        given = self._given(stimulus.levels, partner)
        attributes = self.attributes(stimulus)
        movement = self._movement(stimulus, attributes)
        self._shoot(stimulus, movement, film)
        facts: dict[str, Any] = {
            "width": self.studio.size, "height": self.studio.size,
            "duration_s": partner.seconds, "frame_rate": RATE, "frames": partner.frames,
        }  # fmt: skip
        if partner.sound is not None:
            facts["audio_rate"] = PLAYED_RATE
        facts |= {"speech": dict(partner.facts), "model_input": given.words}
        if given.words == NOTHING:
            facts["caution"] = NO_INPUT
        facts["not_given_s"] = {
            "voice": stretches(~given.voice_there), "face": stretches(~given.face_there),
        }  # fmt: skip
        return Filmed(
            film, partner.played, facts, movement.table(), None,
            film.with_suffix(LOSSLESS) if self.lossless else None,
            attribute_table(attributes),
        )  # fmt: skip

    def _shoot(self, stimulus: Stimulus, movement: Movement, film: Path) -> None:
        """Draw every frame; one after the other where other processes work beside this one."""
        actor = self.company.actor(stimulus.identity)
        frames = movement.frames(actor, self.studio, free_threads())
        if self.lossless:
            frames = without_loss(frames, film.with_suffix(LOSSLESS), note=self.origin.note)
        write_video(film, frames, note=self.origin.note)

    def _movement(self, stimulus: Stimulus, attributes: np.ndarray) -> Movement:
        partner, _ = self._partner(stimulus)
        seed, reacting = self._seed(stimulus, "moves"), self.reacting
        nodding = None
        if reacting.nods:
            manner = seed_of(self.seed, f"{stimulus.identity} nods")  # a person's own
            nodding = nods(_phrased(partner), style_of(manner), seed)
        return listening(
            attributes, seed, gain=reacting.gain, blinks_a_minute=reacting.blinks,
            head=reacting.head, nodding=nodding,
        )  # fmt: skip

    def _given(self, levels: Cell, partner: Partner) -> Given:
        """The speaker, less what the factor `missing` withholds in the gap, or altogether."""
        begin, end = self.reacting.gap or (0.0, partner.seconds)
        gap = np.zeros(partner.frames, bool)
        gap[round(begin * RATE) : round(end * RATE)] = True
        withheld = WITHHELD[str(levels.get(MISSING, "none"))]
        there = {
            "voice": np.full(partner.frames, partner.sound is not None),
            "face": partner.face_there,
        }
        kept = {what: there[what] & ~(gap & (what in withheld)) for what in there}
        return Given(kept["voice"], kept["face"])

    def _partner(self, stimulus: Stimulus) -> tuple[Partner, torch.Tensor | None]:
        """The speaker, and the voice's features (T, 78); the last one is kept."""
        key = str(self.partners.recipe(stimulus.identity, stimulus.levels))
        if self._heard is None or self._heard[0] != key:
            partner = self.partners.partner(stimulus.identity, stimulus.levels)
            voice = None
            if partner.sound is not None:
                samples, rate = partner.sound
                with one_thread():
                    voice = voice_features(torch.from_numpy(samples), rate, partner.frames)
            self._heard = key, partner, voice
        return self._heard[1:]

    def _type(self, stimulus: Stimulus) -> str:
        return "audioVideo" if self.partners.heard(stimulus.levels) else "video"

    def _seed(self, stimulus: Stimulus, what: str) -> int:
        """The same in every cell of a listener and take."""
        take = stimulus.levels.get("take", 1)
        return seed_of(self.seed, f"{stimulus.identity} take {take} {what}")


def _phrased(partner: Partner) -> Speaking:
    """The speaker as far as nods go: phrases, and nothing that a face would answer."""
    none = np.zeros((partner.frames, 0), np.float32)
    return Speaking(np.zeros(0, np.float32), PLAYED_RATE, none, none, (), partner.phrases)


def _cautions(factors: Any) -> tuple[str, ...]:
    if "both" not in factors.get(MISSING, ()):
        return ()
    return (f"caution: missing both: {NO_INPUT} (column model_input)",)

"""Who speaks to the listeners of a study: mien's own speakers, or the user's.

mien's speakers are dealt from the held-out cast, whom networks never met in training. Each listener
has one speaker, who says the same in every cell: so nobody's speaker differs between what is
withheld, nor between emotions but for the emotion; women and men are spoken to by women and men
alike, and nobody depends on who follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from protocols.context import ContextError, OwnPath
from protocols.manifest import hash_file
from protocols.protocol import Protocol as Study
from protocols.reacting import BY_EMOTION, BY_NAME, MISSING, WITHHELD, Reacting, clips_in
from protocols.section import nearest
from protocols.sentences import SENTENCES
from stimuli.actor_clips import VERSION as VOICES
from stimuli.actors.cast import actor, load_cast
from stimuli.corpora import Identity, identities_of
from stimuli.reactions.given import read_speaker
from stimuli.reactions.partner import Partner
from stimuli.reactions.speakers import speak
from stimuli.seeds import generator_of, seed_of
from stimuli.stimulus import Cell

SPEAKERS = "held-out"  # part of the cast
VERSION = "2"  # changes whenever mien's speakers say or show something else
DIGITS = 3  # of times in sidecars


class Partners(Protocol):
    """Who speaks."""

    cautions: tuple[str, ...]

    def heard(self, levels: Cell) -> bool:
        """Whether the speaker has a voice."""
        ...

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Everything that decides about what the listener `identity` hears and sees."""
        ...

    def partner(self, identity: str, levels: Cell) -> Partner:
        """The speaker whom the listener `identity` has in front."""
        ...


def find_partners(protocol: Study, reacting: Reacting) -> Partners:
    """The speakers of a protocol; raises UserError if they are not at hand."""
    if isinstance(reacting.speakers, OwnPath):
        factors = protocol.stimuli.factors
        names = [str(name) for name in factors[BY_NAME]]
        withheld = [str(level) for level in factors.get(MISSING, ())]
        return OwnPartners(reacting, names, withheld)
    return ActorPartners(identities_of(protocol), reacting.seconds, protocol.seed)


class ActorPartners:
    """mien's speakers, each in the emotion that the factor names."""

    cautions = ()

    def __init__(self, listeners: Sequence[Identity], seconds: float, seed: int) -> None:
        """listeners: in their order; seed: of the protocol."""
        speakers = [Identity(a.id, a.gender) for a in load_cast() if a.part == SPEAKERS]
        self.speakers = deal_partners(listeners, speakers, seed)
        self.seconds, self.seed = seconds, seed

    def heard(self, levels: Cell) -> bool:
        """Everybody is."""
        return True

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Speaker, emotion, seed, and the version of voices and faces."""
        return {
            "corpus": "actors",
            "speaker": self.speakers[identity],
            "emotion": str(levels[BY_EMOTION]),
            "seed": seed_of(self.seed, f"{identity} is spoken to"),
            "version": f"{VOICES}.{VERSION}",
        }

    def partner(self, identity: str, levels: Cell) -> Partner:
        """Who speaks; facts: text, and when which emotion is heard and seen."""
        told = self.recipe(identity, levels)
        who = actor(told["speaker"])
        said = speak(who, self.seconds, told["seed"], (told["emotion"],), both=True)
        facts = {
            "text": " ".join(SENTENCES[phrase.sentence] for phrase in said.phrases),
            "speaker": who.id,
            "gender": who.gender,
            "episodes": [_rounded(asdict(episode)) for episode in said.episodes],
            "phrases": [_rounded(asdict(phrase)) for phrase in said.phrases],
        }
        there = np.ones(said.frames, bool)
        sound = said.samples, said.rate
        return Partner(said.frames, sound, said.face, there, said.phrases, facts)


class OwnPartners:
    """Speakers of one's own, named by the factor `speaker`."""

    def __init__(self, reacting: Reacting, names: Sequence[str], withheld: Sequence[str]) -> None:
        """Give names and withheld, the levels of the factors `speaker` and `missing`.

        Raises ContextError if a speaker is missing or cannot be used, or has nothing to withhold.
        """
        assert isinstance(reacting.speakers, OwnPath)
        self.folder, part = reacting.speakers, reacting.PART
        clips = clips_in(reacting.speakers)
        self._partners: dict[str, Partner] = {}
        self._recipes: dict[str, dict[str, Any]] = {}
        for name in names:
            if name not in clips:
                raise ContextError(
                    f"{part}.speakers: no {name}.wav or {name}.csv in {self.folder.path}; there "
                    f"are {', '.join(clips)}{nearest(name, clips)}"
                )
            partner = read_speaker(clips[name], reacting.seconds)  # better now than in an hour
            _check_withheld(name, partner, withheld)
            self._partners[name] = partner
            self._recipes[name] = {
                "corpus": self.folder.name,
                "speaker": name,
                "files": {path.name: hash_file(path) for path in clips[name].files},
            }
        said = [remark for partner in self._partners.values() for remark in partner.remarks]
        self.cautions = tuple(f"speaker {remark}" for remark in said)

    def heard(self, levels: Cell) -> bool:
        """Whether there is a recording."""
        return self._partners[str(levels[BY_NAME])].sound is not None

    def recipe(self, identity: str, levels: Cell) -> dict[str, Any]:
        """Folder, name, and SHA-256 of its files; the same for every listener."""
        return self._recipes[str(levels[BY_NAME])]

    def partner(self, identity: str, levels: Cell) -> Partner:
        """Who speaks; facts: its files, how much louder it was made, and what was done to it."""
        return self._partners[str(levels[BY_NAME])]


def deal_partners(
    listeners: Sequence[Identity], speakers: Sequence[Identity], seed: int
) -> dict[str, str]:
    """Listener -> somebody else who speaks, in turn of an order drawn by `seed`.

    In this order women and men alternate, and every second listener of a gender has a speaker of
    their own gender; each speaks as often as any other, one more or less.
    """
    shuffled = [speakers[i] for i in generator_of(seed, "speakers").permutation(len(speakers))]
    pools = {g: [s.id for s in shuffled if s.gender == g] for g in ("female", "male")}
    places = dict.fromkeys(pools, 0)
    turns: dict[str | None, int] = {}
    dealt = {}
    for listener in listeners:
        turn = turns[listener.gender] = turns.get(listener.gender, -1) + 1
        own = listener.gender if listener.gender in pools else "female"
        other = next(gender for gender in pools if gender != own)
        wanted = own if turn % 2 == 0 else other
        pool = pools[wanted] or pools[own] or [s.id for s in shuffled]
        choice = pool[places[wanted] % len(pool)]
        places[wanted] += 1
        if choice == listener.id and len(pool) > 1:
            choice = pool[places[wanted] % len(pool)]
            places[wanted] += 1
        dealt[listener.id] = choice
    return dealt


def _check_withheld(name: str, partner: Partner, withheld: Sequence[str]) -> None:
    """Refuse to withhold from the network what this speaker does not have."""
    has = {"voice": partner.sound is not None, "face": partner.face is not None}
    for level in withheld:
        lacking = [what for what in WITHHELD[level] if not has[what]]
        if lacking:
            ending = {"voice": ".wav", "face": ".csv"}[lacking[0]]
            raise ContextError(
                f"stimuli.factors.{MISSING}: '{level}' withholds the {lacking[0]}, but the speaker "
                f"{name} has none; add {name}{ending}, or leave out this level"
            )


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: round(v, DIGITS) if isinstance(v, float) else v for k, v in values.items()}

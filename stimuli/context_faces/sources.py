"""Where the faces and voices of a protocol come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from protocols.conditions import Stimuli
from protocols.context import OWN, Context, Faces, Sources, recordings_in
from protocols.generators import CORPORA
from protocols.prepared import PreparedCorpus
from protocols.protocol import Protocol
from stimuli.actors.cast import load_cast
from stimuli.context_faces.contexts import (
    ActorVoices,
    CorpusVoices,
    RecordedVoices,
    Voices,
    deal_speakers,
    heard,
)
from stimuli.context_faces.portraits import NEUTRAL, ActorPortraits, CorpusPortraits, Portraits
from stimuli.corpora import Identity
from stimuli.generators import GeneratorError


def find_portraits(
    stimuli: Stimuli, faces: Faces, size: int, cache: Path | None, expression: str | None = None
) -> Portraits:
    """The faces of `size` pixels, neutral or with an `expression`, or any.

    Raises UserError if they are not at hand.
    """
    if stimuli.corpus == "actors":
        return ActorPortraits(size, cache, expression or NEUTRAL)
    corpus = prepared_at_hand(stimuli.corpus, stimuli, "stimuli.corpus")
    return CorpusPortraits(stimuli.corpus, corpus, size, faces.neutral, expression)


def find_voices(protocol: Protocol, context: Context, people: Sequence[Identity]) -> Voices:
    """The voices of the contexts; raises UserError if they are not at hand."""
    stimuli = protocol.stimuli
    emotions = [str(level) for level in stimuli.factors["emotion"]]
    if context.recordings is not None:
        return RecordedVoices(recordings_in(context.recordings), people, emotions, protocol.seed)
    name = stimuli.corpus if context.voices == OWN else context.voices
    if name == "actors":
        return ActorVoices(who_speaks(protocol, context, people), context.sentence)
    corpus = prepared_at_hand(name, stimuli, f"{context.PART}.voices")
    everyone = who_speaks(protocol, context, people, corpus)
    return CorpusVoices(name, corpus, everyone, context.sentence, emotions)


def who_speaks(
    protocol: Protocol, sources: Sources, people: Sequence[Identity],
    corpus: PreparedCorpus | None = None,
) -> dict[str, str]:  # fmt: skip
    """Person shown -> who speaks: themselves, or somebody dealt from `corpus` (None: actors)."""
    if sources.voices == OWN:
        return {person.id: person.id for person in people}
    if corpus is None:
        speakers = [Identity(a.id, a.gender) for a in load_cast() if a.part == "main"]
    else:
        speakers = _speakers(sources.voices, corpus, sources.PART)
    return deal_speakers(people, speakers, protocol.seed)


def _speakers(name: str, corpus: PreparedCorpus, part: str) -> list[Identity]:
    """Who is heard in a corpus; where nobody is named, each clip is somebody."""
    clips = heard(name, corpus, part)
    who = clips["actor"].fillna(clips["clip"]).astype(str)
    first = clips.assign(who=who).drop_duplicates("who").sort_values("who")
    known = first["gender"].where(first["gender"].notna(), None)
    return [Identity(w, g) for w, g in zip(first["who"], known, strict=True)]


def prepared_at_hand(name: str, stimuli: Stimuli, setting: str) -> PreparedCorpus:
    """The corpus of this name, prepared; GeneratorError says which `setting` lacks it."""
    folder = stimuli.beside.find(name)
    if folder is None:
        add = f"mien corpus add {name} PATH" if name in CORPORA else "mien corpus add folder PATH"
        raise GeneratorError(
            f"{setting}: '{name}' is not at hand; run {add}, then mien corpus prepare {name}, or "
            "use actors"
        )
    return PreparedCorpus.open(folder)

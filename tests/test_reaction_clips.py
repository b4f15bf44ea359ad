"""The generator reaction: from a protocol to films of listeners, and what it refuses."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
av = pytest.importorskip("av", reason="PyAV is not installed: videos are not tested")
pytest.importorskip("pyworld", reason="pyworld is not installed: speakers are not tested")

from analysis.text import method  # noqa: E402
from models.reaction.attributes import ATTRIBUTES, NEUTRAL  # noqa: E402
from models.reaction.emc import EmcSettings  # noqa: E402
from models.reaction.inference import react  # noqa: E402
from models.reaction.settings import TransVaeSettings  # noqa: E402
from models.reaction.stored import load_model, make_model, save_model  # noqa: E402
from models.reaction.voice import voice_features  # noqa: E402
from protocols.context import ContextError  # noqa: E402
from protocols.licences import may_be_passed_on  # noqa: E402
from protocols.manifest import read_manifest  # noqa: E402
from protocols.reading import ProtocolError, load  # noqa: E402
from stimuli.corpora import identities_of  # noqa: E402
from stimuli.finished import decoded_sound  # noqa: E402
from stimuli.generate import generate  # noqa: E402
from stimuli.generators import GeneratorError, make_generator  # noqa: E402
from stimuli.plan import make_plan  # noqa: E402
from stimuli.reaction_clips import ReactionClips  # noqa: E402
from stimuli.reactions.filming import attribute_table  # noqa: E402
from stimuli.render import batches  # noqa: E402
from stimuli.stimulus import plan_stimuli  # noqa: E402
from stimuli.video import read_video, video_facts  # noqa: E402
from tests.designs import published  # noqa: E402
from tests.made_voice import RATE, speech  # noqa: E402

BASE = TransVaeSettings(width=16, heads=2, inner=16)
STUDY = """
name: listening
title: Listeners
seed: 7
stimuli:
  generator: reaction
  identities: ["07"]
  size: 64
  factors:
    speaker: [anna]
    missing: [none, face, both]
  reaction: {speakers: talk, weights: tiny.safetensors, seconds: 1, head: 0, nods: false, blinks: 0}
tasks:
  - {id: apt, type: likert, question: How apt?, points: 7}
"""
ACTORS = {
    'identities: ["07"]': "identities: 12",
    "speaker: [anna]": "speaker_emotion: [happy, sad]",
    "speakers: talk, weights: tiny.safetensors, seconds: 1, head: 0, nods: false, blinks: 0":
        "weights: tiny.safetensors, seconds: 5",
}  # fmt: skip
HEAD = "speakers: talk, weights: tiny.safetensors, seconds: 1, head: 0, nods: false, blinks: 0"


def tiny() -> Any:
    """A small model that never learned, but whose faces move with all that it is given."""
    torch.manual_seed(3)
    model = make_model("emc", BASE, EmcSettings())
    last: Any = model.base.attributes[-1]  # type: ignore[index]
    with torch.no_grad():
        last.weight.mul_(20)
        last.bias.fill_(0.4)
    return model


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with weights that never learned, and speakers with voice, face, or both."""
    home = tmp_path_factory.mktemp("home")
    save_model(home / "tiny.safetensors", tiny(), BASE, licence="CC0-1.0")
    talk = home / "talk"
    talk.mkdir()
    soundfile.write(talk / "anna.wav", 0.5 * speech().samples[:RATE], RATE)
    face = np.tile(NEUTRAL, (25, 1))
    face[5:20, ATTRIBUTES.index("AU12")] = 0.8
    pd.DataFrame(face, columns=list(ATTRIBUTES)).to_csv(talk / "anna.csv", index=False)
    shutil.copy(talk / "anna.csv", talk / "ben.csv")
    return home


def protocol(home: Path, changes: dict[str, str] | None = None):
    text = STUDY
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    (home / "study.yaml").write_text(text)
    return load(home / "study.yaml")


def planned(made) -> list:
    return [s for s in plan_stimuli(made, identities_of(made)) if s.role == "main"]


@pytest.fixture(scope="module")
def made(home, tmp_path_factory) -> tuple[Path, Any]:
    """The stimuli of STUDY, and how the run ended."""
    folder = tmp_path_factory.mktemp("made") / "study"
    outcome = generate(protocol(home), folder, batch_size=16)
    return folder / "stimuli", outcome


def beside(folder: Path, missing: str, ending: str) -> Path:
    return folder / f"stim-A07SpeakerAnnaMissing{missing}_{ending}"


def sidecar(folder: Path, missing: str) -> dict[str, Any]:
    return json.loads(beside(folder, missing, "audioVideo.json").read_text())


# Films --------------------------------------------------------------------------------------


def test_a_study_holds_a_film_with_sound_for_every_cell(made):
    folder, _ = made
    table = read_manifest(folder, read_files=True)
    assert table["missing"].tolist() == ["none", "face", "both"]
    assert set(table["type"]) == {"audioVideo"}
    assert set(table["heard"]) == {"anna"}
    assert set(table["licence"]) == {"CC0-1.0 and own speaker (licence not known to mien)"}
    assert not may_be_passed_on(table["licence"].iloc[0])  # somebody's voice
    for name in table["file"]:
        facts = video_facts(folder / name)
        assert (facts.frames, facts.width, facts.height, facts.rate) == (25, 64, 64, 25)
        assert facts.audio_rate == 48_000


def test_what_is_heard_is_the_speaker(made, home):
    heard = decoded_sound(beside(made[0], "None", "audioVideo.mp4"))
    wave, rate = soundfile.read(home / "talk" / "anna.wav")
    said = np.interp(np.arange(48_000) / 48_000, np.arange(len(wave)) / rate, wave)
    found = heard.samples[-round(heard.start * heard.rate) :][:48_000]  # from the first frame on
    assert np.corrcoef(found[: len(said)], said[: len(found)])[0, 1] > 0.98
    sounds = [decoded_sound(beside(made[0], level, "audioVideo.mp4")).samples
              for level in ("None", "Face", "Both")]  # fmt: skip
    assert all((sound == sounds[0]).all() for sound in sounds)


def test_the_film_shows_what_the_table_beside_it_says(made):
    """The lower half of the face changes in the frames in which its facial actions change."""
    frames = np.array(list(read_video(beside(made[0], "None", "audioVideo.mp4")))).astype(float)
    curves = pd.read_csv(beside(made[0], "None", "curves.tsv"), sep="\t")
    moved = curves.drop(columns=["time_s"]).to_numpy()
    change = np.linalg.norm(np.diff(moved, axis=0), axis=1)
    seen = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    assert np.corrcoef(change, seen)[0, 1] > 0.5
    assert len(frames) == len(curves) == 25


def test_attributes_stand_beside_the_film_as_the_network_gave_them(made, home):
    table = pd.read_csv(beside(made[0], "Face", "attributes.csv"))
    assert tuple(table.columns) == ("time_s", *ATTRIBUTES)
    model, _ = load_model(home / "tiny.safetensors")
    wave, rate = soundfile.read(home / "talk" / "anna.wav", dtype="float32")
    voice = voice_features(torch.from_numpy(wave), rate, 25)[None]
    seed = sidecar(made[0], "Face")["recipe"]["noise_seed"]
    # two seconds of nobody come before, and are cut off again
    lead = torch.zeros(1, 50, voice.shape[2])
    there = torch.arange(75)[None] >= 50
    padded = torch.cat([lead, voice], 1)
    alone = react(model, None, padded, 1, [[seed]], None, there, made_up=[seed])
    # the generator gives the face and says that it is not there; features do not hear the gain
    expected = attribute_table(alone.attributes[0, 0, 50:].numpy())
    assert np.abs(table - expected).to_numpy().max() < 2e-3
    assert sidecar(made[0], "Face")["attributes"]["file"].endswith("Face_attributes.csv")


def test_levels_of_missing_differ_by_what_is_withheld_alone(made):
    recipes = [sidecar(made[0], level)["recipe"] for level in ("None", "Face", "Both")]
    for recipe in recipes:
        assert recipe.pop("levels")["speaker"] == "anna"
    assert recipes[0] == recipes[1] == recipes[2]
    faces = [pd.read_csv(beside(made[0], level, "attributes.csv")) for level in ("None", "Face")]
    assert np.abs(faces[0] - faces[1]).to_numpy().max() > 0.01  # the network does react to it


def test_a_listener_to_nobody_is_named_everywhere(made):
    folder, outcome = made
    table = read_manifest(folder).set_index("missing")
    assert table["model_input"].to_dict() == {
        "none": "voice and face", "face": "voice", "both": "nothing"
    }  # fmt: skip
    assert "reacts to nobody" in sidecar(folder, "Both")["caution"]
    assert sidecar(folder, "Both")["not_given_s"] == {"voice": [[0, 1]], "face": [[0, 1]]}
    assert "caution" not in sidecar(folder, "Face")
    assert any("missing both" in line and "reacts to nobody" in line for line in outcome.lines())


def test_the_same_bytes_come_whatever_the_batches_and_go_on_in_the_study_alone(
    made, home, tmp_path
):
    fewer = {"missing: [none, face, both]": "missing: [both]"}
    generate(protocol(home, fewer), tmp_path / "s", batch_size=1)
    for ending in ("audioVideo.mp4", "attributes.csv", "curves.tsv"):
        one, other = beside(made[0], "Both", ending), beside(tmp_path / "s/stimuli", "Both", ending)
        assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "s" / "talk" / "anna.wav").is_file()  # the study is whole
    assert generate(load(tmp_path / "s" / "protocol.yaml"), tmp_path / "s").made == 0


def test_a_job_for_another_process_with_more_threads_reacts_to_the_last_digit_alike(made, home):
    (job,) = batches(protocol(home), planned(protocol(home))[1:2], made[0], 1, None)
    sent, before = pickle.loads(pickle.dumps(job)), torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(ReactionClips(sent.protocol).attributes(sent.stimuli[0]).tobytes())
            assert torch.get_num_threads() == threads  # given back
    finally:
        torch.set_num_threads(before)
    assert len(set(found)) == 1
    here = pd.read_csv(beside(made[0], "Face", "attributes.csv"))  # as the film was made
    there = attribute_table(np.frombuffer(found[0], np.float32).reshape(-1, len(ATTRIBUTES)))
    pd.testing.assert_frame_equal(there, here)


# What the network is given ------------------------------------------------------------------


def test_a_gap_withholds_only_so_long(home):
    gap = {HEAD: f"{HEAD}, gap: [0.4, 0.8]"}
    whole, part = ReactionClips(protocol(home)), ReactionClips(protocol(home, gap))
    none, face, both = planned(protocol(home, gap))
    given = part._given(both.levels, part._partner(both)[0])
    assert given.words == "voice and face"
    assert np.flatnonzero(~given.face_there).tolist() == list(range(10, 20))
    assert (given.face_there == given.voice_there).all()
    assert (part.attributes(none) == whole.attributes(none)).all()
    assert (part.attributes(face) != whole.attributes(face)).any()


def test_takes_are_other_reactions_of_the_same_two_people(home):
    takes = {"missing: [none, face, both]": "take: [1, 2]"}
    clips = ReactionClips(protocol(home, takes))
    one, two = planned(protocol(home, takes))
    assert (clips.attributes(one) != clips.attributes(two)).any()
    assert clips.recipe(one)["speaker"] == clips.recipe(two)["speaker"]
    movements = [clips._movement(one, clips.attributes(one)) for _ in range(2)]
    assert (movements[0].weights == movements[1].weights).all()


def test_a_face_alone_makes_films_without_sound(home):
    silent = {"[anna]": "[ben]", "[none, face, both]": "[none]"}
    clips = ReactionClips(protocol(home, silent))
    (one,) = planned(protocol(home, silent))
    assert clips.recipe(one)["type"] == "video"
    assert clips._given(one.levels, clips._partner(one)[0]).words == "face"


# mien's own speakers ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken(home) -> tuple[ReactionClips, list]:
    study = protocol(home, ACTORS)
    return ReactionClips(study), planned(study)


def test_everybody_listens_to_one_speaker_in_all_conditions(spoken):
    clips, stimuli = spoken
    assert clips.origin.licence == "CC0-1.0"
    who: dict[str, set[str]] = {}
    for one in stimuli:
        told = clips.recipe(one)["speaker"]
        assert told["emotion"] == one.levels["speaker_emotion"]
        who.setdefault(one.identity, set()).add(f"{told['speaker']} {told['seed']}")
    assert all(len(speakers) == 1 for speakers in who.values())
    speakers = [next(iter(s)).split()[0] for s in who.values()]
    assert all(29 <= int(speaker) <= 52 for speaker in speakers)  # nobody knows them from training
    assert max(Counter(speakers).values()) == 1
    genders = Counter((int(a) % 2, int(b) % 2) for a, b in zip(who, speakers, strict=True))
    assert set(genders.values()) == {3}  # women and men listen to women and men


def test_the_speaker_is_equally_often_behind_each_level_in_every_list(home):
    study = protocol(home, ACTORS | {"tasks:": "design: {rotate: [missing]}\ntasks:"})
    trials = make_plan(study, identities_of(study)).trials
    clips = ReactionClips(study)
    speaker = {one.id: clips.recipe(one)["speaker"]["speaker"] for one in planned(study)}
    rated = trials[(trials["kind"] == "rating") & (trials["slot"] <= 3)]
    counts = rated.groupby([rated["stimulus_id"].map(speaker), "missing"]).size()
    assert set(counts) == {2}  # emotions; over the three lists, in each level


def test_the_emotion_is_heard_and_seen_and_words_do_not_depend_on_it(spoken):
    clips, stimuli = spoken
    cells = {one.levels["speaker_emotion"]: one for one in stimuli[:6]}
    said = {emotion: clips._partner(one)[0] for emotion, one in cells.items()}
    assert [len(partner.face) for partner in said.values()] == [125, 125]
    for emotion, partner in said.items():
        assert {episode["emotion"] for episode in partner.facts["episodes"]} == {emotion}
        for episode in partner.facts["episodes"]:
            assert min(episode["face_m"], episode["voice_m"]) > 0.4
    first = [partner.facts["phrases"][0]["sentence"] for partner in said.values()]
    assert first[0] == first[1]
    smile = ATTRIBUTES.index("AU12")
    assert said["happy"].face[:, smile].max() > said["sad"].face[:, smile].max() + 0.2


def test_nods_and_glances_are_the_same_whatever_is_withheld(spoken):
    clips, stimuli = spoken
    none, face, both = stimuli[:3]
    assert (none.levels["missing"], both.levels["missing"]) == ("none", "both")
    moves = [clips._movement(one, clips.attributes(one)) for one in (none, face, both)]
    assert (moves[0].head == moves[2].head).all()
    assert (moves[0].gaze == moves[1].gaze).all()
    assert (moves[0].weights != moves[2].weights).any()


def test_listeners_wear_what_the_study_puts_on_them(home):
    worn = {"  size: 64": "  size: 64\n  wear: {glasses: round}"}
    clips = ReactionClips(protocol(home, worn))
    (first, *_) = planned(protocol(home, worn))
    assert clips.recipe(first)["wear"] == {"glasses": "round"}


def test_a_report_says_what_was_seen_and_heard_and_names_the_paper():
    study = published("hu2024-reactions")
    text = method.stimuli(study)
    assert "Each of the 144 stimuli was a synthetic actor who listens" in text
    assert "Clips of 12 s showed the listener alone, while the speaker was heard." in text
    assert "Hu et al., 2024" in method.cited(study)


def test_shipped_listeners_begin_calm_and_then_smile_back(tmp_path):
    """The speaker smiles from the first frame on: nobody can have answered that yet."""
    talk = tmp_path / "talk"
    talk.mkdir()
    face = np.tile(NEUTRAL, (100, 1))
    smile = {"AU6": 0.6, "AU12": 0.8, "valence": 0.8, "Happy": 1.0, "Neutral": 0.0}
    face[:, [ATTRIBUTES.index(name) for name in smile]] = list(smile.values())
    pd.DataFrame(face, columns=list(ATTRIBUTES)).to_csv(talk / "anna.csv", index=False)
    shipped = {
        "weights: tiny.safetensors, seconds: 1": "seconds: 4",
        "missing: [none, face, both]": "missing: [none]",
        'identities: ["07"]': "identities: 6",
    }
    made = protocol(tmp_path, shipped)
    clips = ReactionClips(made)
    valence = np.stack(
        [clips.attributes(one)[:, ATTRIBUTES.index("valence")] for one in planned(made)]
    )
    assert valence.shape == (6, 100)
    begin, later = valence[:, :5].mean(), valence[:, 50:].mean()
    assert abs(begin) < 0.1
    assert later > begin + 0.15
    half = (valence.mean(0) > (begin + later) / 2).argmax() / 25
    assert 0.4 < half < 1.6


# What is refused ----------------------------------------------------------------------------

WRONG = {
    "names without a folder": (
        {"speakers: talk, ": "", "seconds: 1": "seconds: 6"}, ProtocolError,
        "factors.speaker: names clips of your own; add reaction: {speakers: FOLDER}"),
    "emotions of a folder": (
        {"speaker: [anna]": "speaker_emotion: [happy]"}, ProtocolError,
        "speakers of your own are as they were recorded; name them in the factor speaker"),
    "an emotion that no speaker has": (
        ACTORS | {"speaker: [anna]": "speaker_emotion: [calm]"}, ProtocolError,
        "found 'calm'; not a known emotion of speakers"),
    "too short for a sentence": (
        ACTORS | {HEAD: "seconds: 2"}, ProtocolError, "need 5 s for a sentence"),
    "no folder": ({"speakers: talk": "speakers: walk"}, ContextError, "no folder"),
    "a folder elsewhere": (
        {"speakers: talk": "speakers: ../talk"}, ProtocolError, "leaves the study's folder"),
    "a speaker who is not there": (
        {"[anna]": "[ann]"}, ContextError, "no ann.wav or ann.csv in .*there are anna, ben; did"),
    "nothing to withhold": (
        {"[anna]": "[ben]"}, ContextError, "'both' withholds the voice, but the speaker ben has"),
    "a gap in nothing": (
        {"missing: [none, face, both]": "missing: [none]", HEAD: f"{HEAD}, gap: [0, 1]"},
        ProtocolError, "nothing is withheld; add the factor missing"),
    "a gap beyond the clip": (
        {HEAD: f"{HEAD}, gap: [0.5, 3]"}, ProtocolError, "begin and end within the 1 s"),
    "a level of missing": (
        {"[none, face, both]": "[none, ears]"}, ProtocolError, "accepted: none, voice, face, both"),
    "odd size": ({"size: 64": "size: 65"}, ProtocolError, "even numbers of pixels"),
    "another generator": (
        {"generator: reaction": "generator: actor", "speaker: [anna]": "emotion: [happy]",
         "    missing: [none, face, both]\n": ""}, ProtocolError,
        "only generator reaction shows listeners, not actor"),
    "no weights": (
        {"tiny.safetensors": "none.safetensors"}, ContextError, "no file .*none.safetensors"),
    "other weights": ({"tiny.safetensors": "bad.safetensors"}, GeneratorError, "not a safetensors"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_shown_gets_one_clear_line(home, case):
    (home / "bad.safetensors").write_bytes(b"nothing")
    changes, kind, words = WRONG[case]
    text = {key: value for key, value in changes.items() if key in STUDY}
    with pytest.raises(kind, match=words) as refused:
        make_generator(protocol(home, text))
    assert len(str(refused.value).splitlines()) == 1

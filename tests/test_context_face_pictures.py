"""The generator context-face: from a protocol to pictures, and what it refuses."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face.mel import fit, mel_spectrogram  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ComposerSettings,
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.stored import load_model, save_model  # noqa: E402
from models.weights import save_weights  # noqa: E402
from protocols.context import ContextError, OwnPath, recordings_in  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from protocols.manifest import read_manifest  # noqa: E402
from protocols.prepared import INDEX_COLUMNS, ROW, PreparedCorpus, PreparedRecord  # noqa: E402
from protocols.reading import ProtocolError, load  # noqa: E402
from protocols.study import Study  # noqa: E402
from stimuli import actor_pictures  # noqa: E402
from stimuli.context_face_pictures import ContextFacePictures, difference  # noqa: E402
from stimuli.context_faces.checks import MEASURES  # noqa: E402
from stimuli.context_faces.contexts import (  # noqa: E402
    CorpusVoices,
    RecordedVoices,
    deal_speakers,
)
from stimuli.context_faces.portraits import CorpusPortraits, PortraitError, resampled  # noqa: E402
from stimuli.corpora import Identity, identities_of  # noqa: E402
from stimuli.corpora.arrays import ArraySettings, prepare_arrays  # noqa: E402
from stimuli.corpora.arrays.film import Undecodable, read_picture  # noqa: E402
from stimuli.corpora.folder import folder_adapter, load_folder_mapping  # noqa: E402
from stimuli.corpora.prepare import add_corpus  # noqa: E402
from stimuli.faces import weights  # noqa: E402
from stimuli.faces.boxes import MODEL as BOXES  # noqa: E402
from stimuli.generate import generate  # noqa: E402
from stimuli.generators import GeneratorError, make_generator  # noqa: E402
from stimuli.likeness import LEAST_PSNR, likeness_lines  # noqa: E402
from stimuli.perceived import perceived_lines  # noqa: E402
from stimuli.stimulus import plan_stimuli  # noqa: E402
from tests.dot_faces import dots, find_dots  # noqa: E402

SMALL = ContextFaceSettings(
    face=VaeSettings(size=32, widths=(8, 12, 16), latent=20),
    context=VaeSettings(channels=1, size=32, widths=(4, 8, 8), latent=20),
    mel=MelSettings(bins=32, frames=32),
)  # fmt: skip
STUDY = """
name: faces
title: Faces in contexts
seed: 7
stimuli:
  generator: context-face
  corpus: CORPUS
  identities: [PEOPLE]
  size: 64
  context: {weights: tiny.safetensors, checks: false, CONTEXT}
  factors: {emotion: [angry, happy], m: [0, 0.5, 1]}
tasks:
  - {id: valence, type: likert, question: How does it look?, points: 9}
"""
EYES = np.array([[90.0, 80.0], [150.0, 84.0]])
RATE = 16_000
GAIN = 4.0  # without it the signal fades in networks that were never trained


def tiny(seed: int = 3, composer: bool = False) -> ContextFace:
    """A small network that was never trained, but whose pictures and shifts are visible."""
    settings = replace(SMALL, composer=ComposerSettings(widths=(4, 6, 8)) if composer else None)
    network = ContextFace(settings, seed=seed).eval()
    with torch.no_grad():
        for name, values in network.named_parameters():
            if values.ndim > 1 and not name.startswith("composer."):
                values.mul_(GAIN * (3.0 if name.startswith("can.") else 1.0))
        network.face.decoder.picture.weight.mul_(0.3)
        network.face.decoder.picture.bias.fill_(0.5)  # grey, from which weights go up and down
    return network


def voice(seconds: float = 1.2, hertz: float = 220.0, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * hertz * t) * (1 + 0.5 * np.sin(9 * t))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with weights, recordings, and a prepared corpus of people whose eyes are dots."""
    home = tmp_path_factory.mktemp("home")
    save_model(home / "tiny.safetensors", tiny(), licence="CC0-1.0")
    save_model(home / "composed.safetensors", tiny(composer=True), licence="CC0-1.0")
    (home / "heard").mkdir()
    for name, hertz in (("angry_a", 300.0), ("happy_a", 200.0), ("angry_b", 310.0),
                        ("happy_b", 190.0)):  # fmt: skip
        soundfile.write(home / f"heard/{name}.wav", voice(hertz=hertz), RATE)
    source = home / "src"
    source.mkdir()
    for i, who in enumerate(("p1", "p2", "p3")):
        Image.fromarray(dots((240, 200), EYES, 7.0, 60 + 50 * i)).save(source / f"{who}.png")
    Image.fromarray(np.full((200, 240, 3), 90, np.uint8)).save(source / "p4.png")
    crowd = dots((240, 200), EYES, 7.0)
    crowd[:60, :60] = (20, 200, 20)  # two faces, says the corner
    Image.fromarray(crowd).save(source / "p5.png")
    Image.fromarray(crowd[:1, :1]).save(source / "p6.png")
    (home / "faces.yaml").write_text(
        "name: faces\nlicence: lab only\nmay_be_shown: false\npattern: '(?P<actor>p\\d)'\n"
        "constants: {emotion: neutral}\n"
    )
    adapter = folder_adapter(load_folder_mapping(home / "faces.yaml"))
    added = add_corpus(adapter, source, home / "corpora" / "faces").folder
    prepare_arrays(added, find_dots, ArraySettings(size=32), detector="dots")
    return home


def protocol(home: Path, people='"p1", "p2"', context="recordings: heard", corpus="faces", **other):
    text = STUDY.replace("CORPUS", corpus).replace("PEOPLE", people).replace("CONTEXT", context)
    for old, new in other.items():
        text = text.replace(old, new)
    path = home / "study.yaml"
    path.write_text(text)
    return load(path)


def planned(made) -> list:
    return [s for s in plan_stimuli(made, identities_of(made)) if s.role == "main"]


def test_a_picture_is_what_the_network_makes_of_face_voice_and_m(home):
    made = protocol(home)
    pictures = ContextFacePictures(made)
    network, _ = load_model(home / "tiny.safetensors")
    people = PreparedCorpus.open(home / "corpora" / "faces")
    for stimulus, rendered in zip(planned(made), pictures.render(planned(made)), strict=True):
        pixels = people.faces_of(f"{stimulus.identity}")[0]
        face = network.encode_faces(torch.tensor(pixels / 255).float().permute(2, 0, 1)[None])
        recipe = pictures.recipe(stimulus)["voice"]
        samples, rate = soundfile.read(home / "heard" / recipe["file"])
        waves = torch.from_numpy(fit(samples, rate, SMALL.mel))[None]
        context = network.encode_contexts(mel_spectrogram(waves, SMALL.mel))
        with torch.inference_mode():
            z = face.mu + float(stimulus.levels["m"]) * network.shift(face, context).mu
        wanted = (network.decode(z)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        shown = np.abs(resampled(wanted, 64).astype(int) - rendered.pixels)
        assert shown.max() <= 1  # rounding, on other batches
        assert recipe["emotion"] == stimulus.levels["emotion"]
        assert rendered.facts["native_size"] == 32
        assert rendered.facts["resampling"] == "lanczos"


def test_at_m_0_every_emotion_gives_the_same_picture_and_others_differ(home):
    made = protocol(home)
    by_cell = {
        (s.identity, s.levels["emotion"], s.levels["m"]): r.pixels
        for s, r in zip(planned(made), ContextFacePictures(made).render(planned(made)), strict=True)
    }
    for who in ("p1", "p2"):
        assert np.array_equal(by_cell[who, "angry", 0], by_cell[who, "happy", 0])
        assert not np.array_equal(by_cell[who, "angry", 1], by_cell[who, "happy", 1])
        assert not np.array_equal(by_cell[who, "angry", 0.5], by_cell[who, "angry", 1])
    assert not np.array_equal(by_cell["p1", "angry", 0], by_cell["p2", "angry", 0])
    assert np.ptp(by_cell["p1", "angry", 0]) > 50  # a picture, and no plain grey


COMPOSED = {"weights: tiny.safetensors": "weights: composed.safetensors"}


def test_with_a_composer_m_0_is_the_face_itself_and_the_decoder_is_judged_apart(home):
    made = protocol(home)
    people = PreparedCorpus.open(home / "corpora" / "faces")
    decoder = {
        (s.identity, s.levels["m"]): r.facts["reconstruction"]
        for s, r in zip(planned(made), ContextFacePictures(made).render(planned(made)), strict=True)
    }
    made = protocol(home, **COMPOSED)
    for stimulus, shown in zip(
        planned(made), ContextFacePictures(made).render(planned(made)), strict=True
    ):
        m, own = stimulus.levels["m"], people.faces_of(stimulus.identity)[0]
        assert np.array_equal(shown.pixels, resampled(np.asarray(own), 64)) == (m == 0)
        assert shown.facts["reconstruction"] == decoder[stimulus.identity, m]
        assert shown.facts["composed"]


@pytest.mark.parametrize("changes", [{}, COMPOSED])
def test_no_picture_depends_on_what_it_is_made_with(home, changes):
    made = protocol(home, **changes)
    stimuli = planned(made)
    together = list(ContextFacePictures(made).render(stimuli))
    backwards = list(ContextFacePictures(made).render(stimuli[::-1]))[::-1]
    alone = [
        next(ContextFacePictures(made).render([one])) if i % 4 == 1 else together[i]
        for i, one in enumerate(stimuli)
    ]
    torch.set_num_threads(2)
    threads = list(ContextFacePictures(made).render(stimuli))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    for one, *others in zip(together, backwards, alone, threads, strict=True):
        for other in others:
            assert one.pixels.tobytes() == other.pixels.tobytes()
            assert one.facts == other.facts


def test_a_study_is_whole_and_its_bytes_are_the_same_for_any_batch(home, tmp_path):
    made = protocol(
        home, **{"m: [0, 0.5, 1]": "m: [0, 1.2]", "size: 64": "size: 64\n  caricature: true"}
    )
    first = generate(made, tmp_path / "first", batch_size=16)
    second = generate(made, tmp_path / "second", batch_size=1)
    for a, b in ((first, second),):
        sums = [one.manifest.with_name("checksums.sha256").read_text() for one in (a, b)]
        assert sums[0] == sums[1]
    table = read_manifest(first.manifest, read_files=True)
    assert set(table["checkpoint"]) == {load_model(home / "tiny.safetensors")[1].facts["sha256"]}
    assert set(table["licence"]) == {"lab only"}
    assert table["digital_source_type"].str.endswith("/trainedAlgorithmicMedia").all()
    assert table["caricature"].tolist() == [float(m) > 1 for m in table["m"]]
    study = Study(tmp_path / "first")
    assert (study.folder / "tiny.safetensors").is_file()
    assert (study.folder / "heard" / "happy_a.wav").is_file()
    assert study.protocol() == made
    assert generate(made, tmp_path / "first").made == 0
    moved = shutil.copytree(home / "heard", tmp_path / "away" / "heard")
    shutil.copy(home / "tiny.safetensors", moved.parent)
    soundfile.write(moved / "happy_a.wav", voice(hertz=150.0), RATE)
    shutil.copytree(home / "corpora", moved.parent / "corpora")
    with pytest.raises(ContextError, match=r"happy_a.wav: is not the same as .*another file"):
        study.freeze(
            protocol(
                moved.parent,
                **{"m: [0, 0.5, 1]": "m: [0, 1.2]", "size: 64": "size: 64\n  caricature: true"},
            )
        )


def judged(made, folder):
    """The manifest with manipulation checks, and the sidecars; skipped without the judge."""
    try:
        weights.load(BOXES)
    except UserError as error:
        pytest.skip(f"no weights of the face networks: {error}")
    table = read_manifest(generate(made, folder).manifest)
    files = [folder / "stimuli" / f"stim-{name}_image.json" for name in table["stimulus_id"]]
    return table, [json.loads(file.read_text()) for file in files]


def test_a_judge_says_in_sidecar_and_manifest_what_it_sees(home, tmp_path):
    made = protocol(home, people='"p1"', **{"checks: false": "checks: true", "0.5, 1]": "1]"})
    table, sidecars = judged(made, tmp_path / "study")
    for row, sidecar in zip(table.itertuples(), sidecars, strict=True):
        assert list(sidecar["checks"]) == list(MEASURES)
        assert 0 < sidecar["checks"]["luminance"] < 255
        found = sidecar["checks"]["face_found"]
        assert pd.isna(row.judged_valence) != found  # of noise it says nothing


def test_the_shipped_weights_move_unseen_faces_towards_the_context(home, tmp_path):
    # of a few, two levels may change places: of some a joyful voice is heard as another emotion
    people = ", ".join(f'"{number}"' for number in range(29, 41))
    made = protocol(home, people=people, corpus="actors", context="sentence: kids",
                    **{"weights: tiny.safetensors, checks: false": "checks: true"})  # fmt: skip
    table, _ = judged(made, tmp_path / "study")
    at = table.groupby(["m", "emotion"])["judged_valence"].mean()
    assert at[0.0, "happy"] == at[0.0, "angry"]
    assert at[1.0, "happy"] > at[0.5, "happy"] > at[0.0, "happy"]
    assert at[1.0, "happy"] > at[1.0, "angry"]
    assert (table["identity_distance"] < 0.6).all()  # one person: the limit of the network's author
    assert table["reconstruction_psnr"].between(25, 40).all()


def test_people_whom_the_networks_do_not_know_are_named_with_a_caution(home, tmp_path):
    made = protocol(home, people='"p1", "p2"', **{"0.5, 1]": "1]"})
    outcome = generate(made, tmp_path / "study")
    said, heard = [line for line in outcome.lines() if line.startswith("caution")]
    assert "another emotion" in heard  # an untrained head names one word for every face
    assert "2 of 2 people (p1, p2)" in said  # never trained: nobody looks like themselves
    table = read_manifest(outcome.manifest)
    low, high = table["reconstruction_psnr"].min(), table["reconstruction_psnr"].max()
    assert f"({low:.0f} to {high:.0f} dB" in said
    rows = table.assign(reconstruction_psnr=[LEAST_PSNR] * len(table)).to_dict("records")
    assert likeness_lines(rows) == []
    assert likeness_lines([{"identity": "p1"}]) == []  # another generator: nothing is redrawn


def test_contexts_that_are_heard_as_another_emotion_are_named_with_a_caution(home, tmp_path):
    made = protocol(home, people='"p1", "p2"')
    outcome = generate(made, tmp_path / "study")
    table = read_manifest(outcome.manifest)
    for row in table.itertuples():  # what the sidecar's probabilities say
        sidecar = json.loads((outcome.manifest.parent / row.file).with_suffix(".json").read_text())
        assert sidecar["perceived"][row.perceived] == max(sidecar["perceived"].values())
    full = table[table["m"] == 1]
    other = full[full["perceived"] != full["emotion"]]
    assert len(full) == 4
    assert len(other)  # one head that was never trained says the same of both emotions
    (said,) = [line for line in outcome.lines() if "another emotion" in line]
    assert said.startswith(f"caution: of 4 contexts the networks hear {len(other)} as another")
    for row in other.itertuples():
        assert f"{row.identity} {row.emotion}: {row.perceived}" in said


def test_a_context_counts_once_at_full_strength_alone():
    def row(who, emotion, m, perceived):
        return {"identity": who, "emotion": emotion, "m": m, "perceived": perceived}

    heard = [row("01", "happy", 1.0, "happy"), row("01", "happy", 0.25, "neutral")]
    assert perceived_lines(heard) == []
    (said,) = perceived_lines([*heard, *2 * [row("02", "happy", 1.0, "angry")]])
    assert "of 2 contexts the networks hear 1 as another" in said
    assert "(02 happy: angry;" in said
    (said,) = perceived_lines(row(f"{i:02d}", "sad", 1.0, "neutral") for i in range(20))
    assert "20 as another" in said
    assert "07 sad: neutral, …" in said
    assert perceived_lines([{"identity": "01", "emotion": "happy", "perceived": None}]) == []
    assert perceived_lines([{"identity": "01"}]) == []  # another generator


def test_the_recipe_says_all_that_decides(home):
    made = protocol(home)
    stimulus = planned(made)[-1]
    recipe = ContextFacePictures(made).recipe(stimulus)
    assert json.loads(json.dumps(recipe)) == recipe
    assert set(recipe) == {
        "generator", "generator_version", "identity", "levels", "size", "weights", "face", "voice",
    }  # fmt: skip
    assert set(recipe["face"]) == {"corpus", "clip", "frame", "sha256"}
    assert set(recipe["voice"]) == {"corpus", "emotion", "file", "sha256"}


def test_actors_are_drawn_as_the_networks_learned_them_and_speak_for_themselves(home):
    made = protocol(
        home,
        people='"02"',
        corpus="actors",
        context="neutral: middle",
        **{"emotion: [angry, happy]": "emotion: [angry]", "m: [0, 0.5, 1]": "m: [1]"},
    )
    pictures = make_generator(made)
    (stimulus,) = planned(made)
    recipe = pictures.recipe(stimulus)
    assert recipe["face"] == {"corpus": "actors", "actor": "02", "version": actor_pictures.VERSION}
    assert (recipe["voice"]["speaker"], recipe["voice"]["sentence"]) == ("02", "kids")
    assert pictures.origin.licence == "CC0-1.0"
    (rendered,) = pictures.render([stimulus])
    assert rendered.pixels.shape == (64, 64, 3)
    assert sum(rendered.facts["perceived"].values()) == pytest.approx(1, abs=1e-3)
    dealt = protocol(home, people='"02"', corpus="actors", context="voices: actors")
    speaker = ContextFacePictures(dealt).recipe(planned(dealt)[0])["voice"]["speaker"]
    gender = {p.id: p.gender for p in identities_of(dealt)}
    assert speaker != "02"
    assert gender[speaker] == gender["02"]


def test_voices_are_dealt_evenly_within_a_gender_whoever_follows():
    speakers = [Identity(f"s{i}", "female" if i % 2 else "male") for i in range(6)]
    people = [Identity(f"p{i}", "female" if i < 6 else None) for i in range(9)]
    dealt = deal_speakers(people, speakers, 5)
    count = pd.Series([dealt[p.id] for p in people[:6]]).value_counts()
    assert count.to_dict() == {"s1": 2, "s3": 2, "s5": 2}
    assert deal_speakers(people[:4], speakers, 5) == {p.id: dealt[p.id] for p in people[:4]}
    assert (
        deal_speakers(speakers, speakers, 5)
        .items()
        .isdisjoint({s.id: s.id for s in speakers}.items())
    )


def corpus_of(rows, landmarks=None) -> PreparedCorpus:
    """A prepared corpus in memory: clip, actor, emotion, view, sentence, faces, samples."""
    said = ("clip", "actor", "emotion", "view", "sentence", "rows", "samples")
    table, faces, first, sound = [], 0, 0, []
    for row in rows:
        clip = dict(zip(said, row, strict=True))
        table.append(clip | {"first_row": faces, "first_sample": first})
        faces, first = faces + clip["rows"], first + clip["samples"]
        sound.append(np.full(clip["samples"], len(table), np.int16))
    index = pd.DataFrame(table, columns=[column.name for column in INDEX_COLUMNS])
    at = np.zeros(faces, ROW)
    at["frame"] = np.concatenate([np.arange(row[5]) for row in rows])
    crops = np.tile(np.arange(faces, dtype=np.uint8)[:, None, None, None], (1, 32, 32, 3))
    eyes = ArraySettings(size=32).eyes.tolist()
    record = PreparedRecord("c", "2", "", "", "", {}, eyes, 32, 25.0, RATE, faces, first,
                            len(table), 0, {})  # fmt: skip
    points = np.full((faces, 68, 2), np.nan, np.float32) if landmarks is None else landmarks
    return PreparedCorpus(Path("c"), record, index, crops, points, at, np.concatenate(sound))


def test_the_neutral_face_is_frontal_and_its_mouth_is_closed():
    landmarks = np.zeros((8, 68, 2), np.float32)
    landmarks[:, 66, 1] = [9, 9, 9, 4, 7, 2, 5, 6]  # inner lips apart, in pixels
    corpus = corpus_of(
        [("a-side", "a", "neutral", "left_30", None, 3, 0),
         ("a-front", "a", "neutral", "front", None, 4, 0),
         ("b-happy", "b", "happy", "front", None, 1, 0)], landmarks,
    )  # fmt: skip
    for rule, frame in (("closed-mouth", 2), ("middle", 2), ("first", 0)):
        portraits = CorpusPortraits("c", corpus, 32, rule)
        recipe = portraits.recipe("a")
        assert (recipe["clip"], recipe["frame"]) == ("a-front", frame)
        assert portraits.face("a")[0, 0, 0] == 3 + frame
    corpus.landmarks[:] = np.nan  # where they are not known: the middle
    assert CorpusPortraits("c", corpus, 32, "closed-mouth").recipe("a")["frame"] == 2
    with pytest.raises(PortraitError, match=r"no neutral face of 'b' \(labels: happy\); label one"):
        portraits.recipe("b")
    with pytest.raises(PortraitError, match="no face of 'z' was prepared"):
        portraits.recipe("z")
    with pytest.raises(PortraitError, match="have 32 pixels; the networks need 64: .*--size 64"):
        CorpusPortraits("c", corpus, 64, "first")


def test_a_speaker_says_the_same_sentence_in_every_emotion():
    rows = [(f"s-{emotion}-{sentence}", "s", emotion, None, sentence, 0, 10)
            for emotion, sentence in (("angry", "x"), ("angry", "y"), ("happy", "y"))]  # fmt: skip
    corpus = corpus_of(rows)
    voices = CorpusVoices("c", corpus, {"p": "s"}, None, ["angry", "happy"])
    said = {e: voices.recipe("p", {"emotion": e}) for e in ("angry", "happy")}
    assert [said[e]["clip"] for e in said] == ["s-angry-y", "s-happy-y"]
    assert set(voices.sound("p", {"emotion": "happy"}).samples) == {3}
    with pytest.raises(ContextError, match="c has no sad voice of 's'"):
        voices.recipe("p", {"emotion": "sad"})
    with pytest.raises(ContextError, match="no happy voice of 's' with the sentence x"):
        voices.recipe("p", {"emotion": "happy", "sentence": "x"})
    silent = corpus_of([("f", "s", "neutral", None, None, 1, 0)])
    with pytest.raises(ContextError, match="c has no sound; write voices: actors"):
        CorpusVoices("c", silent, {"p": "s"}, None, ["angry"])


def test_recordings_of_one_set_go_together(home):
    found = recordings_in(OwnPath("heard", home))
    people = [Identity(f"p{i}") for i in range(4)]
    voices = RecordedVoices(found, people, ["angry", "happy"], seed=1)
    sets = {}
    for person in people:
        files = [voices.recipe(person.id, {"emotion": e})["file"] for e in ("angry", "happy")]
        sets[person.id] = files[0][5:]
        assert files[1][5:] == files[0][5:]
    assert sorted(sets.values()) == ["_a.wav", "_a.wav", "_b.wav", "_b.wav"]
    with pytest.raises(ContextError, match=r"no recording of sad \(found angry_a.wav"):
        RecordedVoices(found, people, ["sad", "happy"], seed=1)
    apart = {"angry": {"_1": Path("angry_1.wav")}, "happy": {"_2": Path("happy_2.wav")}}
    with pytest.raises(ContextError, match="no set has every emotion"):
        RecordedVoices(apart, people, ["angry", "happy"], seed=1)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(RATE), "the sound is silent"),
        (voice(0.1), "lasts 0.10 s"),
        (np.where(np.arange(RATE) == 99, np.nan, voice(1.0)), "samples that are no numbers"),
        (None, "cannot be decoded"),
    ],
)
def test_a_recording_that_says_nothing_is_named_in_one_line(home, tmp_path, samples, words):
    for name in ("tiny.safetensors", "corpora", "heard"):
        copy = shutil.copytree if (home / name).is_dir() else shutil.copy
        copy(home / name, tmp_path / name)
    bad = tmp_path / "heard" / "happy_b.wav"
    if samples is None:
        bad.write_bytes(b"RIFFgarbage")
    else:
        soundfile.write(bad, samples, RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=rf"happy_b.wav: .*{words}") as refused:
        generate(protocol(tmp_path), tmp_path / "study")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "study").exists()


def test_faces_that_cannot_be_used_are_named_with_their_file(home):
    for who, words in (
        ("p4", "p4.png: no face"), ("p5", "p5.png: two faces"), ("p6", "p6.png: no face"),
    ):  # fmt: skip
        made = protocol(home, people=f'"p1", "{who}"')
        with pytest.raises(UserError, match=f"no face of '{who}' can be used: {words}") as refused:
            identities_of(made)
        assert "\n" not in str(refused.value)


def test_pictures_of_every_depth_are_read_and_of_animated_ones_the_first(tmp_path):
    grey = np.linspace(0, 65535, 48 * 32).reshape(32, 48).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    assert np.array_equal(read_picture(tmp_path / "deep.png")[..., 1], grey >> 8)
    red, blue = (Image.new("RGB", (32, 32), c) for c in ("red", "blue"))
    red.save(tmp_path / "moves.png", save_all=True, append_images=[blue])
    assert read_picture(tmp_path / "moves.png")[0, 0].tolist() == [255, 0, 0]
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    assert np.abs(read_picture(tmp_path / "print.jpg")[0, 0] - np.array([255, 0, 0])).max() < 8
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "numbers.tif")
    with pytest.raises(Undecodable, match="numbers without a white; save it with 8 bits"):
        read_picture(tmp_path / "numbers.tif")


def test_weights_that_cannot_be_used_are_refused_in_one_line(home, tmp_path):
    tensors = {"x": torch.ones(3)}
    cases = {
        "missing": "no file .*missing.safetensors",
        "text": "not a safetensors file",
        "other": "holds weights of talking-face; give weights of context-face",
        "changed": "its tensors have changed",
        "three": "do not know 'happy'; accepted: neutral, angry, sad",
    }
    (tmp_path / "text.safetensors").write_text("hello")
    save_weights(tmp_path / "other.safetensors", "talking-face", tensors, {})
    whole = (home / "tiny.safetensors").read_bytes()
    (tmp_path / "changed.safetensors").write_bytes(whole[:-4] + b"\x01\x02\x03\x04")
    fewer = ContextFaceSettings(SMALL.face, SMALL.context, SMALL.mel, ("neutral", "angry", "sad"))
    save_model(tmp_path / "three.safetensors", ContextFace(fewer))
    shutil.copytree(home / "heard", tmp_path / "heard")
    for name, words in cases.items():
        made = protocol(tmp_path, people='"01"', corpus="actors", **{"tiny.": f"{name}."})
        with pytest.raises(UserError, match=words) as refused:
            make_generator(made)
        assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="accepted: a file that ends in .safetensors"):
        make_generator(
            protocol(tmp_path, people='"01"', corpus="actors", **{"tiny.safetensors": "model.pt"})
        )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("generator: context-face", "generator: actor", "only generator context-face shows faces"),
        ("recordings: heard", "voice: own", "unknown key 'voice'.*did you mean 'voices'"),
        ("recordings: heard", "voices: actor", "context.voices: found 'actor'; .*'actors'"),
        ("recordings: heard", "recordings: ../heard", "leaves the study's folder"),
        ("recordings: heard", "recordings: stimuli", "a study keeps other things there"),
        ("recordings: heard", "recordings: heard, voices: actors", "in place of voices"),
        ("recordings: heard", "recordings: heard, sentence: kids", "say their own sentences"),
        ("recordings: heard", "neutral: last", "context.neutral: found 'last'; accepted: clos"),
        ("recordings: heard", "voices: actors, sentence: kid", "did you mean 'kids'"),
        ("m: [0, 0.5, 1]", "sentence: [kids]", "recordings are named by emotion alone"),
        ("m: [0, 0.5, 1]", "m: [0, 1.5]", "found 1.5; accepted: numbers from 0"),
        ("weights: tiny.safetensors, ", "", None),
        ("happy]", "calm]", None),
    ],
)
def test_a_protocol_that_contradicts_itself_is_refused_where_it_stands(home, old, new, words):
    if words is not None:
        with pytest.raises(ProtocolError, match=words):
            protocol(home, **{old: new})
        return
    protocol(home, **{old: new})  # each alone is right: own weights may know calm
    both = {"weights: tiny.safetensors, ": "", "happy]": "calm]"}
    with pytest.raises(ProtocolError, match="found 'calm'; not a known context"):
        protocol(home, **both)


def test_a_corpus_that_is_not_at_hand_is_asked_for(home):
    made = protocol(home, people='"01"', corpus="ravdess")
    with pytest.raises(GeneratorError, match="'ravdess' is not at hand; run mien corpus add ravd"):
        make_generator(made)


def test_without_pytorch_one_line_says_what_to_install(home, monkeypatch):
    made = protocol(home)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "stimuli.context_face_pictures")
    with pytest.raises(GeneratorError, match="needs torch, which is not installed; .*models") as no:
        make_generator(made)
    assert "\n" not in str(no.value)


def test_the_difference_of_pictures_in_grey_levels_and_decibels():
    a = np.full((8, 8, 3), 100, np.uint8)
    found = difference(a, a + np.uint8(10))
    assert found == {"mean_absolute": 10.0, "psnr_db": round(20 * np.log10(25.5), 2)}
    assert resampled(a, 16).shape == (16, 16, 3)
    assert set(resampled(a, 16).ravel()) == {100}

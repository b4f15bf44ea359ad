"""A cast of one's own in a study, in `mien face` and `mien voice`.

The cast is made of two shipped actors' rigs under new ids, so that no Anny is needed.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from protocols.casts import CastError
from protocols.checking import check_file
from protocols.errors import UserError
from protocols.manifest import hash_file
from protocols.reading import ProtocolError, dump, load
from protocols.study import Study
from stimuli.actors import facs
from stimuli.actors.cast import DATA, actor
from stimuli.actors.casting import save_rig
from stimuli.actors.portrait import Studio, portrait
from stimuli.actors.rig import load_rig
from stimuli.corpora import identities_of
from stimuli.counterbalance import make_lists
from stimuli.errors import PlanError
from stimuli.face import FaceError, draw_face
from stimuli.generate import generate
from stimuli.plan import make_plan
from stimuli.stimulus import plan_stimuli
from stimuli.voices.library import load_speech
from stimuli.voices.talking import lip_gap

OLD = {"c001": "05", "c002": "08", "c003": "13", "c004": "22"}  # new id -> whose rig and looks


def make_folder(folder: Path, ids: dict[str, str] = OLD) -> Path:
    """A cast of shipped actors under new names."""
    table = json.loads((DATA / "cast.json").read_text())
    entries = {entry["id"]: entry for entry in table["actors"]}
    (folder / "rigs").mkdir(parents=True)
    for new, old in ids.items():
        shutil.copy(DATA / "rigs" / f"{old}.npz", folder / "rigs" / f"{new}.npz")
    chosen = [{**entries[old], "id": new, "part": "main"} for new, old in ids.items()]
    (folder / "cast.json").write_text(json.dumps({"about": "test", "actors": chosen}))
    return folder


def write_protocol(folder: Path, stimuli: str = "", design: str = "{}") -> Path:
    file = folder / "young.yaml"
    file.write_text(
        "name: young\ntitle: Young\n"
        "stimuli:\n  generator: actor\n  cast: casts/young\n  size: 64\n"
        f"  factors: {{emotion: [happy, sad]}}\n{stimuli or '  identities: 2'}\n"
        "tasks:\n  - {id: v, type: likert, question: How, points: 3, anchors: {1: a, 3: b}}\n"
        f"design: {design}\n"
    )
    return file


@pytest.fixture
def home(tmp_path) -> Path:
    make_folder(tmp_path / "home" / "casts" / "young")
    return tmp_path / "home"


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def as_shipped(new: str, home: Path):
    """The shipped actor behind a new id, under that id: what a picture is drawn from."""
    return replace(actor(OLD[new]), id=new, part="main", folder=home / "casts" / "young")


def test_a_picture_of_an_own_actor_is_that_of_drawing_the_actor_and_the_manifest_says_who(
    home, tmp_path
):
    protocol = load(write_protocol(home))
    generate(protocol, tmp_path / "study")
    table = pd.read_csv(tmp_path / "study" / "stimuli" / "stimuli.tsv", sep="\t")
    main = table[table.role == "main"]
    assert sorted(set(main.identity)) == ["c001", "c002"]
    assert set(main.cast) == {"casts/young"}
    assert set(main.cast_sha256) == {hash_file(home / "casts" / "young" / "cast.json")}
    for row in main.itertuples():
        drawn = portrait(
            as_shipped(row.identity, home), facs.weights(row.emotion, 1.0), Studio(size=64)
        )
        picture = pixels(tmp_path / "study" / "stimuli" / row.file)
        assert (picture == drawn).all()
        assert row.rig_sha256 == hash_file(DATA / "rigs" / f"{OLD[row.identity]}.npz")
        sidecar = json.loads(
            (tmp_path / "study" / "stimuli" / row.file).with_suffix(".json").read_text()
        )
        assert sidecar["recipe"]["cast"] == {
            "name": "casts/young", "sha256": row.cast_sha256, "rig": row.rig_sha256,
        }  # fmt: skip
        known = actor(OLD[row.identity])
        assert (row.gender, row.age, row.origin) == (known.gender, known.age, known.origin.word)


def test_the_study_is_whole_two_runs_and_one_without_the_outside_folder_give_the_same_bytes(
    home, tmp_path
):
    protocol = load(write_protocol(home))
    generate(protocol, tmp_path / "one")
    generate(protocol, tmp_path / "two")
    shutil.rmtree(home)
    made = files(tmp_path / "one" / "stimuli")
    assert files(tmp_path / "two" / "stimuli") == made
    assert {"cast.json", "c001.npz", "c002.npz"} == set(files(tmp_path / "one" / "casts"))
    for path in (tmp_path / "one" / "stimuli").iterdir():
        path.unlink()
    again = generate(load(tmp_path / "one" / "protocol.yaml"), tmp_path / "one")
    assert again.made == 4
    assert files(tmp_path / "one" / "stimuli") == made
    assert generate(load(tmp_path / "one" / "protocol.yaml"), tmp_path / "one").made == 0


def test_a_study_keeps_its_cast_when_the_one_outside_changes(home, tmp_path):
    protocol, study = load(write_protocol(home)), Study(tmp_path / "study")
    study.freeze(protocol, ["c001"])
    study.freeze(protocol, ["c001", "c002"])  # a larger study takes the rest
    assert dump(study.protocol()) == dump(protocol)
    assert study.protocol() == protocol
    shutil.rmtree(home / "casts")
    make_folder(home / "casts" / "young", {"c001": "06", "c002": "07"})
    with pytest.raises(CastError, match="made with another cast of this name: choose another"):
        study.freeze(protocol, ["c001"])


def test_lists_spread_gender_age_and_origin_of_own_actors(home):
    design = "{rotate: [emotion]}"
    protocol = load(write_protocol(home, "  identities: 4", design))
    people = identities_of(protocol)
    assert [(p.id, p.gender, p.age) for p in people] == [
        (new, actor(old).gender, actor(old).age) for new, old in OLD.items()
    ]
    genders = {p.id: p.gender for p in people}
    for one in make_lists(protocol, plan_stimuli(protocol, people), people):
        for level in ("happy", "sad"):
            shown = [genders[s.identity] for s in one.stimuli if s.levels["emotion"] == level]
            assert set(shown) == {"female", "male"}
    assert len(make_plan(protocol, people).trials)


def test_practice_shows_own_actors_whom_the_ratings_do_not(home):
    protocol = load(
        write_protocol(home, "  identities: ['c003', 'c001']", "{practice: {trials: 2}}")
    )
    stimuli = plan_stimuli(protocol, identities_of(protocol))
    shown = {role: {s.identity for s in stimuli if s.role == role} for role in ("main", "practice")}
    assert shown == {"main": {"c001", "c003"}, "practice": {"c002", "c004"}}
    protocol = load(write_protocol(home, "  identities: 4", "{practice: {trials: 2}}"))
    with pytest.raises(PlanError, match="uses all 4 of the cast casts/young"):
        plan_stimuli(protocol, identities_of(protocol))


@pytest.mark.parametrize("kind", ["dynamic", "talking"])
def test_clips_film_own_actors_and_speak_in_a_voice_of_their_gender_and_age(home, tmp_path, kind):
    pytest.importorskip("av")
    clip = (
        "{kind: dynamic, seconds: 0.4, onset: 0.1, offset: 0.1}"
        if kind == "dynamic"
        else "{kind: talking, pause: 0}"
    )
    extra = f"  identities: ['c002']\n  clip: {clip}"
    protocol = load(write_protocol(home, extra))
    if kind == "talking":
        file = home / "young.yaml"
        levels = "{emotion: [sad], modality: [audio-visual], sentence: [IEO]}"
        file.write_text(file.read_text().replace("{emotion: [happy, sad]}", levels))
        protocol = load(file)
    generate(protocol, tmp_path / "one")
    generate(protocol, tmp_path / "two")
    assert files(tmp_path / "one" / "stimuli") == files(tmp_path / "two" / "stimuli")
    (row, *_) = pd.read_csv(tmp_path / "one" / "stimuli" / "stimuli.tsv", sep="\t").itertuples()
    assert (row.identity, row.cast) == ("c002", "casts/young")
    if kind == "talking":
        from stimuli.voices.library import voice_for

        sidecar = json.loads(
            (tmp_path / "one" / "stimuli" / row.file).with_suffix(".json").read_text()
        )
        voice = voice_for("c002", actor("08").gender, actor("08").age)
        assert sidecar["speech"]["voice"]["source"] == voice.source


def test_lips_close_by_the_own_rig(home):
    rig = load_rig("05")
    wide = replace(rig, deltas=(2 * rig.deltas.astype(np.float32)).astype(np.float16))
    save_rig(home / "casts" / "young" / "rigs" / "c001.npz", wide)
    gap = lip_gap(as_shipped("c001", home))
    np.testing.assert_allclose(gap, 2 * lip_gap(actor("05")), atol=0.01)
    assert np.abs(gap).max() > 1


def test_mien_face_and_voice_take_own_actors(home, tmp_path):
    from stimuli.voices.speaking import speak

    folder, out = home / "casts" / "young", tmp_path / "face.png"
    said = draw_face(out, "c003", 64, emotion="happy", cast=folder)
    assert "actor c003 (male" in said
    drawn = portrait(as_shipped("c003", home), facs.weights("happy", 1.0), Studio(size=64))
    assert (pixels(out) == drawn).all()
    (line, _) = speak("IEO", "c003", tmp_path / "voice.wav", cast=folder)
    assert "actor c003 says" in line
    with pytest.raises(
        FaceError, match="'c009': not in the cast.*accepted: c001, c002, c003, c004"
    ):
        draw_face(out, "c009", 64, emotion="happy", cast=folder)
    with pytest.raises(CastError, match="--cast: no cast.json in .*mien cast --n 24 -o"):
        speak("IEO", "c003", tmp_path / "voice.wav", cast=tmp_path / "nowhere")
    assert load_speech("01", "IEO").duration > 1  # mien's own voices as before


def test_a_corpus_of_own_actors_goes_on_from_anywhere_with_the_same_bytes(home, tmp_path):
    from stimuli.corpora.synthetic.corpus import make_synthetic
    from stimuli.corpora.synthetic.request import Request

    young, out = home / "casts" / "young", tmp_path / "stills"
    asked = ("c001-c003", "neutral,happy")
    made = make_synthetic(Request.read(*asked, still=True, size=64, cast=young), out)
    assert list(made.clips.actor.unique()) == ["c001", "c002", "c003"]
    assert list(made.clips.gender.unique()) == ["male", "female"]
    drawn = portrait(as_shipped("c002", home), np.zeros(52), Studio(size=64))
    picture = made.clips[(made.clips.actor == "c002") & (made.clips.emotion == "neutral")]
    assert (pixels(out / picture.image.iloc[0]) == drawn).all()
    before = files(out)
    young = Path(shutil.move(young, tmp_path / "moved"))
    again = make_synthetic(Request.read(*asked, still=True, size=64, cast=young), out)
    assert again.made.recordings == 0
    assert files(out) == before
    with pytest.raises(UserError, match="cast: there [0-9a-f]{64}, asked for none"):
        make_synthetic(Request.read("01-03", "neutral,happy", still=True, size=64), out)
    with pytest.raises(UserError, match="--actors: found 'c009'; accepted: .*c001 to c004"):
        Request.read("c009", cast=young)
    with pytest.raises(CastError, match="--cast: no cast.json"):
        Request.read("2", cast=tmp_path)


def test_a_cast_that_is_missing_damaged_or_elsewhere_gets_one_clear_error(home, tmp_path):
    file, young = write_protocol(home), home / "casts" / "young"
    protocol = load(file)
    for here, instead, words in (
        ("casts/young", "../young", "outside.yaml:5:.*leaves the study's folder"),
        ("casts/young", "stimuli", "a study keeps other things there"),
        (
            "generator: actor",
            "generator: context-face",
            "only generators actor and reaction show the actors",
        ),
    ):
        outside = home / "outside.yaml"
        outside.write_text(file.read_text().replace(here, instead))
        with pytest.raises(ProtocolError, match=words):
            load(outside)
    file.write_text(file.read_text().replace("identities: 2", "identities: 9"))
    with pytest.raises(Exception, match="9 wanted; the cast casts/young has 4"):
        identities_of(load(file))
    file.write_text(file.read_text().replace("identities: 9", "identities: ['c01']"))
    with pytest.raises(Exception, match="the cast casts/young has no 'c01'; .*did you mean 'c001'"):
        identities_of(load(file))
    rig = young / "rigs" / "c001.npz"
    whole = rig.read_bytes()
    rig.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        CastError, match=r"c001.npz: damaged \(.*restore it, or make the cast again"
    ):
        generate(protocol, tmp_path / "study")
    rig.unlink()
    with pytest.raises(CastError, match="the rig of actor c001 is missing; restore it"):
        generate(protocol, tmp_path / "study")
    sheet = young / "cast.json"
    table = json.loads(sheet.read_text())
    for change, words in (
        ({"id": "../c1"}, "letters and digits only"),
        ({"skin_rgb": "red"}, "damaged"),
        ({"hair": "mohawk"}, "actor c001: hair 'mohawk'"),
        ({"age": "old"}, "actor c001: age 'old'"),
        ({"id": "c002"}, "actor c002 stands twice"),
    ):
        first, *others = table["actors"]
        sheet.write_text(json.dumps({"actors": [{**first, **change}, *others]}))
        with pytest.raises(CastError, match=words):
            identities_of(protocol)
    sheet.write_text('{"actors": [')
    with pytest.raises(CastError, match="cast.json: damaged"):
        identities_of(protocol)
    sheet.unlink()
    with pytest.raises(CastError, match="stimuli.cast: no cast.json in .*leave out cast for mien"):
        identities_of(protocol)
    with pytest.raises(CastError, match="stimuli.cast: no cast.json"):
        check_file(home / "young.yaml")
    assert not (tmp_path / "study").exists()

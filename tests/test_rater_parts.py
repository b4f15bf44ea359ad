"""What the report says about raters: whole, in plain words, and with care for pictures."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from io import BytesIO

import pandas as pd
import pytest
from PIL import Image

from analysis.raters.agreement import agreements
from analysis.raters.agreement_part import agreement_part
from analysis.raters.beside import beside
from analysis.raters.beside_part import beside_part
from analysis.raters.human_model import HumanModels, OnChoice, OnScale, human_models
from analysis.raters.human_model_part import human_model_part
from analysis.raters.most_apart import most_apart
from analysis.sample.exclude import Sample, read_sample
from analysis.text.part import Bullets, Caution, Drawing, Paragraph, Part, Table
from analysis.text.references import REFERENCES
from protocols.analysis_plan import BesideStudy
from protocols.protocol import Protocol
from protocols.study import Study
from tests.rater_study import make_with_model

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return make_with_model(tmp_path_factory.mktemp("raters") / "everything")


@pytest.fixture(scope="module")
def protocol(study) -> Protocol:
    return study.protocol()


@pytest.fixture(scope="module")
def sample(study, protocol) -> Sample:
    return read_sample(study, protocol)


@pytest.fixture(scope="module")
def found(sample, protocol) -> HumanModels:
    return human_models(sample, protocol)


def text(part: Part | None) -> str:
    assert part is not None
    said = [b.text for b in part.blocks if isinstance(b, Paragraph | Caution)]
    return " ".join([*said, *(i for b in part.blocks if isinstance(b, Bullets) for i in b.items)])


def check_whole(part: Part | None) -> None:
    """Pictures have words, tables are square, and whatever is cited is a known reference."""
    assert part is not None
    drawings = [b for b in part.blocks if isinstance(b, Drawing)]
    assert {b.name for b in drawings} == set(part.pictures)
    assert all(b.alt and b.caption for b in drawings)
    for table in (b for b in part.blocks if isinstance(b, Table)):
        assert len(table.kinds) == len(table.head)
        assert all(len(row) == len(table.head) for row in table.rows)
    assert all(picture.png.startswith(PNG) for picture in part.pictures.values())
    assert all(isinstance(table, pd.DataFrame) and len(table) for table in part.tables.values())
    assert set(part.references) <= set(REFERENCES)
    for cited in part.references:
        author = cited.split(",")[0].replace(" & ", " ").split()[0]
        assert any(author in sentence for sentence in part.method), cited


def test_agreement_is_told_for_every_task_and_box(sample, protocol):
    measured = agreements(sample, protocol)
    part = agreement_part(measured, protocol)
    check_whole(part)
    assert part is not None
    assert [(one.task, one.box) for one in measured] == [
        ("valence", ""), ("feeling", ""), ("feeling-second", ""), ("seen", "Eyes"),
        ("seen", "Mouth")]  # fmt: skip
    assert len(part.tables["agreement"]) == sum(len(one.table) for one in measured)
    assert "No ICC(C,k)" in next(b for b in part.blocks if isinstance(b, Table)).note
    assert agreement_part([], protocol) is None


def test_a_models_answers_do_not_count_as_agreement_of_people(study, sample, protocol):
    alone = replace(sample, model_ratings=sample.model_ratings.iloc[:0])
    for one, other in zip(agreements(sample, protocol), agreements(alone, protocol), strict=True):
        pd.testing.assert_frame_equal(one.table, other.table)


def test_people_beside_a_model_recover_what_the_model_was_made_of(found):
    scale, choice = found.found
    assert isinstance(scale, OnScale)
    assert isinstance(choice, OnChoice)
    assert (scale.declared, scale.model, choice.model) == (True, "face-net", "face-net")
    assert scale.value("slope") == pytest.approx(1 / 1.5, abs=0.12)  # effects half as large again
    assert scale.value("bias") == pytest.approx(0.3, abs=0.2)
    assert scale.kinds is not None
    emotion = scale.kinds.effects.set_index("factor").loc["emotion"]
    assert emotion.model == pytest.approx(1.5 * emotion.people, abs=0.25)
    assert emotion.p < 0.05
    assert (choice.stimuli.model == choice.stimuli.emotion.str.capitalize()).all()


def test_people_beside_a_model_are_told_whole(found, study, protocol):
    part = human_model_part(found, study, protocol)
    check_whole(part)
    said = text(part)
    assert "noise ceiling" in said
    assert "equivalent to zero within ±0.50 points" in said
    assert "exploratory" not in said
    assert part is not None
    assert len(part.headline) == 2
    assert len(part.tables["human-model-1-stimuli"]) == 72


def test_what_nobody_declared_is_made_and_called_exploratory(study, sample, protocol):
    silent = protocol.model_copy(
        update={"analysis": protocol.analysis.model_copy(update={"human_model": ()})}
    )
    made = human_models(sample, silent)
    assert [one.asked.task for one in made.found] == ["valence", "feeling"]
    said = text(human_model_part(made, study, silent))
    assert "exploratory" in said
    assert "declare analysis.human_model, equivalence" in said
    no_model = replace(sample, model_ratings=sample.model_ratings.iloc[:0])
    assert human_model_part(human_models(no_model, silent), study, silent) is None
    planned = human_model_part(human_models(no_model, protocol), study, protocol)
    assert "holds no answer of a model to valence" in text(planned)


def test_a_model_that_rated_other_stimuli_is_not_compared(sample, protocol):
    others = sample.model_ratings.assign(stimulus_id="other" + sample.model_ratings.stimulus_id)
    made = human_models(replace(sample, model_ratings=others), protocol)
    assert made.found == ()
    assert "both answered 0 of the same stimuli" in made.notes[0]


def test_ratings_off_the_scale_are_a_caution(study, sample, protocol):
    rows = sample.model_ratings
    percent = rows.assign(response=rows.response * 11)
    made = human_models(replace(sample, model_ratings=percent), protocol)
    part = human_model_part(made, study, protocol)
    assert part is not None
    assert any(isinstance(b, Caution) and b.code == "MODEL_OFF_SCALE" for b in part.blocks)


def forged(pixels: int) -> bytes:
    """A PNG whose header promises a square of so many pixels a side, with no pixels in it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + end

    header = struct.pack(">IIBBBBB", pixels, pixels, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (forged(60_000), "not a whole picture"),
        (forged(9_000), "9000 × 9000 pixels"),
        (b"no picture", "not a whole picture"),
        (None, "is missing"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_named_and_the_others_are_shown(
    found, tmp_path, study, content, says
):
    top = most_apart(found.found[0], study)
    assert top.missing == ()
    folder = Study(tmp_path / "copy")
    folder.stimuli.mkdir(parents=True)
    for file in study.stimuli.iterdir():
        (folder.stimuli / file.name).symlink_to(file)
    name = f"stim-{top.stimuli.stimulus_id[0]}_image.png"
    (folder.stimuli / name).unlink()
    if content is not None:
        (folder.stimuli / name).write_bytes(content)
    shown = most_apart(found.found[0], folder)
    assert shown.picture is not None
    assert len(shown.missing) == 1
    assert says in shown.missing[0]


def test_stimuli_of_largest_difference_come_first_with_their_own_pictures(found, study):
    scale = found.found[0]
    top = most_apart(scale, study)
    largest = scale.stimuli.difference.abs().sort_values(ascending=False)
    assert top.stimuli.difference.abs().tolist() == pytest.approx(largest.iloc[:6].tolist())
    assert top.picture is not None
    without = most_apart(scale, Study(study.folder / "nowhere"))
    assert without.picture is None
    assert "holds no stimuli/stimuli.tsv" in without.missing[0]


def test_a_study_beside_another_is_told_whole(sample, protocol):
    other = protocol.model_copy(update={"stimuli": protocol.stimuli.model_copy(
        update={"factors": {"emotion": ("angry", "happy")}})})  # fmt: skip
    asked = BesideStudy(study="another-study", by="emotion", equivalence=0.5)
    made = beside(asked, sample, protocol, sample, other)
    part = beside_part([made], ["Planned, not run."], protocol)
    check_whole(part)
    said = text(part)
    assert said.startswith("Planned, not run.")
    assert said.count("equivalence within ±0.50 points") == 3  # one for each level of m
    assert "most alike at m = " in said
    assert part is not None
    assert list(part.tables["beside-1"]["at"]) == ["0", "0.5", "1"]
    unbound = beside(
        asked.model_copy(update={"equivalence": None}), sample, protocol, sample, other
    )
    assert "not equality" in text(beside_part([unbound], [], protocol))
    assert beside_part([], [], protocol) is None
    mixed = replace(made, simulated=(True, False))
    assert "says nothing about people" in text(beside_part([mixed], [], protocol))


def test_pictures_are_the_same_in_every_run(found, study, protocol):
    first, second = (human_model_part(found, study, protocol) for _ in range(2))
    assert first is not None
    assert second is not None
    for name, picture in first.pictures.items():
        assert picture == second.pictures[name]
        Image.open(BytesIO(picture.png)).verify()

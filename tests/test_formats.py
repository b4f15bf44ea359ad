"""The three formats: what is written is read back, what is documented is true."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

from protocols import documentation, manifest, ratings
from protocols.reading import dump, load
from protocols.schema import schema
from protocols.study import Study
from protocols.tables import TableError

ROOT = Path(__file__).parents[1]
STUDIES = sorted((ROOT / "protocols").glob("*.yaml"))


def example(folder: Path) -> Path:
    """The YAML block of docs/protocol.md, as a file."""
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/protocol.md").read_text(), re.S)
    assert block
    path = folder / "example.yaml"
    path.write_text(block[1])
    return path


def words(data):
    """YAML data with keys as words, as an editor's JSON Schema sees them."""
    if isinstance(data, dict):
        return {str(key): words(value) for key, value in data.items()}
    return [words(item) for item in data] if isinstance(data, list) else data


def test_the_lines_of_the_readme_are_a_protocol(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert block
    path = tmp_path / "readme.yaml"
    path.write_text(block[1])
    assert load(path).stimuli == load(ROOT / "protocols/blume2024-experiment2.yaml").stimuli


def test_the_documented_protocol_is_valid_and_uses_every_part(tmp_path):
    protocol = load(example(tmp_path))
    left_out = set(type(protocol).model_fields) - protocol.model_fields_set
    assert not left_out
    assert {task.type for task in protocol.tasks} == {
        "likert", "forced-choice", "labelled-rating", "checkboxes", "free-text", "slider",
        "affect-grid",
    }  # fmt: skip
    assert {rule.rule for rule in protocol.exclusions} == {
        "answer", "attention", "repeats", "too-fast", "same-answer", "incomplete"
    }  # fmt: skip


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_protocol_with_every_default_written_out_is_the_same_protocol(path, tmp_path):
    protocol = load(path)
    again = tmp_path / "protocol.yaml"
    again.write_text(dump(protocol))
    assert load(again) == protocol


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_schema_accepts_every_shipped_protocol(path):
    from ruamel.yaml import YAML

    jsonschema.Draft202012Validator(schema()).validate(words(YAML(typ="safe").load(path)))


def test_the_schema_refuses_what_the_reader_refuses(tmp_path):
    from ruamel.yaml import YAML

    data = words(YAML(typ="safe").load(example(tmp_path)))
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(data)
    for path, value in [
        (("stimuli", "generator"), "acotr"),
        (("stimuli", "factors"), {"emoton": ["happy"]}),
        (("recruitment", "platform"), "prolfic"),
        (("seed",), "seven"),
        (("design", "order", "method"), "shuffled"),
    ]:
        broken = json.loads(json.dumps(data))
        part = broken
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        assert not validator.is_valid(broken), path


def test_texts_that_are_left_out_are_those_of_the_language():
    demo = ROOT / "protocols/demo.yaml"
    german = load(demo, {"pages.language": "de", "pages.consent": {"agree": "Ja."}}).pages
    assert german.consent.text.startswith("# Einwilligung")
    assert german.consent.agree == "Ja."
    assert german.instructions[0].startswith("# Ihre Aufgabe")
    assert german.debrief.startswith("# Vielen Dank")
    assert load(demo).pages.debrief.startswith("# Thank you")


def test_the_page_of_tables_is_what_the_formats_say():
    assert documentation.PAGE.read_text() == documentation.page(), (
        "run: python -m protocols.documentation"
    )


@pytest.fixture
def media(tmp_path):
    """A manifest of one stimulus whose file holds three bytes."""
    (tmp_path / "stim-A_image.png").write_bytes(b"abc")
    row = dict.fromkeys(column.name for column in manifest.COLUMNS)
    row |= {"stimulus_id": "A", "type": "image", "file": "stim-A_image.png", "bytes": 3}
    row |= {"sha256": hashlib.sha256(b"abc").hexdigest(), "role": "main", "corpus": "actors"}
    row |= {"identity": "01", "seed": 2**62, "generator": "actor", "generator_version": "1"}
    row |= {"licence": "CC0-1.0", "digital_source_type": "x", "m": 0.25}
    manifest.write_manifest(tmp_path, [row], ["m"])
    return tmp_path


def test_a_manifest_is_read_back_exactly(media):
    row = manifest.read_manifest(media, read_files=True).iloc[0]
    assert (row.stimulus_id, row.identity, row.seed, row.m) == ("A", "01", 2**62, 0.25)


def test_a_changed_file_is_found_out(media):
    (media / "stim-A_image.png").write_bytes(b"abd")
    manifest.read_manifest(media)  # same size: only reading it tells
    with pytest.raises(TableError, match="has changed since it was made"):
        manifest.read_manifest(media, read_files=True)
    (media / "stim-A_image.png").unlink()
    with pytest.raises(TableError, match="is missing; run mien generate again"):
        manifest.read_manifest(media)


def test_a_manifest_may_not_point_out_of_its_folder(media):
    path = media / "stimuli.tsv"
    path.write_text(path.read_text().replace("stim-A_image.png", "../outside.png"))
    with pytest.raises(TableError, match="leaves the folder"):
        manifest.read_manifest(media)


def rows(**changes):
    row = {"study": "s", "source": "web", "participant": "p", "slot": 1, "list": 1, "block": 1}
    row |= {"trial": 1, "kind": "rating", "stimulus_id": "A", "identity": "01", "emotion": "happy"}
    row |= {"repeat_of": None, "check": None, "question": "q", "response": 3, "label": ""}
    row |= {"rt_ms": 812.5, "onset_ms": 1.0, "hidden_ms": 0, "valid": True}
    row |= {"exclusion_reason": None, "time": "2026-01-01T00:00:00Z"}
    return pd.DataFrame([row | changes])


def test_ratings_are_read_back_with_their_types(tmp_path):
    path = ratings.write_ratings(rows(), tmp_path / "ratings.csv", ["emotion"])
    row = ratings.read_ratings(path).iloc[0]
    assert (row.identity, row.response, row.rt_ms, row.valid) == ("01", 3, 812.5, True)
    assert pd.isna(row.exclusion_reason)
    assert list(pd.read_csv(path).columns)[9:11] == ["identity", "emotion"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "ratng"}, r"ratings.csv:2: kind: found 'ratng'; accepted: practice, rating"),
        ({"trial": "one"}, r"ratings.csv:2: trial: found 'one'; accepted: a number"),
        ({"trial": 1.5}, r"ratings.csv:2: trial: found '1.5'; accepted: a whole number"),
        ({"valid": "perhaps"}, r"ratings.csv:2: valid: found 'perhaps'; accepted: true or false"),
    ],
)
def test_a_wrong_rating_is_named_with_its_line(changes, message, tmp_path):
    path = ratings.write_ratings(rows(**changes), tmp_path / "ratings.csv", ["emotion"])
    with pytest.raises(TableError, match=message):
        ratings.read_ratings(path)


def test_one_answer_cannot_stand_twice(tmp_path):
    table = pd.concat([rows(), rows(response=4)])
    path = ratings.write_ratings(table, tmp_path / "ratings.csv", ["emotion"])
    with pytest.raises(TableError, match="ratings.csv:3: participant p, trial 1, question q"):
        ratings.read_ratings(path)


def test_two_protocols_are_never_mixed_in_one_folder(tmp_path):
    protocol = load(ROOT / "protocols/demo.yaml")
    study = Study(tmp_path / "study")
    study.freeze(protocol)
    study.freeze(protocol)
    other = load(ROOT / "protocols/demo.yaml", {"seed": 8})
    with pytest.raises(ValueError, match=r"made from another protocol \(different: seed\)"):
        study.freeze(other)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.docx").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and holds no study"):
        Study(tmp_path / "full").freeze(protocol)


def test_every_column_is_described_as_psych_ds_asks(tmp_path):
    protocol = load(example(tmp_path))
    study = Study(tmp_path / "study")
    study.freeze(protocol)
    described = json.loads((study.folder / "dataset_description.json").read_text())
    names = {variable["name"] for variable in described["variableMeasured"]}
    assert names >= {c.name for c in (*ratings.COLUMNS, *ratings.PEOPLE)}
    assert names >= {"emotion", "m", "distracted", "distracted_response"}
    assert {"@context", "@type", "name", "description", "schemaVersion"} <= set(described)

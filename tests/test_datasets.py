"""A finished study as a data set for others: everything is in it, and nobody's name."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from experiments.datasets import columns
from experiments.datasets.people import codes_of
from experiments.datasets.write import write_dataset
from experiments.export import export
from experiments.importing import import_ratings
from experiments.mapping import Mapping, load_mapping
from experiments.simulate import simulate
from protocols import manifest, ratings
from protocols.errors import UserError
from protocols.formulas import guarded
from protocols.licences import LICENCES, may_be_passed_on
from protocols.manifest import read_manifest, write_manifest
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from protocols.study import Study
from tests.small_study import TINY, make_study

FORMATS = ("psych-ds", "bids")
VALIDATOR = shutil.which("bids-validator-deno")
STUDIES = sorted((Path(__file__).parents[1] / "protocols").glob("*.yaml"))
BOUND = LICENCES["mead"].name  # a licence that does not let anybody pass its clips on
THEIRS = """rater,picture,question,answer,label,at
Ann Example,actor0xangryx0,valence,3,,2026-03-01T10:00:00Z
Ann Example,actor1xhappyx1,words,,=HYPERLINK("http://x"),2026-03-01T10:00:12.5Z
60a1b2c3d4e5f6a7b8c9d0e1,actor0xangryx0,valence,4,,2026-03-02T09:00:00Z
60a1b2c3d4e5f6a7b8c9d0e1,actor0xangryx0,words,,'-nothing,2026-03-02T09:00:01Z
"""
MAPPED = Mapping.model_validate(
    {"columns": {"participant": "rater", "stimulus_id": "picture", "response": "answer",
                 "time": "at"}}
)  # fmt: skip
WORDS = "  - {id: words, type: free-text, question: What do you see?, required: false}\ndesign:"
CODES = """recruitment:
  per_list: 3
  codes: {completed: SECRET1}
  block: [another-study]
description: A study for the tests.
simulation: {careless: 0.4}"""
TEXT = TINY.replace("design:", WORDS).replace("recruitment: {per_list: 3}", CODES)


def protect(study: Study, identity: str) -> int:
    """Give every stimulus of an identity the licence of a protected corpus; returns how many."""
    protocol, table = study.protocol(), read_manifest(study.stimuli)
    table.loc[table.identity == identity, "licence"] = BOUND
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    write_manifest(study.stimuli, rows, protocol.factors)
    return int((table.identity == identity).sum())


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Study:
    """Eight simulated participants, some of them excluded; actor1 may not be passed on."""
    study = make_study(tmp_path_factory.mktemp("simulated") / "tiny", TEXT)
    protect(study, "actor1")
    simulate(study, 8, seed=2)
    return study


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Study:
    """Two people of a foreign table, a model, and simulated participants beside them."""
    study = make_study(tmp_path_factory.mktemp("imported") / "tiny", TEXT)
    simulate(study, 2, seed=1)
    home = study.folder.parent
    (home / "theirs.csv").write_text(THEIRS)
    (home / "net.csv").write_text("stimulus_id,valence\nactor0xangryx0,2\nactor1xhappyx1,7.5\n")
    import_ratings(study, home / "theirs.csv", "import", MAPPED)
    import_ratings(study, home / "net.csv", "model", Mapping())
    export(study)
    return study


@pytest.fixture(scope="module")
def written(simulated, imported, tmp_path_factory) -> dict[tuple[str, str], Path]:
    """(study, format) -> its data set."""
    home, out = tmp_path_factory.mktemp("datasets"), {}
    for name, study in (("simulated", simulated), ("imported", imported)):
        for kind in FORMATS:
            out[name, kind] = home / f"{name}-{kind}"
            write_dataset(study, out[name, kind], kind, ("A. Author",), "CC-BY-4.0")
    return out


def psych_table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"data/study-tiny_description-{name}_data.csv", dtype=str,
                       keep_default_na=False)  # fmt: skip


def bids_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False).replace("n/a", "")


def bids_responses(folder: Path) -> pd.DataFrame:
    tables = {path.name.split("_")[0]: bids_table(path)
              for path in folder.glob("sub-*/beh/sub-*_task-tiny_beh.tsv")}  # fmt: skip
    return pd.concat([t.assign(participant=name[4:]) for name, t in tables.items()])


def cells(table: pd.DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    return sorted(table[names].itertuples(index=False, name=None))


def raw(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_every_response_is_found_again_with_its_values(simulated, written):
    ours = raw(simulated.ratings_file)
    names = [name for name in ours if name != "time"]
    assert cells(psych_table(written["simulated", "psych-ds"], "responses"), names) == cells(
        ours, names
    )
    of_people = {"study", "source", "slot", "list", "valid", "exclusion_reason"}
    theirs = bids_responses(written["simulated", "bids"])
    names = [name for name in names if name not in of_people]
    assert cells(theirs, names) == cells(ours, names)
    assert set(theirs) == {*names, "after_s", "stim_file"}


def test_every_participant_is_there_with_verdict_and_answers(simulated, written):
    ours = raw(simulated.participants_file)
    assert (ours.valid == "false").any(), "the test needs somebody who is excluded"
    names = [name for name in ours if name not in ("started", "finished")]
    theirs = psych_table(written["simulated", "psych-ds"], "participants")
    assert cells(theirs, names) == cells(ours, names)
    folder = written["simulated", "bids"]
    people = bids_table(folder / "participants.tsv")
    asked = bids_table(folder / "phenotype/questionnaire.tsv")
    both = people.merge(asked, on="participant_id", how="left").fillna("")
    both["participant"] = both.participant_id.str.removeprefix("sub-")
    assert cells(both, names) == cells(ours, names)
    assert people.columns[0] == asked.columns[0] == "participant_id"


def test_moments_are_seconds_since_consent_and_no_date_is_told(simulated, written):
    ours = read_ratings(simulated.ratings_file)
    people = read_participants(simulated.participants_file).set_index("participant")
    start = pd.to_datetime(ours.participant.map(people.started), utc=True)
    wanted = (pd.to_datetime(ours.time, utc=True) - start).dt.total_seconds()
    theirs = psych_table(written["simulated", "psych-ds"], "responses")
    assert theirs.after_s.astype(float).tolist() == wanted.tolist()
    took = psych_table(written["simulated", "psych-ds"], "participants").took_s.astype(float)
    spans = pd.to_datetime(people.finished, utc=True) - pd.to_datetime(people.started, utc=True)
    assert took.tolist() == spans.dt.total_seconds().tolist()
    imported = psych_table(written["imported", "psych-ds"], "responses")
    assert imported.after_s.tolist() == ["0", "12.5", "0", "1"]  # from the first response
    dated = re.compile(r"20\d\d-\d\d-\d\d")
    for folder in written.values():
        for path in [*folder.rglob("*.csv"), *folder.rglob("*.tsv")]:
            assert not dated.search(path.read_text()), path


def test_raters_of_foreign_tables_get_codes_and_their_names_are_nowhere(written):
    for kind in FORMATS:
        folder = written["imported", kind]
        everything = "".join(
            f"{path} {path.read_text()}"
            for path in folder.rglob("*") if path.suffix in (".csv", ".tsv", ".json", ".md")
        )  # fmt: skip
        assert "Ann" not in everything
        assert "60a1b2c3d4e5f6a7b8c9d0e1" not in everything
    theirs = psych_table(written["imported", "psych-ds"], "responses")
    assert theirs.participant.tolist() == ["import001"] * 2 + ["import002"] * 2
    assert theirs.response.tolist() == ["3", "", "4", ""]
    assert sorted(p.name for p in written["imported", "bids"].glob("sub-*")) == [
        "sub-import001", "sub-import002"]  # fmt: skip


def test_only_codes_that_mien_drew_are_kept():
    people = pd.DataFrame(
        [("web", "p0a1b2c3d4e"), ("lab", "vp01"), ("import", "Zoe"), ("import", "unknown"),
         ("import", "Ann"), ("lab", "vp01-5f0a")],
        columns=["source", "participant"],
    )  # fmt: skip
    assert list(codes_of(people).values()) == [
        "p0a1b2c3d4e", "lab001", "import001", "unknown", "import002", "lab002"]  # fmt: skip


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_column_of_the_published_studies_is_described(path):
    """Column names of the formats and of the protocol: no two of one table are the same."""
    protocol = load(path)
    responses = [c.name for c in ratings.COLUMNS] + protocol.factors
    questions = [
        name for task in protocol.pages.questionnaire for name in (task.id, f"{task.id}_response")
    ]
    people = [c.name for c in ratings.PEOPLE] + questions
    stimuli = [c.name for c in manifest.COLUMNS] + protocol.factors
    for names, known in (
        (responses, columns.of_responses(protocol)),
        (people, columns.of_people(protocol)),
        (stimuli, columns.of_stimuli(protocol)),
    ):
        assert len(set(names)) == len(names)
        assert set(names) <= set(known)
        assert all(known[name].name == name and known[name].meaning for name in known)
    asked = columns.of_responses(protocol)["question"].levels
    assert {task.id: task.question for task in protocol.tasks}.items() <= asked.items()


def test_models_stand_apart_and_simulated_people_only_without_real_ones(
    imported, written, tmp_path
):
    models = psych_table(written["imported", "psych-ds"], "models")
    assert models[["participant", "stimulus_id", "response"]].values.tolist() == [
        ["net", "actor0xangryx0", "2"], ["net", "actor1xhappyx1", "7.5"]]  # fmt: skip
    home = written["imported", "bids"] / "derivatives/models"
    who = bids_table(home / "participants.tsv")
    assert who.values.tolist() == [["sub-model01", "net"]]
    also = bids_responses(home)
    assert also[["participant", "stimulus_id", "response"]].values.tolist() == [
        ["model01", "actor0xangryx0", "2"], ["model01", "actor1xhappyx1", "7.5"]]  # fmt: skip
    assert set(psych_table(written["imported", "psych-ds"], "responses").source) == {"import"}
    assert "2 simulated participants are left out" in write_dataset(imported, tmp_path / "again")
    told = "These participants are simulated; nobody took part."
    for kind in FORMATS:
        assert told in (written["simulated", kind] / "README.md").read_text()
        assert told not in (written["imported", kind] / "README.md").read_text()


def test_no_cell_is_a_formula_and_one_apostrophe_less_gives_it_back(written):
    theirs = psych_table(written["imported", "psych-ds"], "responses")
    assert theirs.label.tolist()[1::2] == ['\'=HYPERLINK("http://x")', "''-nothing"]
    said = ["=1+1", "@x", "+49 170", "-", "'=x", "''-y", "-2", "+0.5", "-1e3", "plain", "'tis", ""]
    kept = [guarded(cell) for cell in said]
    assert kept == ["'=1+1", "'@x", "'+49 170", "'-", "''=x", "'''-y", *said[6:]]
    assert [re.sub(r"^'('*[=+\-@])", r"\1", cell) for cell in kept] == said
    for folder in written.values():
        for path in [*folder.rglob("*.csv"), *folder.rglob("*.tsv")]:
            with path.open(newline="") as file:
                for row in csv.reader(file, delimiter="," if path.suffix == ".csv" else "\t"):
                    for cell in row:
                        assert cell[:1] not in "=+-@" or not cell or float(cell) is not None


def test_media_of_a_protected_corpus_stay_out_and_are_listed(simulated, written):
    stimuli = read_manifest(simulated.stimuli)
    bound = set(stimuli.file[stimuli.identity == "actor1"])
    free = set(stimuli.file) - bound
    assert bound
    assert free
    for kind, place in zip(FORMATS, ("materials/stimuli", "stimuli"), strict=True):
        folder = written["simulated", kind]
        assert {path.name for path in folder.rglob("*.png")} == free
        for name in free:
            assert (folder / place / name).read_bytes() == (simulated.stimuli / name).read_bytes()
        readme = (folder / "README.md").read_text()
        assert f"{len(bound)} of the corpus actors, licence {BOUND}: **not in this" in readme
    listed = psych_table(written["simulated", "psych-ds"], "stimuli")
    assert dict(zip(listed.file, listed.shared, strict=True)) == {
        **dict.fromkeys(free, "true"), **dict.fromkeys(bound, "false")}  # fmt: skip
    theirs = bids_responses(written["simulated", "bids"])
    files = dict(zip(stimuli.stimulus_id, stimuli.file, strict=True))
    assert theirs.stim_file.tolist() == [
        files[s] if files[s] in free else "" for s in theirs.stimulus_id]  # fmt: skip
    assert (theirs.stim_file == "").any()


@pytest.mark.parametrize(
    ("licence", "open_"),
    [("CC0-1.0", True), ("CC0", True), ("cc by 4.0", True), ("CC-BY-NC-SA-4.0", True),
     ("ODbL-1.0 (contents: DbCL-1.0)", True), ("CC-BY-4.0 and ODbL-1.0", True),
     ("CC-BY-ND-4.0", False), ("CC-BY-NC-ND-4.0", False), ("", False), ("own", False),
     (f"{BOUND}; shown by permission: Prof. X, 3 May", False), (f"CC0-1.0 and {BOUND}", False),
     ("licence of the weights not known", False),
     ("CC-BY-4.0 and agreement; shown by permission: CC0-1.0", False)],
)  # fmt: skip
def test_only_open_licences_let_a_stimulus_be_passed_on(licence, open_):
    assert may_be_passed_on(licence) is open_


def test_corpora_that_may_not_be_shown_may_not_be_passed_on():
    for corpus in LICENCES.values():
        assert may_be_passed_on(corpus.name) is corpus.may_be_shown


def test_psych_ds_demands_are_met(written):
    """Rules of schema 1.5.1: names of files, required fields, every column described."""
    name = re.compile(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv")
    for study in ("simulated", "imported"):
        folder = written[study, "psych-ds"]
        whole = json.loads((folder / "dataset_description.json").read_text())
        assert (whole["@context"], whole["@type"]) == ("https://schema.org", "Dataset")
        assert whole["name"] == "A tiny study"
        assert whole["description"] == "A study for the tests."
        assert whole["license"] == "CC-BY-4.0"
        assert whole["author"] == [{"@type": "Person", "name": "A. Author"}]
        everywhere = {variable["name"] for variable in whole["variableMeasured"]}
        paths = list((folder / "data").glob("*.csv"))
        assert len(paths) == (3 if study == "simulated" else 4)
        for path in paths:
            assert name.fullmatch(path.name), path.name
            beside = json.loads(path.with_suffix(".json").read_text())
            header = path.read_text().splitlines()[0].split(",")
            assert [variable["name"] for variable in beside["variableMeasured"]] == header
            assert set(header) <= everywhere
            for variable in beside["variableMeasured"]:
                assert set(variable) <= {"@type", "name", "description", "unitText"}
                assert variable["@type"] == "PropertyValue"
                assert len(variable["description"]) > 4


@pytest.mark.parametrize(
    ("study", "place"), [("simulated", ""), ("imported", ""), ("imported", "derivatives/models")]
)
def test_bids_demands_are_met(written, study, place):
    """BIDS 1.10: names of files, a description of every column, levels that hold every cell."""
    folder = written[study, "bids"] / place
    whole = json.loads((folder / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion", "DatasetType", "GeneratedBy"} <= set(whole)
    assert whole["DatasetType"] == ("derivative" if place else "raw")
    assert (whole["License"], whole["Authors"]) == ("CC-BY-4.0", ["A. Author"])
    task = json.loads((folder / "task-tiny_beh.json").read_text())
    assert task["TaskName"] == "tiny"
    people = bids_table(folder / "participants.tsv").participant_id
    assert people.is_unique
    assert people.str.fullmatch(r"sub-[0-9a-zA-Z]+").all()
    answered = list(folder.glob("sub-*/beh/*.tsv"))
    assert answered
    assert {path.parents[1].name for path in answered} <= set(people)
    for path in [*folder.glob("*.tsv"), *folder.glob("[ps]*/*.tsv"), *answered]:
        of_task = path.name.endswith("_beh.tsv")
        described = task if of_task else json.loads(path.with_suffix(".json").read_text())
        if of_task:
            assert path.name == f"{path.parents[1].name}_task-tiny_beh.tsv"
        table = pd.read_csv(path, sep="\t", dtype=str, na_values=["n/a"], keep_default_na=False)
        for column, found in table.items():
            assert described[column]["Description"], (path, column)
            levels = described[column].get("Levels")
            assert levels is None or set(found.dropna()) <= set(levels), (path, column)


@pytest.mark.skipif(VALIDATOR is None, reason="bids-validator-deno (PyPI) is not installed")
@pytest.mark.parametrize("study", ["simulated", "imported"])
def test_the_validator_of_bids_finds_no_error(written, study):
    command = [str(VALIDATOR), str(written[study, "bids"]), "--recursive", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)
    parts = [said, *(said.get("derivativesSummary") or {}).values()]
    assert len(parts) == (1 if study == "simulated" else 2)
    found = [issue for part in parts for issue in part["issues"]["issues"]]
    assert [issue for issue in found if issue["severity"] == "error"] == []
    assert done.returncode == 0


def test_levels_of_a_column_say_what_they_mean(written):
    folder = written["simulated", "bids"]
    task = json.loads((folder / "task-tiny_beh.json").read_text())
    assert task["question"]["Levels"] == {
        "valence": "How negative or positive does this face look?",
        "feeling": "Which emotion does this face show?",
        "feeling-second": "Which is the second, if any?",
        "words": "What do you see?",
    }
    assert "valence: 1 to 9 (1 = very negative, 5 = neutral" in task["response"]["Description"]
    assert task["check"]["Levels"] == {"press-two": "Please press 2."}
    assert task["rt_ms"]["Units"] == "ms"
    people = json.loads((folder / "participants.json").read_text())
    assert people["exclusion_reason"]["Levels"] == {
        "said-random": "answer (question: random, of: ['yes'])",
        "attention": "attention (more_than: 0)",
        "withdrawn": "withdrew",
        "not-completed": "did not finish",
    }
    asked = json.loads((folder / "phenotype/questionnaire.json").read_text())
    assert asked["sure"]["Levels"] == {"unsure": "unsure", "middling": "middling", "sure": "sure"}
    assert "1 = unsure, 2 = middling" in asked["sure_response"]["Description"]


def test_the_protocol_goes_along_without_codes_of_the_platform(simulated, written):
    for kind, place in zip(FORMATS, ("materials", "code"), strict=True):
        path = written["simulated", kind] / place / "protocol.yaml"
        assert "SECRET1" not in path.read_text()
        assert "another-study" not in path.read_text()
        ours, theirs = simulated.protocol(), load(path)
        same = ("stimuli", "tasks", "design", "pages", "exclusions", "analysis", "seed")
        assert all(getattr(ours, part) == getattr(theirs, part) for part in same)


def test_what_was_typed_and_what_is_unknown_is_told(imported, tmp_path):
    (study := Study(tmp_path / "copy")).folder.mkdir()
    study.protocol_file.write_text(imported.protocol_file.read_text())
    table = raw(imported.ratings_file).assign(prolific="60a1b2")
    table.to_csv(study.ratings_file, index=False)
    study.participants_file.write_text(imported.participants_file.read_text())
    said = write_dataset(study, tmp_path / "out")
    assert said[0] == f"{tmp_path / 'out'}: 2 participants, 4 responses"
    assert "columns that mien does not know are left out: prolific" in said
    assert any(
        line.startswith("caution: 2 answers are in participants' own words") for line in said
    )
    assert "no licence: others do not know what they may do with it; see --licence" in said
    assert "prolific" not in (tmp_path / "out/data").joinpath(
        "study-tiny_description-responses_data.csv").read_text()  # fmt: skip


def test_wrong_input_ends_in_one_line_and_leaves_nothing(simulated, tmp_path):
    def refused(study: Study, folder: Path, words: str, kind: str = "bids") -> None:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UserError, match=words) as error:
            write_dataset(study, folder, kind)
        assert len(str(error.value).splitlines()) == 1
        assert sorted(tmp_path.rglob("*")) == before

    out = tmp_path / "out"
    refused(simulated, out, "--format: found 'psychds'; accepted: psych-ds, bids", "psychds")
    refused(Study(tmp_path / "nothing"), out, "not a study")
    empty = make_study(tmp_path / "empty", TEXT, pictures=False)
    refused(empty, out, "there is no such table yet; collect ratings, then run mien study export")
    for table in (simulated.ratings_file, simulated.participants_file):
        header = table.read_text().splitlines(keepends=True)[0]
        (empty.folder / table.name).write_text(header)
    refused(empty, out, "nobody has answered yet")
    empty.ratings_file.write_text(simulated.ratings_file.read_text())
    refused(empty, out, r"ratings.csv:2: participant \w+ is not in participants.csv; run mien")
    refused(simulated, simulated.folder, "is there already; choose a new folder")
    refused(simulated, simulated.ratings_file, "is there already; choose a new folder")


def test_a_stimulus_that_has_changed_is_not_passed_on(tmp_path):
    study = make_study(tmp_path / "tiny", TEXT)
    bound = protect(study, "actor1")
    simulate(study, 2, seed=1)
    files = sorted(study.stimuli.glob("stim-actor1*.png"))
    assert len(files) == bound
    for path in files:  # may be missing: they are not passed on
        path.unlink()
    write_dataset(study, tmp_path / "first", "bids")
    next(study.stimuli.glob("stim-actor0*.png")).write_bytes(b"another picture")
    with pytest.raises(UserError, match="has changed since it was made"):
        write_dataset(study, tmp_path / "second", "bids")
    assert not (tmp_path / "second").exists()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_studies_with_nothing_but_an_import_have_no_stimuli(tmp_path):
    study = Study(tmp_path / "votes")
    study.freeze(load(Path(__file__).parents[1] / "protocols/crema-d-votes.yaml"))
    votes = tmp_path / "v.csv"
    votes.write_text('"",A,D,F,H,N,S,fileName\n200002,0,0,0,2,1,0,1001_IEO_HAP_LO\n')
    import_ratings(study, votes, "import", load_mapping("crema-d-votes"))
    export(study)
    for kind in FORMATS:
        said = write_dataset(study, tmp_path / kind, kind)
        assert said[0] == f"{tmp_path / kind}: 0 participants, 3 responses"
        assert "nobody knows who they are" in (tmp_path / kind / "README.md").read_text()
    (path,) = (tmp_path / "psych-ds").glob("data/*responses_data.csv")
    theirs = raw(path)
    assert theirs.participant.tolist() == ["unknown"] * 3
    assert theirs.label.tolist() == ["Happy", "Happy", "Neutral"]
    (path,) = (tmp_path / "bids").glob("sub-unknown/beh/*.tsv")
    assert bids_table(path).label.tolist() == ["Happy", "Happy", "Neutral"]

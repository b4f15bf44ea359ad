"""Ratings from elsewhere: understood whole, copied unchanged, merged with all else."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from analysis.choices.votes import plurality, votes_of
from analysis.sample.exclude import read_sample
from experiments.errors import StudyError
from experiments.export import export
from experiments.importing import import_ratings
from experiments.mapping import SHIPPED, Mapping, load_mapping
from experiments.simulate import simulate
from protocols.errors import UserError
from protocols.ratings import read_participants, read_ratings
from protocols.reading import load
from protocols.study import Study
from tests.small_study import TINY, make_study

ROOT = Path(__file__).parents[1]
CREMA = ROOT.parent / "shared" / "data" / "crema-d"
needs_crema = pytest.mark.skipif(not CREMA.is_dir(), reason="the votes of CREMA-D are not here")
LONG = """rater,picture,answer,ms
ann,actor0xangryx0,3,900
ann,actor1xhappyx1,8,1200
bob,actor0xangryx0,4,800.5
bob,actor1xhappyx1,,700
"""
MAPPED = {
    "columns": {"participant": "rater", "stimulus_id": "picture", "response": "answer",
                "rt_ms": "ms"},
    "constants": {"question": "valence"},
}  # fmt: skip


@pytest.fixture
def study(tmp_path) -> Study:
    """The tiny study with stimuli (identities, levels) and no data."""
    return make_study(tmp_path / "tiny", TINY)


def bring(study: Study, text: str | bytes, mapping: dict, source="import", name="theirs.csv"):
    path = study.folder.parent / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    said = import_ratings(study, path, source, Mapping.model_validate(mapping))
    export(study)
    return said, read_ratings(study.ratings_file)


def test_a_mapped_table_becomes_ratings(study):
    said, ratings = bring(study, LONG, MAPPED)
    assert said == "theirs.csv: 4 answers about 2 stimuli, participants: ann, bob"
    rows = ratings[["participant", "trial", "stimulus_id", "identity", "emotion", "m", "question",
                    "response", "label", "rt_ms", "kind", "source"]]  # fmt: skip
    assert rows.astype(object).where(rows.notna(), None).values.tolist() == [
        ["ann", 1, "actor0xangryx0", "actor0", "angry", 0, "valence", 3, None, 900, "rating",
         "import"],
        ["ann", 2, "actor1xhappyx1", "actor1", "happy", 1, "valence", 8, None, 1200, "rating",
         "import"],
        ["bob", 1, "actor0xangryx0", "actor0", "angry", 0, "valence", 4, None, 800.5, "rating",
         "import"],
        ["bob", 2, "actor1xhappyx1", "actor1", "happy", 1, "valence", None, None, 700, "rating",
         "import"],
    ]  # fmt: skip
    people = read_participants(study.participants_file)
    assert people.participant.tolist() == ["ann", "bob"]
    assert people.slot.isna().all()


@pytest.mark.parametrize("source", ["simulation", "model"])
def test_who_is_no_person_does_not_become_one_without_a_word(study, source):
    head, *rows = LONG.splitlines()
    told = "\n".join([f"{head},source", *(f"{row},{source}" for row in rows)]) + "\n"
    with pytest.raises(StudyError, match=rf"theirs\.csv:2: source: found '{source}' \({len(rows)}"):
        bring(study, told, MAPPED)
    assert not (study.data / "imports").exists()


def test_the_file_is_copied_unchanged_and_imported_once(study):
    bring(study, LONG, MAPPED)
    (copy,) = (study.data / "imports").glob("*.csv")
    assert copy.read_text() == LONG
    record = json.loads(copy.with_suffix(".json").read_text())
    assert (record["file"], record["answers"], record["participants"]) == ("theirs.csv", 4, 2)
    before = study.ratings_file.read_bytes()
    said, _ = bring(study, LONG, MAPPED)
    assert said == "theirs.csv: imported already (01-theirs.csv); nothing to do"
    assert study.ratings_file.read_bytes() == before
    with pytest.raises(StudyError, match="imported already, with another source or mapping"):
        bring(study, LONG, MAPPED | {"rescale": {"valence": [0, 10]}})
    assert len(list((study.data / "imports").iterdir())) == 2
    copy.write_text(LONG.replace("ann", "eve"))
    with pytest.raises(StudyError, match="has changed since it was imported"):
        export(study)


def test_raters_of_two_files_are_the_same_people_and_their_trials_go_on(study):
    bring(study, LONG, MAPPED)
    second = "rater,picture,answer\nann,actor2xhappyx0,5\n"
    mapping = MAPPED | {"columns": dict(list(MAPPED["columns"].items())[:3])}
    _, ratings = bring(study, second, mapping, name="more.csv")
    assert ratings[ratings.participant == "ann"].trial.tolist() == [1, 2, 3]
    assert read_participants(study.participants_file).participant.tolist() == ["ann", "bob"]


def test_imports_simulation_and_models_stand_in_the_same_tables(study):
    simulate(study, 4, seed=1)
    alone = read_ratings(study.ratings_file)
    wide = "stimulus_id,valence\nactor0xangryx0,-0.75\nactor1xhappyx1,1\n"
    bring(study, wide, {"rescale": {"valence": [-1, 1]}}, "model", "net.csv")
    _, ratings = bring(study, LONG, MAPPED)
    assert ratings.source.value_counts().to_dict() == {
        "simulation": len(alone), "model": 2, "import": 4}  # fmt: skip
    pd.testing.assert_frame_equal(ratings[: len(alone)], alone, check_dtype=False)
    model = ratings[ratings.source == "model"]
    assert model.participant.unique().tolist() == ["net"]
    assert model.response.tolist() == [2.0, 9.0]  # 1 + 8 * (x + 1) / 2
    sample = read_sample(study, study.protocol())
    assert set(sample.ratings.participant) == {"ann", "bob"}
    assert len(sample.model_ratings) == 2
    assert sample.disagreements == ()


def test_exclusion_rules_apply_to_imported_people_not_to_models(tmp_path):
    rule = "  - {id: same, rule: same-answer, task: valence, more_than: 0.8}\n"
    study = make_study(tmp_path / "rules", TINY.replace("exclusions:\n", f"exclusions:\n{rule}"))
    text = LONG.replace("ann,actor1xhappyx1,8", "ann,actor1xhappyx1,3")
    bring(study, text, MAPPED)
    bring(study, "stimulus_id,valence\nactor0xangryx0,5\nactor1xhappyx1,5\n", {}, "model", "m.csv")
    people = read_participants(study.participants_file).set_index("participant")
    assert people.exclusion_reason["ann"] == "same"
    assert people.valid.to_dict() == {"ann": False, "bob": True, "m": True}
    sample = read_sample(study, study.protocol())
    assert sample.disagreements == ()
    assert set(sample.ratings.participant) == {"bob"}


def test_a_wide_table_of_choices_holds_words_or_places(study):
    text = "stimulus_id,felt\nactor0xangryx0,angry\nactor1xhappyx1,Happy\n"
    _, ratings = bring(study, text, {"layout": "wide", "tasks": {"feeling": "felt"}}, "model")
    assert ratings.response.tolist() == [1, 2]
    assert ratings.label.tolist() == ["Angry", "Happy"]


VOTES = {
    "layout": "votes",
    "constants": {"question": "feeling"},
    "options": {"A": "Angry", "H": "Happy"},
}


def test_votes_become_as_many_answers(study):
    text = "stimulus_id,A,H\nactor0xangryx0,3,0\nactor1xhappyx1,1,2\n"
    said, ratings = bring(study, text, VOTES)
    assert said.endswith("6 answers about 2 stimuli, participants: unknown")
    counts = ratings.groupby(["stimulus_id", "label"]).size().to_dict()
    assert counts == {("actor0xangryx0", "Angry"): 3, ("actor1xhappyx1", "Angry"): 1,
                      ("actor1xhappyx1", "Happy"): 2}  # fmt: skip
    assert ratings.trial.tolist() == [1, 2, 3, 4, 5, 6]
    assert ratings.participant.unique().tolist() == ["unknown"]


BAD = {
    "no participant": (LONG.replace("rater", "who"), {"columns": {"stimulus_id": "picture",
                       "response": "answer"}}, "constants: {participant: unknown}"),
    "empty participant": (LONG.replace("bob,actor0", ",actor0"), MAPPED, "theirs.csv:4: particip"),
    "unknown stimulus": (LONG.replace("bob,actor0xangryx0", "bob,actor0xangryx9"), MAPPED,
                         "theirs.csv:4: stimulus_id: 'actor0xangryx9' is not in stimuli.tsv; did"),
    "off its scale": (LONG.replace(",8,", ",10,"), MAPPED,
                      "theirs.csv:3: valence: found 10; accepted: 1 to 9, or nothing"),
    "text": (LONG.replace(",8,", ",happy,"), MAPPED, "theirs.csv:3: valence: response: found 'ha"),
    "time in words": (LONG.replace("1200", "slow"), MAPPED, "theirs.csv:3: rt_ms: found 'slow'"),
    "no such task": (LONG, MAPPED | {"constants": {"question": "valenz"}},
                     "theirs.csv:2: question: found 'valenz', no task of the protocol; accepted"),
    "no task": (LONG, {"columns": MAPPED["columns"]}, "which task do the answers belong to?"),
    "no such column": (LONG, MAPPED | {"columns": {"participant": "ratr"}}, "did you mean 'rater'"),
    "not ours": (LONG, MAPPED | {"columns": {"particpant": "rater"}}, "did you mean 'participant'"),
    "level": (LONG.replace("rater", "emotion,rater").replace("ann", "sad,ann").replace(
              "bob", "angry,bob"), MAPPED, "theirs.csv:2: emotion: found 'sad'; accepted: angry"),
    "pattern": (LONG, MAPPED | {"patterns": {"picture": r"(?P<identity>actor\d)x\w+x1"}},
                "theirs.csv:2: 'picture': found 'actor0xangryx0'; the mapping expects"),
    "trial twice": (LONG.replace("ms\n", "trial\n").replace(",900", ",1").replace("1200", "1")
                    .replace("800.5", "2"),
                    {"columns": {k: v for k, v in MAPPED["columns"].items() if k != "rt_ms"},
                     "constants": {"question": "valence"}},
                    "theirs.csv:3: participant ann, trial 1, answers 'valence' twice"),
    "no rows": ("rater,picture,answer,ms\n", MAPPED, "no rows; there is nothing to import"),
    "other encoding": (LONG.replace("ann", "Änne").encode("latin-1"), MAPPED, "not UTF-8"),
    "counts that are none": ("stimulus_id,A,H\nactor0xangryx0,1.5,2\n", VOTES,
                             "theirs.csv:2: A: found '1.5'; accepted: a count of votes"),
    "a forged count": ("stimulus_id,A,H\nactor0xangryx0,99999999999,2\n", VOTES, "a count of"),
    "many forged counts": ("stimulus_id,A,H\nactor0xangryx0,19999999,2\n"
                           "actor1xhappyx1,19999999,1\n", VOTES,
                           "40,000,001 votes; accepted: up to"),
    "no such option": ("stimulus_id,A,H\nactor0xangryx0,1,2\n",
                       VOTES | {"options": {"A": "Anger"}}, "did you mean 'Angry'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_understood_is_named_and_nothing_is_written(study, case):
    text, mapping, says = BAD[case]
    with pytest.raises(UserError) as error:
        bring(study, text, mapping)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not study.data.exists() or not list(study.data.rglob("*"))
    assert not study.ratings_file.exists()


def test_other_encodings_and_separators_can_be_said(study):
    text = LONG.replace("ann", "Änne").replace(",", ";").replace(";;", ";-99;").encode("latin-1")
    mapping = MAPPED | {"encoding": "latin-1", "separator": ";", "missing": ["-99"]}
    _, ratings = bring(study, text, mapping)
    assert ratings.participant.tolist() == ["Änne", "Änne", "bob", "bob"]
    assert ratings.response.isna().tolist() == [False, False, False, True]


def test_tables_that_mien_did_not_make_are_not_overwritten(study):
    study.ratings_file.write_text("mine\n")
    with pytest.raises(StudyError, match=r"ratings\.csv: is there, but not made from data"):
        bring(study, LONG, MAPPED)
    assert study.ratings_file.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colums: {participant: rater}\n", "unknown key 'colums'"),
        ("layout: tall\n", "accepted: ratings, wide or votes"),
        ("patterns: {a: '(x'}\n", "not a regular expression"),
        ("patterns: {a: 'x'}\n", "needs a named group"),
        ("options: {A: Angry}\n", "options belongs to layout: votes"),
        ("rescale: {valence: [1, -1]}\n", "accepted: the lower end first"),
        ("rows: {a: full}\n", "rows.a: found 'full'; accepted: filled, or a list of words"),
        ("layout: wide\ntasks: {v: {anser: x}}\n", "did you mean 'answer'"),
        ("times: sec\n", "found 'sec'; accepted: ms or s"),
    ],
)
def test_a_mapping_is_strict(tmp_path, text, says):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        load_mapping(tmp_path / "map.yaml")
    assert says in str(error.value)
    with pytest.raises(StudyError, match="did you mean 'crema-d-votes'"):
        load_mapping("crema-votes")


def test_every_shipped_mapping_has_its_protocol():
    for path in SHIPPED.glob("*.yaml"):
        mapping = load_mapping(path.stem)
        protocol = load(ROOT / "protocols" / f"{path.stem}.yaml")
        options = protocol.questions[str(mapping.constants["question"])].options
        assert tuple(mapping.options.values()) == options
        for name, levels in protocol.stimuli.factors.items():
            assert set(mapping.values[name].values()) == set(levels)


@needs_crema
def test_the_votes_of_crema_d_are_those_of_its_own_table(tmp_path):
    """Recognition 40.00, 57.44 and 63.07 %; plurality labels, ties too, as in emoVote: all rows."""
    study = Study(tmp_path / "crema-d")
    study.freeze(load(ROOT / "protocols" / "crema-d-votes.yaml"))
    import_ratings(study, CREMA / "tabulatedVotes.csv", "import", load_mapping("crema-d-votes"))
    export(study)
    protocol = study.protocol()
    sample = read_sample(study, protocol)
    own = pd.read_csv(CREMA / "tabulatedVotes.csv", dtype={0: str}, keep_default_na=False)
    assert len(sample.ratings) == own.numResponses.sum() == 212_000
    assert [f.code for f in sample.checks.findings] == []
    said = dict(zip(protocol.stimuli.factors["emotion"],
                    protocol.questions["emotion-seen"].options, strict=True))  # fmt: skip
    right = sample.ratings.label == sample.ratings.emotion.map(said)
    percent = 100 * right.groupby(sample.ratings.modality).mean()
    assert percent.round(2).to_dict() == {"audio": 40.00, "visual": 57.44, "audio-visual": 63.07}
    votes = votes_of(sample, protocol, "emotion-seen")
    letters = {option: option[0] for option in said.values()}
    labels = plurality(votes, list(said.values())).labels
    ours = dict(zip(votes.stimulus_id, [":".join(letters[o] for o in own) for own in labels],
                    strict=True))  # fmt: skip
    modality = own.iloc[:, 0].str[0].map({"1": "audio", "2": "visual", "3": "audio-visual"})
    theirs = dict(zip(own.fileName + "-" + modality, own.emoVote, strict=True))
    assert len(theirs) == 22_326
    assert ours == theirs


def test_the_stores_are_only_read(study):
    simulate(study, 3, seed=2)
    (store,) = study.data.glob("*.sqlite")
    with sqlite3.connect(store) as db:
        before = list(db.iterdump())
    bring(study, LONG, MAPPED)
    with sqlite3.connect(store) as db:
        assert list(db.iterdump()) == before

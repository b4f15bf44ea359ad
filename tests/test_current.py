"""Report and data set are of the sessions as they stand now, while a server runs too."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from experiments.current import bring_up_to_date
from experiments.errors import StudyError
from experiments.export import export
from experiments.importing import import_ratings
from experiments.mapping import Mapping
from mien import app
from protocols.ratings import read_ratings
from tests.small_study import make_study
from tests.test_import import LONG, MAPPED
from tests.test_server import Browser, built


def answered(study):
    return set(read_ratings(study.ratings_file).participant)


def test_a_data_set_has_who_answered_since_the_last_export(tmp_path):
    study = built(make_study(tmp_path / "study"))
    browser = Browser(study)
    browser.finish(browser.start().json()["token"])
    export(study)
    assert len(answered(study)) == 1
    browser.finish(browser.start().json()["token"])
    verb = ["study", "dataset", str(study.folder), "-o", str(tmp_path / "set")]
    done = CliRunner().invoke(app, verb)
    browser.close()
    assert done.exit_code == 0, done.output
    assert "2 participants" in done.stdout
    assert len(answered(study)) == 2


def test_tables_whose_sessions_are_gone_stay_and_are_named(tmp_path):
    study = built(make_study(tmp_path / "study"))
    browser = Browser(study)
    browser.finish(browser.start().json()["token"])
    browser.close()
    assert bring_up_to_date(study) == []
    before = study.ratings_file.read_bytes()
    study.data.rename(tmp_path / "tried-out")
    (line,) = bring_up_to_date(study)
    assert "has answers from web, but" in line
    Browser(study).close()  # a new server, where nobody has begun yet
    assert bring_up_to_date(study) == [line]
    assert study.ratings_file.read_bytes() == before


def test_while_the_database_is_away_the_tables_stay_and_the_line_says_so(tmp_path):
    pytest.importorskip("psycopg")
    study = built(make_study(tmp_path / "study"))
    browser = Browser(study)
    browser.finish(browser.start().json()["token"])
    browser.close()
    export(study)
    before = study.ratings_file.read_bytes()
    (study.data / "web.sqlite").rename(tmp_path / "moved.sqlite")
    nowhere = {"url": "postgresql://mien@127.0.0.1:1/none", "schema": "mien_study_web"}
    (study.data / "web.postgresql.json").write_text(json.dumps(nowhere))
    why, kept = bring_up_to_date(study)
    assert "127.0.0.1:1/none (schema mien_study_web): cannot be used as a store" in why
    assert kept == f"{study.ratings_file}: stays as it was last written"
    assert study.ratings_file.read_bytes() == before
    study.ratings_file.unlink()
    with pytest.raises(StudyError, match="cannot be used as a store"):
        bring_up_to_date(study)


def test_imported_tables_stay_as_they_are(tmp_path):
    study = built(make_study(tmp_path / "study"))
    (tmp_path / "theirs.csv").write_text(LONG)
    import_ratings(study, tmp_path / "theirs.csv", "import", Mapping.model_validate(MAPPED))
    export(study)
    before = study.ratings_file.read_bytes()
    Browser(study).close()
    assert bring_up_to_date(study) == []
    assert study.ratings_file.read_bytes() == before
    assert answered(study) == {"ann", "bob"}

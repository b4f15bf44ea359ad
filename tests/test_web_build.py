"""What is built: pinned jsPsych with its licences, safe pages, no conditions, no remote address."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from experiments import npm
from experiments.build import build_web
from experiments.errors import StudyError
from experiments.markdown import to_html
from experiments.words import ENGLISH, GERMAN
from protocols.manifest import hash_file, read_manifest
from tests.small_study import TINY, make_study

HARMFUL = """# Title

<script>alert(1)</script> <img src="https://elsewhere.example/x.png" onerror="alert(2)">
<b style="color:red" onclick="alert(3)">bold</b> [link](javascript:alert(4)) [good](https://a.example)

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    text = TINY.replace("pages:", "pages:\n  familiarisation: {factor: emotion}")
    study = make_study(tmp_path_factory.mktemp("build") / "study", text)
    build_web(study)
    return study


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def own_files(study):
    return [study.web / "index.html", *(study.web / "static").iterdir()]


def test_the_lock_file_pins_hashes_and_holds_no_address():
    text = (npm.WEB / "package-lock.json").read_text()
    assert "://" not in text
    assert "resolved" not in text
    assert all(package.integrity.startswith("sha512-") for package in npm.packages(dev=True))


def test_the_installed_scripts_are_what_the_lock_file_pins():
    """npm checks the archives; here the versions that came out of them."""
    modules = npm.installed()
    for package in npm.packages():
        facts = json.loads((modules / package.name / "package.json").read_text())
        assert facts["version"] == package.version
        assert facts["license"] == package.licence
        assert len(base64.b64decode(package.integrity.removeprefix("sha512-"))) == 64


def test_jspsych_comes_unchanged_with_its_licences_and_a_manifest_of_hashes(study):
    folder = study.web / "jspsych"
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, sha512 in manifest["files"].items():
        assert hashlib.sha512((folder / name).read_bytes()).hexdigest() == sha512
        assert (folder / name).read_bytes() == (npm.installed() / npm.SCRIPTS[name]).read_bytes()
    assert {package["licence"] for package in manifest["packages"]} == {"MIT"}
    licence = (folder / "LICENSE").read_text()
    assert licence.count("Permission is hereby granted") == len(manifest["packages"])
    assert all(f"{p['name']} {p['version']} (MIT)" in licence for p in manifest["packages"])


def test_nothing_is_loaded_from_elsewhere_and_no_script_or_style_is_inline(study):
    page = (study.web / "index.html").read_text()
    for tag, attributes in Tags(page).found:
        for name in ("src", "href"):
            assert not re.match(r"(?i)\w+:|//", attributes.get(name) or ""), (tag, attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag == "script":
            assert "src" in attributes or attributes["type"] == "application/json"
        assert tag not in ("style", "iframe", "object", "embed", "base", "form")
    for script in (study.web / "static").glob("*.js"):
        assert "://" not in script.read_text(), script
        assert "innerHTML" not in script.read_text(), script
    assert "url(" not in (study.web / "static" / "style.css").read_text()


def test_neither_conditions_nor_identities_nor_the_title_are_in_what_is_built(study):
    for file in own_files(study):
        text = file.read_text()
        for secret in ("actor0", "practice0", "example0", "emotion:", "A tiny study", "tiny",
                       '"happy"', '"angry"', "seed"):  # fmt: skip
            assert secret not in text, (file.name, secret)


def test_media_have_opaque_names_and_the_bytes_of_the_stimuli(study):
    manifest = read_manifest(study.stimuli)
    names = {path.name for path in (study.web / "media").iterdir()}
    assert names == {f"{sha[:20]}.png" for sha in manifest.sha256}
    for path in (study.web / "media").iterdir():
        assert hash_file(path).startswith(path.stem)


def test_building_again_drops_media_that_are_no_longer_shown(study):
    stray = study.web / "media" / "old.png"
    stray.write_bytes(b"x")
    build_web(study)
    assert not stray.exists()


def test_markdown_is_kept_and_harm_is_not():
    html = to_html(HARMFUL)
    for kept in ("<h1>Title</h1>", "<td>1</td>", '<a href="https://a.example" target="_blank"'):
        assert kept in html, kept
    for tag, attributes in Tags(html).found:
        assert tag not in ("script", "img", "style"), tag
        assert set(attributes) <= {"href", "target", "rel"}, attributes
        assert attributes.get("href", "https:").startswith("https:")
    assert "<b>bold</b>" in html


def test_texts_of_the_protocol_are_escaped(tmp_path):
    text = TINY.replace("At random?", "'<script>alert(1)</script>?'")
    page = (build_web(make_study(tmp_path / "s", text)) / "index.html").read_text()
    assert "<script>alert" not in page
    assert r"\u003cscript\u003ealert(1)" in page


def test_a_template_of_the_study_takes_the_place_of_miens(tmp_path):
    study = make_study(tmp_path / "s")
    (study.folder / "templates").mkdir()
    (study.folder / "templates" / "goodbye.html").write_text("<h1>Tschüs {{ language }}</h1>")
    assert "<h1>Tschüs en</h1>" in (build_web(study) / "index.html").read_text()


def test_a_broken_template_is_one_clear_line(tmp_path):
    study = make_study(tmp_path / "s")
    (study.folder / "templates").mkdir()
    (study.folder / "templates" / "goodbye.html").write_text("{{ nobody_knows }}")
    with pytest.raises(StudyError, match="templates: 'nobody_knows' is undefined"):
        build_web(study)


def test_german_pages_have_every_english_text_and_the_same_gaps(tmp_path):
    assert GERMAN.keys() == ENGLISH.keys()
    for name, words in ENGLISH.items():
        assert re.findall(r"\{\w+\}", GERMAN[name]) == re.findall(r"\{\w+\}", words), name
    text = TINY.replace("pages:", "pages:\n  language: de")
    page = (build_web(make_study(tmp_path / "s", text)) / "index.html").read_text()
    assert '<html lang="de">' in page
    assert "Ich möchte nicht teilnehmen" in page
    assert "I do not wish" not in page


def test_the_completion_code_is_not_in_what_is_built(tmp_path):
    codes = "{per_list: 3, platform: prolific, codes: {completed: SECRET, no_consent: N0}}"
    study = make_study(tmp_path / "s", TINY.replace("{per_list: 3}", codes))
    page = (build_web(study) / "index.html").read_text()
    assert "SECRET" not in page
    assert '"no_consent": "N0"' in page


def test_prolific_without_a_completion_code_is_warned_of(tmp_path):
    text = TINY.replace("{per_list: 3}", "{per_list: 3, platform: prolific}")
    said = []
    assert build_web(make_study(tmp_path / "s", text), said.append).is_dir()
    assert len(said) == 1
    assert "warning: recruitment.codes.completed is missing" in said[0]
    coded = text.replace("prolific}", "prolific, codes: {completed: C1}}")
    build_web(make_study(tmp_path / "coded", coded), said.append)
    assert len(said) == 1


def test_what_is_missing_is_named_with_the_command_that_makes_it(tmp_path):
    study = make_study(tmp_path / "s", pictures=False)
    with pytest.raises(StudyError, match="no stimuli yet; run mien generate"):
        build_web(study)
    (study.plan / "trials.csv").unlink()
    with pytest.raises(StudyError, match="no plan yet; run mien plan"):
        build_web(study)


def test_a_planned_stimulus_that_was_not_made_is_named(tmp_path):
    study = make_study(tmp_path / "s")
    plan = study.plan / "trials.csv"
    plan.write_text(plan.read_text().replace("actor1xhappyx0", "actor1xhappyx7"))
    with pytest.raises(StudyError, match="shows 'actor1xhappyx7', which is not in"):
        build_web(study)


def test_the_smallest_window_holds_the_largest_stimulus(tmp_path):
    study = make_study(tmp_path / "s", TINY.replace("size: 128", "size: 900"))
    page = (build_web(study) / "index.html").read_text()
    screen = json.loads(re.search(r'"screen": (\{.*?\})', page).group(1))
    assert screen["width"] >= 900
    assert screen["height"] >= 900

"""A corpus that a researcher added under a name of their own, in protocols."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protocols.checking import check_file
from protocols.errors import UserError
from protocols.licences import caution, licence_words
from protocols.reading import ProtocolError, dump, load
from protocols.study import Study
from stimuli.corpora import identities_of
from stimuli.corpora.crema_d import CREMA_D
from stimuli.corpora.folder import folder_adapter, load_folder_mapping
from stimuli.corpora.prepare import add_corpus
from stimuli.stimulus import plan_stimuli
from tests import corpus_trees as trees

LINDT = (Path(__file__).parents[1] / "protocols" / "lindt2019-valence-arousal.yaml").read_text()
LETTER = "letter of our ethics board of 2026-01-02"


def add_faces(
    root: Path, home: Path, name: str, shown: str = "false", permission: str = ""
) -> Path:
    """Eight photographs of people aged 20 to 27, added into corpora/NAME below `home`."""
    for i in range(8):
        gender = "female" if i % 2 else "male"
        trees.put(root, f"{name}/p{i}-{gender}-{20 + i}.png", trees.picture("PNG", (64, 64), 90))
    words = (
        f"name: {name}\nlicence: lab only\nmay_be_shown: {shown}\nterms: see consent forms\n"
        "pattern: '(?P<actor>p\\d)-(?P<gender>\\w+)-(?P<age>\\d+)'\nconstants: {emotion: neutral}\n"
    )
    adapter = folder_adapter(load_folder_mapping(trees.put(root, f"{name}.yaml", words)))
    return add_corpus(
        adapter, root / name, home / "corpora" / name, permission=permission
    ).folder  # fmt: skip


def protocol_of(home: Path, corpus: str, people: str = "[p1, p4]", other: str = "") -> Path:
    file = home / "study.yaml"
    text = LINDT.replace("corpus: actors", f"corpus: {corpus}")
    start = text.index("  identities:")
    end = text.index("\n", start)
    file.write_text(f"{text[:start]}  identities: {people}{text[end:]}{other}")
    return file


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_study_shows_the_people_of_an_own_corpus_beside_the_protocol(home, tmp_path):
    add_faces(tmp_path / "src", home, "myfaces")
    protocol = load(protocol_of(home, "myfaces"))
    people = identities_of(protocol)
    assert [p.id for p in people] == ["p1", "p4", "p0", "p2", "p3", "p5", "p6", "p7"]
    assert [(p.gender, p.age) for p in people[:2]] == [("female", 21), ("male", 24)]
    assert {s.identity for s in plan_stimuli(protocol, people) if s.role == "main"} == {
        "p1", "p4",
    }  # fmt: skip
    with pytest.raises(UserError, match="the corpus myfaces has no 'p9'; accepted: p0 to p7"):
        identities_of(load(protocol_of(home, "myfaces", "[p9]")))


def test_one_in_the_working_folder_is_found_and_the_one_beside_the_protocol_comes_first(
    home, tmp_path
):
    here = add_faces(tmp_path / "src", Path.cwd(), "myfaces")
    protocol = load(protocol_of(home, "myfaces"))
    assert protocol.stimuli.corpus_folder is not None
    assert protocol.stimuli.corpus_folder.resolve() == here.resolve()
    beside = add_faces(tmp_path / "src", home, "myfaces")
    assert protocol.stimuli.corpus_folder == beside.resolve()


def test_the_licence_of_an_own_corpus_and_the_permission_are_told(home, tmp_path):
    folder = add_faces(tmp_path / "src", home, "myfaces")
    file = protocol_of(home, "myfaces")
    assert "caution: myfaces may not be shown online without permission (lab only: see consent" in (
        check_file(file)
    )
    assert licence_words("myfaces", folder) == "lab only"
    add_faces(tmp_path / "src", home, "myfaces", permission=LETTER)
    recorded = f"your laboratory recorded in corpora/myfaces/corpus.json: {LETTER}"
    assert recorded in check_file(file)
    assert licence_words("myfaces", folder) == f"lab only; shown by permission: {LETTER}"
    add_faces(tmp_path / "src", home, "open", shown="true")
    assert caution(load(protocol_of(home, "open"))) is None


def test_an_unknown_corpus_gets_one_error_that_lists_what_is_there(home, tmp_path):
    add_faces(tmp_path / "src", home, "myfaces")
    add_faces(tmp_path / "src", Path.cwd(), "london")
    with pytest.raises(ProtocolError) as refused:
        load(protocol_of(home, "myface"))
    (line,) = str(refused.value).splitlines()
    assert "stimuli.corpus: found 'myface'; not a known corpus; accepted: actors, ravdess" in line
    assert "added in corpora/: london, myfaces; did you mean 'myfaces'?" in line
    assert "mien corpus add folder PATH --map FILE -o corpora/myface" in line
    (home / "corpora" / "myfaces" / "corpus.json").write_text("{")
    with pytest.raises(ProtocolError, match="corpus.json: damaged"):
        load(protocol_of(home, "myfaces"))


def test_generators_of_actors_and_of_another_layout_refuse_it(home, tmp_path):
    add_faces(tmp_path / "src", home, "myfaces")
    file = protocol_of(home, "myfaces")
    file.write_text(file.read_text().replace("generator: valence-arousal", "generator: actor"))
    with pytest.raises(
        ProtocolError, match="generator actor does not take myfaces; accepted: actors"
    ):
        load(file)
    trees.crema_d_tree(tmp_path / "crema")
    add_corpus(CREMA_D, tmp_path / "crema", home / "corpora" / "clips")
    with pytest.raises(ProtocolError, match="does not take clips, which is laid out as crema-d"):
        load(protocol_of(home, "clips"))


def test_a_study_can_be_opened_without_its_corpus_but_not_planned_anew(home, tmp_path):
    add_faces(tmp_path / "src", home, "myfaces")
    protocol, study = load(protocol_of(home, "myfaces")), Study(tmp_path / "study")
    study.freeze(protocol)
    shutil.rmtree(home)
    again = study.protocol()
    assert (again, dump(again)) == (protocol, dump(protocol))
    assert "myfaces is not at hand" in str(caution(again))
    with pytest.raises(UserError, match="'myfaces' is not at hand; not a known corpus"):
        identities_of(again)

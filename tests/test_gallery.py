"""The sheet of the whole cast: every cell in its place, drawn once."""

import numpy as np
from PIL import Image

from stimuli.actors import gallery
from stimuli.actors.cast import actor


def painted(person, weights, studio):
    """A flat picture that tells who it is and how strong the face is."""
    level = 60 + round(8 * float(np.abs(weights).sum()))
    return np.full((studio.size, studio.size, 3), (int(person.id), level, 7), np.uint8)


def test_a_row_for_each_actor_and_a_column_for_each_face(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "portrait", painted)
    gallery.main([str(tmp_path), "--actors", "02,31", "--size", "80", "--rows", "1"])
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "between.png", "cast.png", "neutral.png", "page-01.png", "page-02.png",
    ]  # fmt: skip
    page = np.asarray(Image.open(tmp_path / "page-02.png"))
    step = 80 + gallery.GAP
    row = page[gallery.HEAD + 40, gallery.MARGIN + 40 :: step][: len(gallery.CELLS)]
    assert (row[:, 0] == 31).all()
    neutral, *strengths = row[:, 1].astype(int) - 60
    assert neutral == 0
    assert all(0 < half < full for half, full in zip(strengths[::2], strengths[1::2], strict=True))


def test_only_what_changed_is_drawn_again(tmp_path, monkeypatch):
    drawn = []

    def counted(person, weights, studio):
        drawn.append(person.id)
        return painted(person, weights, studio)

    monkeypatch.setattr(gallery, "portrait", counted)
    people = [actor("02"), actor("31")]
    first = {a.id: paths for a, paths in gallery.pictures(people, tmp_path, 64)}
    assert len(drawn) == 2 * len(gallery.CELLS)
    again = {a.id: paths for a, paths in gallery.pictures(people, tmp_path, 64)}
    assert again == first
    assert len(drawn) == 2 * len(gallery.CELLS)
    monkeypatch.setattr(gallery, "VERSION", "another")
    list(gallery.pictures(people[:1], tmp_path, 64))
    assert drawn[2 * len(gallery.CELLS) :] == ["02"] * len(gallery.CELLS)


def test_the_contact_sheet_shows_full_strength_of_every_emotion(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "portrait", painted)
    monkeypatch.setattr(gallery, "ABREAST", 2)
    people = [actor(i) for i in ("02", "31", "44")]
    rows = [(a.id, paths) for a, paths in gallery.pictures(people, tmp_path, 64)]
    size, wide = gallery.FULL_SIZE, gallery.FULL_SIZE * len(gallery.FULL)
    sheet = np.asarray(gallery.contact_sheet(rows))
    assert sheet.shape == (gallery.HEAD + 2 * size, 2 * (gallery.MARGIN + wide), 3)
    middle = gallery.HEAD + size + size // 2
    third = sheet[middle, gallery.MARGIN + size // 2 :: size][: len(gallery.FULL)]
    assert (third[:, 0] == 44).all()
    strengths = [float(np.abs(gallery.facs.weights(e, m)).sum()) for e, m in gallery.FULL]
    assert third[:, 1].tolist() == [60 + round(8 * s) for s in strengths]


def test_the_sheet_between_angry_and_happy_has_neutral_in_the_middle(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "portrait", painted)
    people = [actor(i) for i in ("02", "31")]
    rows = [(a.id, paths) for a, paths in gallery.pictures(people, tmp_path, 64)]
    sheet = np.asarray(gallery.between(rows))
    step = 64 + 2 * gallery.GAP
    assert sheet.shape == (5 * step - 2 * gallery.GAP, 2 * step - 2 * gallery.GAP, 3)
    second = sheet[32::step, step + 32]
    assert (second[:, 0] == 31).all()
    anger, half_anger, neutral, half_joy, joy = second[:, 1].astype(int) - 60
    assert neutral == 0 < half_anger < anger
    assert 0 < half_joy < joy

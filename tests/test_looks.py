"""What a look promises of every picture: closed forms, measured in the pixels as written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.looks import Look, Match
from protocols.reading import ProtocolError, load
from stimuli.looks.light import as_pixels, coded, grey_levels, linear, with_grey_levels
from stimuli.looks.look import Control, LookError, dress, inverted, measure
from stimuli.looks.mask import window
from stimuli.looks.match import Target, shares, target_of
from stimuli.looks.scramble import block_scrambled, phase_scrambled
from stimuli.looks.spatial import filtered
from stimuli.media import Rendered

SIZE, WALL = 96, (128, 128, 128)
EYES = {"eye_left": [57.0, 46.5], "eye_right": [39.0, 46.5], "wall": list(WALL)}
EYE_PAIR = ((57.0, 46.5), (39.0, 46.5))
PROTOCOL = """\
name: looks
title: Looks
stimuli:
  generator: actor
  identities: 2
  factors: {emotion: [happy]}
  look: LOOK
tasks:
  - {id: valence, type: likert, question: How positive?}
"""


def person(seed: int, shade: float, contrast: float) -> Rendered:
    """A coloured head with rough skin before a plain wall."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    head = ((x - 48) / 30) ** 2 + ((y - 50) / 40) ** 2 <= 1
    rough = rng.standard_normal((SIZE, SIZE)) + np.sin(x / 4) + np.cos(y / 3)
    skin = shade + contrast * rough[..., None] * (1, 0.8, 0.6) + (20, 0, -15)
    return Rendered(np.where(head[..., None], as_pixels(skin), WALL).astype(np.uint8), EYES)


PEOPLE = [person(1, 90, 14), person(2, 130, 9), person(3, 165, 20)]


def look(**keys) -> Look:
    return Look.model_validate(keys)


def finish(wanted: Look, **levels) -> list[Rendered]:
    controls = [Control(**levels, seed=seed) for seed in range(len(PEOPLE))]
    pairs = list(zip(PEOPLE, controls, strict=True))
    match = wanted.match
    measures = [measure(drawn, wanted, control) for drawn, control in pairs]
    target = target_of(match, measures) if match.what != "none" else Target()
    return [dress(drawn, wanted, control, target) for drawn, control in pairs]


def inside(wanted: Look, drawn: Rendered) -> np.ndarray:
    return window(wanted.mask, drawn.pixels, EYE_PAIR, WALL).inside


@pytest.mark.parametrize("colour", ["grey", "colour"])
@pytest.mark.parametrize("scramble", ["none", "phase", "blocks"])
def test_pictures_reach_mean_and_contrast_in_the_pixels_as_written(colour, scramble):
    wanted = look(mask="oval", colour=colour, match={"what": "mean-sd", "mean": 120, "sd": 25})
    for drawn, made in zip(PEOPLE, finish(wanted, scramble=scramble), strict=True):
        # Measured anew: relative luminance by the formula of IEC 61966-2-1, written out here.
        srgb = made.pixels[inside(wanted, drawn)] / 255
        light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        y = light @ (0.2126, 0.7152, 0.0722)
        code = 255 * np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)
        assert abs(code.mean() - 120) < 0.5
        assert abs(code.std() - 25) < 0.5
        said = made.facts["luminance"]
        assert (said["mean"], said["sd"]) == pytest.approx((code.mean(), code.std()), abs=1e-3)


def test_the_target_of_a_set_is_the_average_and_does_not_depend_on_order():
    wanted = look(mask="oval", colour="grey", match="mean-sd")
    measures = [measure(drawn, wanted, Control()) for drawn in PEOPLE]
    target = target_of(wanted.match, measures)
    assert target.mean == pytest.approx(np.mean([m["mean"] for m in measures]))
    assert target.sd == pytest.approx(np.mean([m["sd"] for m in measures]))
    for match in ("mean", "mean-sd", "histogram"):
        parts = [measure(d, look(colour="grey", match=match), Control()) for d in PEOPLE]
        rule = Match.model_validate(match)
        assert target_of(rule, parts) == target_of(rule, parts[::-1])


def test_histograms_are_equal_to_the_last_pixel():
    wanted = look(mask="oval", colour="grey", match="histogram")
    made = finish(wanted)
    counts = [
        np.bincount(done.pixels[inside(wanted, drawn)][:, 0], minlength=256)
        for drawn, done in zip(PEOPLE, made, strict=True)
    ]
    assert (counts[0] == counts[1]).all()
    assert (counts[0] == counts[2]).all()
    before = [measure(drawn, wanted, Control()) for drawn in PEOPLE]
    levels = np.repeat(np.arange(256), counts[0])
    assert levels.mean() == pytest.approx(np.mean([m["mean"] for m in before]), abs=0.5)


def test_matching_one_picture_to_its_own_histogram_changes_nothing():
    wanted = look(colour="grey", match="histogram")
    target = target_of(wanted.match, [measure(PEOPLE[0], wanted, Control())])
    plain = dress(PEOPLE[0], look(colour="grey"), Control(), Target())
    assert (dress(PEOPLE[0], wanted, Control(), target).pixels == plain.pixels).all()


@given(st.lists(st.integers(0, 50), min_size=2, max_size=9).filter(sum), st.integers(1, 400))
def test_shares_deal_every_pixel_in_proportion(counts, pixels):
    dealt = shares(counts, pixels)
    assert dealt.sum() == pixels
    assert np.abs(dealt - np.array(counts) * pixels / sum(counts)).max() < 1


def test_a_contrast_that_black_and_white_forbid_is_said():
    wanted = look(mask="oval", colour="grey", match={"what": "mean-sd", "mean": 230, "sd": 60})
    reached = [done.facts["luminance"] for done in finish(wanted)]
    assert all(said["clipped"] > 0.05 for said in reached)
    # The largest SD of grey levels with mean 230: pixels that are black or white only.
    assert all(said["sd"] < np.sqrt(230 * 25) for said in reached)


def test_grey_is_of_equal_luminance_and_recolouring_keeps_chromaticity():
    picture = PEOPLE[1].pixels.astype(float)
    grey = grey_levels(picture)
    assert grey_levels(np.full((1, 1, 3), 77.0)) == pytest.approx(77)
    assert with_grey_levels(picture, grey) == pytest.approx(picture, abs=1e-6)
    for wanted in (grey * 0.6, np.clip(grey * 1.7, 0, 255)):
        made = with_grey_levels(picture, wanted)
        assert grey_levels(made) == pytest.approx(wanted, abs=1e-6)
        assert made.max() <= 255 + 1e-9
    light, darker = linear(picture), linear(with_grey_levels(picture, grey * 0.6))
    assert darker / darker.sum(-1, keepdims=True) == pytest.approx(
        light / light.sum(-1, keepdims=True)
    )
    assert coded(linear(np.arange(256.0))) == pytest.approx(np.arange(256))


@pytest.mark.parametrize("shape", [(96, 96, 3), (61, 80, 1)])  # even and odd sizes
def test_phase_scrambling_keeps_every_amplitude_and_the_mean(shape):
    picture = np.random.default_rng(4).uniform(0, 255, shape)
    made = phase_scrambled(picture, np.random.default_rng(5))
    before, after = (np.fft.fft2(p, axes=(0, 1)) for p in (picture, made))
    assert np.abs(after) == pytest.approx(np.abs(before), rel=1e-9, abs=1e-6)
    assert made.mean(axis=(0, 1)) == pytest.approx(picture.mean(axis=(0, 1)))
    assert np.abs(np.corrcoef(made[..., 0].ravel(), picture[..., 0].ravel())[0, 1]) < 0.1
    if shape[-1] == 3:  # phases between channels, and so the colours
        turn = np.angle(after / before)
        turn = np.exp(1j * turn)
        assert turn[..., 0] == pytest.approx(turn[..., 2], abs=1e-6)


def test_a_scrambled_face_keeps_mean_and_contrast_inside_the_mask():
    wanted = look(mask="oval", colour="grey")
    plain = finish(wanted)
    for level in ("phase", "blocks"):
        for drawn, intact, made in zip(PEOPLE, plain, finish(wanted, scramble=level), strict=True):
            before, after = intact.facts["luminance"], made.facts["luminance"]
            assert after["mean"] == pytest.approx(before["mean"], abs=0.1)
            assert after["sd"] == pytest.approx(before["sd"], abs=0.3)
            out = window(wanted.mask, drawn.pixels, EYE_PAIR, WALL).cover == 0
            assert (made.pixels[out] == 128).all()
            assert (intact.pixels[out] == 128).all()


def test_blocks_keep_every_pixel_and_leave_no_square_in_place():
    wanted = look(mask="oval")
    picture = np.arange(SIZE * SIZE, dtype=float).reshape(SIZE, SIZE, 1)  # every pixel its own
    view = window(wanted.mask, PEOPLE[0].pixels, EYE_PAIR, WALL)
    made = block_scrambled(picture, view, 6, np.random.default_rng(1))
    assert sorted(made.ravel()) == sorted(picture.ravel())
    assert (made == picture)[~view.inside].all()
    moved = (made != picture)[..., 0]
    assert moved.sum() % 36 == 0
    assert moved.sum() / view.inside.sum() > 0.6
    rows, columns = np.divmod(made[moved].ravel().astype(int), SIZE)
    distance = np.hypot(rows - np.nonzero(moved)[0], columns - np.nonzero(moved)[1])
    assert distance.min() >= 6


def test_turning_twice_changes_nothing_and_eyes_turn_along():
    plain = finish(look(mask="oval"))[0]
    turned = finish(look(mask="oval"), orientation="inverted")[0]
    # Around the oval's centre (48, 53.7), which lies between the pixels 53 and 54: 107 in all.
    where = inside(look(mask="oval"), PEOPLE[0])
    rows, columns = np.nonzero(where)
    shown = plain.pixels[rows, columns]
    assert np.abs(rows.mean() - 53.2) < 0.5
    mirrored = turned.pixels[rows.min() + rows.max() - rows, 95 - columns]
    assert (mirrored == shown).all()
    assert turned.facts["luminance"] == plain.facts["luminance"]
    assert turned.facts["eye_left"] == [96 - 57.0, rows.min() + rows.max() + 1 - 46.5]
    view = window(look(mask="oval").mask, PEOPLE[0].pixels, EYE_PAIR, WALL)
    again = inverted(inverted(plain, view), view)
    assert (again.pixels == plain.pixels).all()
    assert again.facts == plain.facts


def test_without_a_mask_the_whole_picture_is_turned():
    plain, turned = (finish(look(), orientation=way)[0] for way in ("upright", "inverted"))
    assert (plain.pixels == PEOPLE[0].pixels).all()
    assert (turned.pixels == np.rot90(plain.pixels, 2)).all()
    assert turned.facts["eye_left"] == [SIZE - 57.0, SIZE - 46.5]


def test_the_wall_does_not_shine_through_the_rim_of_a_person():
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    cover = np.clip(30 - np.hypot(x - 48, y - 48), 0, 1)[..., None]  # a disc with a smooth rim
    skin = np.array((60.0, 40, 30))
    drawn = Rendered(as_pixels(cover * skin + (1 - cover) * 128), EYES)
    black = look(mask="person", background=0)
    made = dress(drawn, black, Control(), Target()).pixels
    assert np.abs(made - cover * skin).max() <= 1.5
    again = dress(drawn, look(mask="person"), Control(), Target()).pixels.astype(int)
    assert np.abs(again - drawn.pixels).max() <= 1


def test_the_oval_is_an_ellipse_and_all_outside_is_background():
    wanted = look(mask={"shape": "oval", "width": 2, "height": 2.5, "drop": 0}, background=40)
    made, where = finish(wanted)[0].pixels, inside(wanted, PEOPLE[0])
    assert where.sum() == pytest.approx(np.pi * 18 * 22.5, rel=0.01)  # half axes; eyes 18 px apart
    out = window(wanted.mask, PEOPLE[0].pixels, EYE_PAIR, WALL).cover == 0
    assert 0 < (~where & ~out).sum() <= 140  # one pixel around: 2 pi 20 px
    assert (made[out] == 40).all()
    assert (made[where] == PEOPLE[0].pixels[where]).all()
    soft = look(mask={**wanted.mask.model_dump(), "edge": 0.5}, background=40)
    cover = window(soft.mask, PEOPLE[0].pixels, EYE_PAIR, None).cover
    assert (np.diff(cover[46, 48:]) <= 0).all()
    assert 8 <= ((cover[46, 48:] > 0) & (cover[46, 48:] < 1)).sum() <= 9  # half an eye distance


def test_the_wall_is_never_matched_with_the_person():
    for mask in ("person", "oval"):
        wanted = look(mask=mask, colour="grey", match={"what": "mean", "mean": 200})
        for drawn, made in zip(PEOPLE, finish(wanted), strict=True):
            wall = (drawn.pixels == WALL).all(axis=-1)
            wall[20:80, 25:70] = False  # grey specks of skin
            assert (made.pixels[wall] == 128).all()


def test_filters_have_the_gain_that_is_said():
    x = np.arange(200) + 0.5
    for cycles, expected in ((4, 0.5 ** ((4 / 8) ** 2)), (8, 0.5), (16, 0.5**4)):
        wave = np.cos(2 * np.pi * cycles * x / 100)[None, :, None]  # face 100 px wide
        picture = 100 + 50 * np.repeat(wave, 200, axis=0)
        low = filtered(picture, look(frequencies={"below": 8}).frequencies, 100)
        high = filtered(picture, look(frequencies={"above": 8}).frequencies, 100)
        assert low - 100 == pytest.approx(expected * (picture - 100), abs=1e-6)
        assert high - 100 == pytest.approx((1 - expected) * (picture - 100), abs=1e-6)


def test_a_generator_without_eyes_is_refused_in_words():
    with pytest.raises(LookError, match="does not say where the eyes are"):
        dress(Rendered(PEOPLE[0].pixels), look(mask="oval"), Control(), Target())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{maks: oval}", r"look\.maks: unknown key 'maks'.*did you mean 'mask'"),
        ("{mask: ovl}", "found 'ovl'"),
        ("{mask: {shape: oval, widht: 2}}", "did you mean 'width'"),
        ("{mask: {shape: oval, width: 9}}", r"look\.mask\.width: found 9"),
        ("{match: histogram}", r"look\.match: histograms are matched exactly for grey"),
        ("{match: {what: mean, sd: 30}}", r"look\.match\.sd: found 30, but mean does not use it"),
        ("{match: {what: mean, mean: 900}}", r"look\.match\.mean: found 900"),
        ("{background: 90}", r"look\.background: found 90, but there is no mask"),
        ("{frequencies: {above: 20, below: 8}}", "which leaves nothing"),
    ],
)
def test_a_wrong_look_is_refused_where_it_stands(tmp_path, wrong, said):
    path = tmp_path / "looks.yaml"
    path.write_text(PROTOCOL.replace("LOOK", wrong))
    with pytest.raises(ProtocolError, match=said):
        load(path)


def test_films_have_no_look(tmp_path):
    path = tmp_path / "looks.yaml"
    text = PROTOCOL.replace("LOOK", "{mask: oval}").replace(
        "generator: actor", "generator: talking-face"
    )
    path.write_text(text)
    with pytest.raises(
        ProtocolError, match=r"stimuli\.look: generator talking-face makes no plain"
    ):
        load(path)

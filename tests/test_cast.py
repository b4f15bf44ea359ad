"""The cast and its rigs: who is in it, and that the shipped files are what Anny makes."""

import json
from collections import Counter

import numpy as np
import pytest

from stimuli.actors import cast, casting, identity, lids
from stimuli.actors.rig import DATA, load_masks, load_rig, load_topology, weights_array
from stimuli.corpora import identities_of
from tests.designs import protocol

IDS = [f"{n:02d}" for n in range(1, 53)]
PARTS = ("main", "practice", "held-out")
THIRD = IDS[::3]  # for what takes long


def test_the_cast_is_24_actors_4_for_practice_and_24_held_out():
    assert [a.id for a in cast.load_cast()] == IDS
    parts = {part: [a.id for a in cast.load_cast() if a.part == part] for part in PARTS}
    assert parts == {"main": IDS[:24], "practice": IDS[24:28], "held-out": IDS[28:]}


@pytest.mark.parametrize("n", [2, 8, 16, 24])
@pytest.mark.parametrize("part", ["main", "held-out"])
def test_every_even_prefix_of_the_cast_has_as_many_women_as_men(n, part):
    picked = cast.pick(n, part=part)
    assert sum(a.gender == "female" for a in picked) == n // 2


def test_practice_actors_are_two_men_and_two_women_and_never_in_the_main_cast():
    practice = cast.pick(4, part="practice")
    assert sorted(a.gender for a in practice) == ["female", "female", "male", "male"]
    assert not {a.id for a in practice} & {a.id for a in cast.pick(24)}


@pytest.mark.parametrize("part", ["main", "held-out"])
def test_all_are_adults_from_20_to_75_and_men_and_women_are_of_like_age(part):
    people = cast.pick(24, part=part)
    ages = {g: [a.age for a in people if a.gender == g] for g in ("male", "female")}
    assert all(20 <= a.age <= 75 for a in cast.load_cast())
    assert abs(np.mean(ages["male"]) - np.mean(ages["female"])) < 5
    for group in ages.values():
        assert sum(age < 35 for age in group) >= 3
        assert sum(age > 55 for age in group) >= 2


def test_the_held_out_show_every_origin_and_skin_tone_and_no_tone_follows_from_an_origin():
    held_out = cast.pick(24, part="held-out")
    for gender in ("male", "female"):
        words = Counter(a.origin.word for a in held_out if a.gender == gender)
        assert words == {"african": 3, "asian": 3, "caucasian": 3, "mixed": 3}
    assert min(Counter(a.skin for a in held_out).values()) >= 2
    assert {a.skin for a in held_out} == set(cast.SKIN_TONES)
    for origin in ("african", "asian", "caucasian", "mixed"):
        assert len({a.skin for a in held_out if a.origin.word == origin}) >= 3


def test_the_first_eight_show_young_and_old_and_three_origins():
    first = cast.pick(8)
    leading = {max(vars(a.origin), key=lambda name: getattr(a.origin, name)) for a in first}
    assert leading == {"african", "asian", "caucasian"}
    assert min(a.age for a in first) <= 30
    assert max(a.age for a in first) >= 55


def test_no_anny_parameter_of_an_actor_is_a_childs():
    # Anny's age parameter is a child's at 1/3 and below, grown at 2/3
    shapes = casting.read_shapes(DATA / "cast.json")
    for actor in cast.load_cast():
        assert casting.phenotype(actor, shapes[actor.id])["age"] >= 2 / 3


def test_origins_sum_to_one_and_colours_are_colours():
    for actor in cast.load_cast():
        assert sum(vars(actor.origin).values()) == pytest.approx(1)
        for colour in (actor.skin_rgb, actor.lip_rgb, actor.hair_rgb, actor.clothing_rgb):
            assert all(0 <= c <= 1 for c in colour)
        assert actor.hair in cast.HAIR_STYLES
        assert actor.skin in cast.SKIN_TONES


def test_darker_skin_labels_are_darker_skins():
    lightness: dict[str, list[float]] = {}
    for actor in cast.load_cast():
        lightness.setdefault(actor.skin, []).append(float(np.mean(actor.skin_rgb)))
    ranges = [(min(lightness[tone]), max(lightness[tone])) for tone in cast.SKIN_TONES]
    assert all(darker[1] < lighter[0] for lighter, darker in zip(ranges, ranges[1:], strict=False))


def test_seeds_and_looks_are_nobody_elses():
    people = cast.load_cast()
    assert len({a.seed for a in people}) == len(people)
    assert len({(a.gender, a.skin_rgb, a.hair, a.hair_rgb, a.iris) for a in people}) == len(people)


def test_no_two_actors_are_nearer_in_identity_than_casting_allows():
    people = [identity.Likeness.read(a) for a in cast.load_cast()]
    least = min(identity.nearest(people[i], people[:i])[0] for i in range(1, len(people)))
    assert least >= identity.LEAST_IDENTITY


def test_identity_adds_shape_and_tone_as_legs_of_a_right_triangle():
    face = np.zeros((5, 3))
    lightness = [identity.lab(np.full(3, grey)) for grey in (0.0, 0.5, 1.0)]
    assert [v[0] for v in lightness] == pytest.approx([0, 53.39, 100], abs=0.02)  # CIE L*
    assert np.abs(lightness)[:, 1:].max() < 0.02  # greys have no hue
    one = identity.Likeness(face, np.array([50.0, 0, 0]))
    other = identity.Likeness(face + [0.03, 0, 0], np.array([50.0, 0, 40]))
    assert identity.identity(one, other) == pytest.approx(0.05)
    assert identity.nearest(one, [other, one]) == (0, 1)


def test_faces_are_nearly_but_not_exactly_symmetric():
    topology = load_topology()
    for i in IDS:
        base = load_rig(i).base
        left, right = (base[topology.vertices(f"lashes_upper_{s}")] for s in ("left", "right"))
        # the two ribbons have the same shape mirrored: compare their extents
        uneven = np.abs(np.ptp(left, axis=0) - np.ptp(right, axis=0)).max()
        assert 1e-6 < uneven < 0.003


def test_an_unknown_actor_names_the_nearest():
    with pytest.raises(KeyError, match="did you mean '07'"):
        cast.actor("7")
    with pytest.raises(ValueError, match="give 1 to 24"):
        cast.pick(25)
    with pytest.raises(FileNotFoundError, match="no rig for actor '99'"):
        load_rig("99")


def test_poses_are_those_that_anny_made():
    # reference.npz was written by Anny itself, with several actions applied at once
    with np.load(DATA / "reference.npz", allow_pickle=False) as reference:
        assert sorted(reference.files) == IDS
        for i in IDS:
            posed = load_rig(i).pose(dict.fromkeys(casting.REFERENCE_MIX, 0.5))
            error = np.abs(posed[:: casting.REFERENCE_STEP] - reference[i])
            moved = np.abs(load_rig(i).base[:: casting.REFERENCE_STEP] - reference[i])
            assert error.max() < 2e-5  # metres: float16 deltas
            assert moved.max() > 0.005


def test_an_eased_face_rests_in_a_pose_and_still_closes_its_eyes_to_the_same_place():
    rig = load_rig("10")
    rest = {"eyeBlinkLeft": 0.2, "eyeBlinkRight": 0.1, "browInnerUp": -0.1}
    eased = casting.eased(rig, rest, teeth=0.002, smile=1.5)
    teeth = np.concatenate([rig.topology.vertices(f"teeth_{row}") for row in ("upper", "lower")])
    skin = np.setdiff1d(rig.topology.quads["body"], teeth)
    np.testing.assert_allclose(eased.base[skin], rig.pose(rest)[skin], atol=1e-6)
    np.testing.assert_allclose((eased.base - rig.pose(rest))[teeth], [[0, 0.002, 0]] * len(teeth),
                               atol=1e-6)  # fmt: skip
    closed = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
    np.testing.assert_allclose(
        eased.pose(closed)[skin], rig.pose({**rest, **closed})[skin], atol=2e-5
    )  # metres: float16 deltas
    smile = rig.actions.index("mouthSmileLeft")
    np.testing.assert_allclose(eased.deltas[smile], 1.5 * rig.deltas[smile], atol=2e-5)


def test_a_pose_is_linear_in_the_weights_and_the_same_in_a_batch():
    rig = load_rig("04")
    rng = np.random.default_rng(1)
    a, b = rng.random((2, len(rig.actions)))
    rest = rig.pose(np.zeros(len(rig.actions)))
    assert np.array_equal(rest, rig.base)
    summed = rig.pose(a) + rig.pose(b) - rest
    np.testing.assert_allclose(rig.pose(a + b), summed, atol=1e-6)
    np.testing.assert_allclose(rig.pose(np.stack([a, b]))[1], rig.pose(b), atol=1e-7)


def test_weights_by_name_and_by_position_agree_and_mistakes_are_named():
    rig = load_rig("01")
    by_name = weights_array({"jawOpen": 0.4}, rig.actions)
    assert by_name[rig.actions.index("jawOpen")] == 0.4
    assert by_name.sum() == 0.4
    with pytest.raises(ValueError, match="unknown action 'jawopen'"):
        rig.pose({"jawopen": 1.0})
    with pytest.raises(ValueError, match=r"give \(52,\)"):
        rig.pose(np.zeros(51))


@pytest.mark.parametrize("actor_id", IDS)
def test_the_origin_lies_between_the_eyes_and_left_is_positive(actor_id):
    left, right = load_rig(actor_id).eye_centres()
    np.testing.assert_allclose((left + right) / 2, 0, atol=1e-6)
    assert left[0] > 0.025
    assert 0.052 < left[0] - right[0] < 0.076  # metres; adults 52 to 76 mm


@pytest.mark.parametrize("actor_id", THIRD)
@pytest.mark.parametrize("side", ["left", "right"])
def test_lids_close_at_a_full_blink_and_only_shrink_the_opening_on_the_way(actor_id, side):
    rig = load_rig(actor_id)
    blink = f"eyeBlink{side.title()}"
    steps = [lids.opening(rig, {blink: w}, side) for w in (0, 0.4, 0.8, 1.0)]
    assert steps[0].sum() * lids.PIXEL**2 > 6e-5  # square metres: an open eye
    assert steps[-1].sum() == 0
    for before, after in zip(steps, steps[1:], strict=False):
        grown = after & ~_thicker(before)
        assert grown.sum() == 0  # nowhere does the eyeball come through a closing lid


def _thicker(picture: np.ndarray) -> np.ndarray:
    """A picture and the pixels next to it."""
    padded = np.pad(picture, 1)
    return np.any(
        [padded[1 + r : 1 + r + len(picture), 1 + c : 1 + c + len(picture)]
         for r in (-1, 0, 1) for c in (-1, 0, 1)], axis=0,
    )  # fmt: skip


def test_all_parts_are_there_and_every_vertex_is_used():
    topology = load_topology()
    used = np.unique(np.concatenate([q.ravel() for q in topology.quads.values()]))
    assert np.array_equal(used, np.arange(topology.n_vertices))
    assert topology.uv_quads.shape == topology.quads["body"].shape
    assert topology.uv_quads.max() + 1 == len(topology.uv)


def test_masks_are_small_regions_of_the_texture():
    masks = load_masks()
    assert set(masks) == {"lips", "eyelids", "ears", "inside_mouth"}
    for mask in masks.values():
        assert mask.max() == 1
        assert 0.0005 < mask.mean() < 0.05


def test_the_shipped_data_are_small_and_hold_no_pickles():
    files = sorted(DATA.rglob("*.npz"))
    assert len(files) == 52 + 3
    assert sum(f.stat().st_size for f in files) < 14e6
    for path in files:
        with np.load(path, allow_pickle=False) as file:
            assert all(
                np.all(np.isfinite(file[k])) for k in file.files if file[k].dtype.kind == "f"
            )


def test_the_casting_sheet_has_no_entry_that_is_not_read():
    table = json.loads((DATA / "cast.json").read_text(encoding="utf-8"))
    for entry in table["actors"]:
        assert set(entry) - {"shape"} == set(cast.Actor.__dataclass_fields__) - {
            "folder",
            "glasses",
            "beard",
        }
        assert set(entry["shape"]) - {"rest", "teeth", "smile"} == {
            "gender",
            "weight",
            "muscle",
            "audition",
        }
        assert set(entry["shape"].get("rest", {})) <= set(load_topology().actions)


def test_held_out_actors_take_part_only_when_named_or_when_more_are_wanted_than_the_main_cast():
    def corpus(pick):
        return [person.id for person in identities_of(protocol(pick))]

    assert corpus(24) == corpus(4) == IDS[:28]
    assert set(corpus(["07", "02"])) == set(IDS[:28])
    assert corpus(25) == IDS
    assert corpus(["40", "01"]) == ["40", "01", *(i for i in IDS if i not in ("40", "01"))]

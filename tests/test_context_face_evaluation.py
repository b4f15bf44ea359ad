"""The classification evaluation of Blume 2024: folds, votes, ablations, certainty, pages."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models.context_face.ablations import (  # noqa: E402
    BOTH,
    LINEAR,
    VOICE_ONLY,
    Ablation,
    Classifier,
    FittingSettings,
    fit_classifier,
)
from models.context_face.attention import outer_attention  # noqa: E402
from models.context_face.clips import Clips, at_regular_intervals  # noqa: E402
from models.context_face.evaluation import evaluate_fold  # noqa: E402
from models.context_face.folds import draw_folds  # noqa: E402
from models.context_face.interpolation import interpolated_attention  # noqa: E402
from models.context_face.latents import Latents  # noqa: E402
from models.context_face.shifting import Shifting, ShiftingSettings, Way  # noqa: E402
from models.context_face.vae import Latent  # noqa: E402
from models.context_face.votes import vote  # noqa: E402
from stimuli.context_faces.evaluation import certainty  # noqa: E402
from stimuli.context_faces.evaluation import held_out as held_out_module  # noqa: E402
from stimuli.context_faces.evaluation.page import html, markdown  # noqa: E402
from stimuli.context_faces.evaluation.part import Figure, Part, Table  # noqa: E402
from stimuli.context_faces.evaluation.tsne import conditional_probabilities, tsne  # noqa: E402


def recorded(frames):
    """Latents of 12 recordings (3 people, 2 emotions, 2 takes), told apart by their first value."""
    clip = torch.arange(12).repeat_interleave(frames)
    mu = clip[:, None].float().expand(-1, 5)
    who, emotion = clip // 4, clip % 2
    return Latents(mu, mu, who, who % 2, emotion, torch.ones(len(clip)), clip, ("neutral", "sad"),
                   clip)  # fmt: skip


def test_strict_audio_shifts_a_face_by_the_voice_of_its_own_recording_alone():
    faces, voices = recorded(3), recorded(1)
    head = torch.nn.Linear(5, 2)
    strict = Shifting(faces, voices, head, ShiftingSettings(strict=True)).batch(0, slice(None))
    assert torch.equal(strict.face.mu, strict.context.mu)
    swapped = Shifting(faces, voices, head, ShiftingSettings()).batch(0, slice(None))
    face, voice = (latent.mu[:, 0].int() for latent in (swapped.face, swapped.context))
    assert (face != voice).any()
    assert torch.equal(face // 4, voice // 4)  # the same person
    assert torch.equal(face % 2, voice % 2)  # and emotion


def test_strict_audio_refuses_faces_whose_recording_has_no_voice_and_mien_s_own_ways():
    faces, voices = recorded(3), recorded(1)
    head = torch.nn.Linear(5, 2)
    for heard in (voices.only(torch.arange(11)), replace(voices, clip=torch.tensor(-1))):
        with pytest.raises(ValueError, match="have no voice of their own clip"):
            Shifting(faces, heard, head, ShiftingSettings(strict=True))
    with pytest.raises(ValueError, match="found the way 'paired'; accepted: paper"):
        Shifting(faces, voices, head, ShiftingSettings(strict=True, way=Way.PAIRED))


@pytest.mark.parametrize(("women", "men", "k"), [(12, 12, 10), (3, 2, 10), (30, 30, 10), (9, 0, 4)])
def test_nobody_is_in_two_parts_of_a_fold_and_everybody_is_tested_once(women, men, k):
    gender = {i: "female" if i < women else "male" for i in range(women + men)}
    folds = draw_folds(gender, k, np.random.default_rng(3))
    assert len(folds) == min(k, women + men)
    for fold in folds:
        assert sorted((*fold.train, *fold.validation, *fold.test)) == sorted(gender)
    assert sorted(person for fold in folds for person in fold.test) == sorted(gender)
    counts = np.array([[sum(gender[p] == g for p in fold.test) for g in ("female", "male")]
                       for fold in folds])  # fmt: skip
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(1)) <= 1
    assert folds == draw_folds(gender, k, np.random.default_rng(3))


def test_two_people_make_no_folds():
    with pytest.raises(ValueError, match="give at least 3 of each"):
        draw_folds({0: "female", 1: "male"}, 10, np.random.default_rng(0))


def test_the_majority_of_frames_wins_and_a_tie_goes_to_the_likelier_class():
    sure, slight = 9.0, 1.0
    logits = torch.tensor([
        [[slight, 0, 0], [slight, 0, 0], [0, 0, sure]],  # two frames against a surer one
        [[slight, 0, 0], [slight, 0, 0], [0, sure, 0]],
        [[0, slight, 0], [slight, 0, 0], [0, 0, sure]],  # one each: the surest
        [[slight, 0, 0], [0, sure, 0], [0, 0, slight]],
    ])  # fmt: skip
    assert vote(logits).tolist() == [0, 0, 2, 1]
    # a class without a frame never wins, however likely it is in sum
    assert vote(torch.tensor([[[5.0, 4.9, 0], [0, 4.9, 5.0]]])).item() != 1


def test_frames_lie_in_the_middle_of_equal_parts():
    assert at_regular_intervals(32, 16).tolist() == list(range(1, 32, 2))
    assert at_regular_intervals(3, 6).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("scale", [0.3, 1.0, 1.4, 4.0])
def test_interpolated_attention_is_attention(scale):
    generator = torch.Generator().manual_seed(0)
    q, k, v, weight = (torch.randn(20, 64, generator=generator) for _ in range(4))
    for part in (q, k, v):
        part.requires_grad_()
    gradients = []
    outcomes = []
    for attend in (outer_attention, interpolated_attention):
        o = attend(scale * q, scale * k, v)
        gradients.append(torch.autograd.grad((o * weight).sum(), (q, k, v)))
        outcomes.append(o)
    torch.testing.assert_close(*outcomes, atol=2e-3, rtol=0)
    for exact, quick in zip(*gradients, strict=True):
        assert (exact - quick).norm() < 5e-3 * exact.norm()


def made(told_by_face, told_by_voice, people=9, classes=4, takes=3, frames=3, d=12):
    """Clips whose face and voice hold a code of told(class), the same for a whole recording."""
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    actor = torch.arange(people).repeat_interleave(classes * takes)
    emotion = torch.arange(classes).repeat_interleave(takes).repeat(people)
    codes = [1.5 * draw(classes, d) for _ in range(2)]
    n = len(actor)
    face = codes[0][told_by_face(emotion)][:, None] + 0.3 * draw(n, frames, d)
    voice = codes[1][told_by_voice(emotion)] + 0.3 * draw(n, d)
    face, voice = (Latent(mu, torch.full_like(mu, -2)) for mu in (face, voice))
    return Clips(face, face, voice, actor, emotion, classes)


def accuracies(clips):
    folds = draw_folds(dict.fromkeys(range(9), "female"), 3, np.random.default_rng(1))
    settings = FittingSettings(rate=0.02, steps=120, look_every=30, patience=9)
    another = clips.seen_by_another(torch.cat([clips.face.mu[:, None]] * 2, 1).repeat(1, 1, 1, 2))
    result = evaluate_fold(clips, folds[0], settings, baseline=another)
    truth = clips.of(folds[0].test).emotion
    assert result.means[Ablation.CAN_SWAP].shape == (len(truth), 3, 12)
    return {a: float((result.predicted[a] == truth).float().mean()) for a in Ablation}


def whole(emotion):
    return emotion


def nothing(emotion):
    return torch.zeros_like(emotion)


def test_what_only_voices_tell_no_face_can_and_what_only_faces_tell_no_voice_can():
    voice = accuracies(made(nothing, whole))
    face = accuracies(made(whole, nothing))
    chance = 0.25
    for ablation in Ablation:
        faces_alone = ablation not in VOICE_ONLY and ablation not in BOTH
        assert (voice[ablation] < chance + 0.2) if faces_alone else (voice[ablation] > 0.9)
        assert (face[ablation] < chance + 0.2) if ablation in VOICE_ONLY else (face[ablation] > 0.9)


def test_where_each_tells_half_both_together_tell_all():
    found = accuracies(made(lambda e: e // 2, lambda e: e % 2))
    for ablation in Ablation:
        if ablation in BOTH:
            assert found[ablation] > 0.9
        else:
            assert found[ablation] < 0.65


def test_a_classifier_learns_from_faces_and_voices_of_its_own_modality(monkeypatch):
    clips = made(whole, whole, takes=2)
    number = torch.arange(len(clips)).float()
    for latent in (clips.face, clips.voice):  # the first value tells which clip it is
        latent.mu[..., 0] = number.reshape(-1, *[1] * (latent.mu.ndim - 2))
    clips.voice.mu[:, 1] = 999
    told = []

    def spy(self, face, context, forward=Classifier.forward):
        told.append((face.mu, context.mu))
        return forward(self, face, context)

    monkeypatch.setattr(Classifier, "forward", spy)
    for ablation in Ablation:
        told.clear()
        fit_classifier(ablation, clips, clips, FittingSettings(steps=1))
        ((face, context),) = told
        assert (face[:, 1] == 999).all() == (ablation in VOICE_ONLY)
        if ablation not in BOTH:
            if ablation not in LINEAR:
                assert torch.equal(face, context)
            continue
        assert (context[:, 1] == 999).all()
        own, other = face[:, 0].long(), context[:, 0].long()
        assert torch.equal(clips.actor[own], clips.actor[other])
        assert torch.equal(clips.emotion[own], clips.emotion[other])
        share = (own == other).float().mean()
        assert share == 1 if ablation is Ablation.CAN_STRICT else 0.3 < share < 0.7


def test_the_interval_over_folds_is_that_of_a_t_test():
    values = np.array([0.7, 0.8, 0.65, 0.9, 0.75])
    found = certainty.over_folds(values)
    true = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(found, (values.mean(), true.low, true.high))


def test_the_interval_over_people_is_that_of_their_means_where_all_have_as_many_clips():
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(200), 10)
    right = rng.random(2000) < 0.5 + 0.4 * np.repeat(rng.choice([-1, 1], 200), 10)
    found = certainty.over_people(right, person)
    means = right.reshape(200, 10).mean(1)
    half = 1.96 * means.std(ddof=1) / np.sqrt(200)
    np.testing.assert_allclose(
        found, (means.mean(), means.mean() - half, means.mean() + half), atol=0.01
    )
    alone = certainty.over_people(right, np.arange(2000))  # clips as if of 2,000 people
    assert found.high - found.low > 2 * (alone.high - alone.low)


def test_mcnemar_and_holm_by_hand():
    first, second = np.array([1, 1, 1, 1, 1, 0, 1, 0], bool), np.array([0, 0, 0, 0, 0, 1, 1, 0])
    assert certainty.mcnemar(first, second) == (5, 1, pytest.approx(2 * 7 / 64))
    assert certainty.mcnemar(first, first)[2] == 1
    np.testing.assert_allclose(certainty.holm([0.01, 0.04, 0.03, 0.9]), [0.04, 0.09, 0.09, 0.9])


def test_every_point_has_the_perplexity_that_is_asked_for():
    x = np.random.default_rng(1).normal(size=(80, 5)) * np.linspace(0.1, 9, 80)[:, None]
    p = conditional_probabilities(x, 12.0)
    np.testing.assert_allclose(p.sum(1), 1)
    assert (np.diag(p) == 0).all()
    entropy = stats.entropy(p, axis=1)
    np.testing.assert_allclose(np.exp(entropy), 12.0, rtol=1e-4)
    nearest = np.argsort(((x[:, None] - x[None]) ** 2).sum(2), axis=1)[:, 1]
    assert (p.argmax(1) == nearest).all()


def test_clusters_that_lie_apart_lie_apart_on_the_plane():
    rng = np.random.default_rng(4)
    own = np.repeat(np.arange(4), 30)
    y = tsne(20 * rng.normal(size=(4, 10))[own] + rng.normal(size=(120, 10)), perplexity=10)
    centres = np.array([y[own == i].mean(0) for i in range(4)])
    assert (((y[:, None] - centres) ** 2).sum(2).argmin(1) == own).all()
    radius = np.linalg.norm(y - centres[own], axis=1).max()
    apart = min(np.linalg.norm(a - b) for i, a in enumerate(centres) for b in centres[:i])
    assert apart > 3 * radius
    with pytest.raises(ValueError, match="give three times as many"):
        tsne(np.zeros((20, 3)), perplexity=10)


def test_a_page_shows_tables_and_figures_with_words_for_who_cannot_see_them():
    frame = pd.DataFrame({"who": ["a|b", "<c>"], "share": [0.12345, np.nan], "p": [0.0321, 0.0001]})
    part = Part("Results", ["Text & more", Table("t", "Caption", frame, 2, "So.", ("p",)),
                            Figure("f", "Faces", b"png", 'a "face"')], ["It works"])  # fmt: skip
    text, page = markdown("Title", [part]), html("Title", [part])
    assert "- It works" in text
    assert "| a\\|b | 0.12 | .032 |" in text
    assert "| <c> | – | < .001 |" in text
    assert '![a "face"](f.png)' in text
    assert '<td class="number">0.12</td>' in page
    assert "&lt;c&gt;" in page
    assert 'alt="a &quot;face&quot;"' in page
    assert "base64,cG5n" in page
    assert "Text &amp; more" in page


def test_held_out_pictures_are_drawn_anew_once_the_drawing_changes(monkeypatch):
    before = held_out_module._folder()
    assert held_out_module._folder() == before
    monkeypatch.setattr(held_out_module, "VERSION", "another")
    assert held_out_module._folder() != before

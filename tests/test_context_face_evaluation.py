"""The classification evaluation of Blume 2024: folds, votes, ablations, certainty, pages."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models.context_face.latents import Latents  # noqa: E402
from models.context_face.shifting import Shifting, ShiftingSettings, Way  # noqa: E402


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

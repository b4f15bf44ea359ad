"""Pictures made from other pictures of the same person: who, how far, and what is learned."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs mien's part models")

from models.context_face.data import Labels  # noqa: E402
from models.context_face.directions import Relatives  # noqa: E402
from models.context_face.pretraining import (  # noqa: E402
    Extras,
    Pretraining,
    PretrainingSettings,
)
from models.context_face.settings import VaeSettings  # noqa: E402
from models.training import RunSettings, train  # noqa: E402

EMOTIONS = ("neutral", "happy", "angry")
FACE = VaeSettings(size=16, widths=(8, 8), latent=8, discriminator_widths=(4,),
                   discriminator_features=8)  # fmt: skip
PLAIN = RunSettings(accelerator="cpu", precision="32-true", threads=1)


def people(n):
    """n people, each neutral, happy at .5 and 1, angry at 1, and angry while speaking."""
    shown = [(0, 1.0, False), (1, 0.5, False), (1, 1.0, False), (2, 1.0, False), (2, 0.9, True)]
    emotion, m, speaking = (np.array(column * n) for column in map(list, zip(*shown, strict=True)))
    actor = np.repeat(np.arange(n) + 7, len(shown))
    zeros = np.zeros(len(actor))
    return Labels(actor, zeros, emotion, m, zeros, zeros, speaking=speaking)


def test_origins_are_pictures_of_the_same_person_and_strengths_what_differs():
    labels = people(4)
    rows = np.arange(len(labels))
    relatives = Relatives(labels, rows, EMOTIONS)
    picked = torch.arange(len(labels)).repeat(50)
    chances = torch.rand(len(picked), 3, generator=torch.Generator().manual_seed(1))
    found = relatives.origins(picked, 1.0, chances)
    target, origin = picked.numpy(), found.row.numpy()
    assert (labels.actor[target] == labels.actor[origin]).all()
    speaking = labels.speaking[target]
    assert (origin[speaking] == target[speaking]).all()
    assert not labels.speaking[origin[~speaking]].any()
    neutral = (labels.emotion[origin[~speaking]] == 0).mean()
    assert neutral == pytest.approx(0.5 + 0.5 / 4, abs=0.05)  # half of them, and their share
    wanted = np.zeros((len(target), 3))
    for sign, row in ((1, target), (-1, origin)):
        for e in (1, 2):
            wanted[:, e] += sign * np.where(labels.emotion[row] == e, labels.m[row], 0)
    np.testing.assert_allclose(found.strength.numpy(), wanted, atol=1e-6)
    own = relatives.origins(picked, 0.0, chances)
    assert torch.equal(own.row, picked)
    assert not own.strength.any()


def test_who_has_no_neutral_picture_is_made_from_nothing_else():
    labels = people(2)
    rows = np.arange(1, len(labels))  # the first person's neutral picture is not there
    relatives = Relatives(labels, rows, EMOTIONS)
    found = relatives.origins(torch.arange(len(rows)), 1.0, torch.rand(len(rows), 3))
    first = labels.actor[rows] == 7
    assert (found.row.numpy()[first] == np.arange(len(rows))[first]).all()
    assert (found.row.numpy()[~first] >= 4).all()


def drawn(labels, seed):
    """Pictures (N, 3, 16, 16): a person is a colour, happiness a bright bar, anger a dark one."""
    generator = torch.Generator().manual_seed(seed)
    colours = 0.3 + 0.4 * torch.rand(len(np.unique(labels.actor)), 3, generator=generator)
    who = np.unique(labels.actor, return_inverse=True)[1]
    pictures = colours[who][:, :, None, None].repeat(1, 1, 16, 16)
    m = torch.from_numpy(labels.m)[:, None, None, None]
    happy, angry = (torch.from_numpy(labels.emotion == e)[:, None, None, None] for e in (1, 2))
    pictures[:, :, 10:13] += 0.25 * m * happy
    pictures[:, :, 3:6] -= 0.25 * m * angry
    return pictures


def test_a_direction_learned_from_others_moves_a_strangers_face_by_the_true_change(tmp_path):
    labels = people(40)
    pictures = drawn(labels, 3)
    task = Pretraining(
        "face", FACE,
        PretrainingSettings(
            steps=900, batch=20, rate=5e-3, cosine=True, weight_decay=0, prior=1e-6, flip=False,
            extras=Extras(pixels=1, features=0, adversary=0, first_log_var=-6, quiet=True,
                          mouth_gain=0, brow_gain=0, directed=0.5),
        ),
        len(pictures), lambda rows: pictures[rows],
        Relatives(labels, np.arange(len(labels)), EMOTIONS),
    )  # fmt: skip
    train(task, tmp_path, PLAIN)
    task.vae.eval()
    stranger = drawn(people(1), 99)
    with torch.inference_mode():
        mu = task.vae.encoder(stranger[:1]).mu
        moved = mu + torch.tensor([[0, 0.5, 0], [0, 1, 0], [0, 0, 1.0]]) @ task.directions.vectors
        made = task.vae.decoder(moved) - task.vae.decoder(mu)
    true = stranger[1:4] - stranger[0]
    for change, wanted in zip(made, true, strict=True):
        across = torch.nn.functional.cosine_similarity(change.flatten(), wanted.flatten(), dim=0)
        assert across > 0.9
        assert float((change * wanted).sum() / (wanted**2).sum()) == pytest.approx(1, abs=0.2)


def test_a_training_with_directions_ends_in_the_same_bytes_when_interrupted(tmp_path):
    labels = people(6)
    pictures, ends = drawn(labels, 1), []
    for name, stops in (("whole", ()), ("broken", (2, 7))):
        for stop in (*stops, None):
            task = Pretraining(
                "face", FACE,
                PretrainingSettings(steps=9, batch=6, extras=Extras(pixels=1, directed=0.5)),
                len(pictures), lambda rows: pictures[rows],
                Relatives(labels, np.arange(len(labels)), EMOTIONS),
            )  # fmt: skip
            done = []
            train(
                task, tmp_path / name, PLAIN, lambda step, _, done=done: done.append(step),
                until=lambda stop=stop, done=done: done[-1:] == [stop],
            )  # fmt: skip
        ends.append((tmp_path / name / "face" / "checkpoint.safetensors").read_bytes())
    assert ends[0] == ends[1]

"""People that networks learned from beside others: stub networks whose numbers are known."""

import math

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models import coding  # noqa: E402
from models.context_face.attention import Offsets  # noqa: E402
from models.context_face.data import Labels, TrainingData, save_data  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import ContextFaceSettings, MelSettings, VaeSettings  # noqa: E402
from models.context_face.stored import save_model  # noqa: E402
from models.context_face.vae import Latent  # noqa: E402
from protocols.errors import UserError  # noqa: E402
from stimuli.context_faces.evaluation import learned  # noqa: E402
from stimuli.context_faces.evaluation.judging import Sights  # noqa: E402
from stimuli.context_faces.poses import EMOTIONS  # noqa: E402
from stimuli.faces.expression import WORDS  # noqa: E402

SIZE, E = 16, len(EMOTIONS)
HAPPY, NEUTRAL = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
TINY = ContextFaceSettings(
    face=VaeSettings(size=SIZE, widths=(4, 4), latent=8),
    context=VaeSettings(channels=1, size=SIZE, widths=(2, 2), latent=8),
    mel=MelSettings(bins=SIZE, frames=SIZE),
)


def file_of(trains=3, validates=4, emotions=EMOTIONS):
    """Each person in every emotion (grey 100, and 10 more for each of its number) and a weak joy.

    Who validates has a dark corner. Each says a sentence in every emotion.
    """
    people, grey = trains + validates, 100 + 10 * np.arange(E)
    order = np.random.default_rng(3).permuted(np.tile(np.arange(E), (people, 1)), axis=1)
    emotion = np.concatenate([order, np.full((people, 1), HAPPY)], 1)
    faces = np.broadcast_to(grey[emotion][..., None, None, None], (people, E + 1, SIZE, SIZE, 3))
    faces = faces.astype(np.uint8)
    faces[:, E] = 7  # what is weak counts for nothing
    faces[trains:, :, 0, 0] = 0
    part = np.repeat([0, 1], [trains, validates])

    def labels(emotion, m, n):
        who = np.repeat(np.arange(people), n)
        return Labels(who, who % 2, emotion.reshape(-1), m, part[who], np.zeros(len(who)))

    strength = np.tile([*[1.0] * E, 0.5], people)
    heard = np.tile(np.arange(E), (people, 1))
    voices = np.broadcast_to(heard.reshape(-1)[:, None, None], (people * E, SIZE, SIZE))
    return TrainingData(
        faces.reshape(-1, SIZE, SIZE, 3), labels(emotion, strength, E + 1), voices.astype(np.uint8),
        labels(heard, np.ones(people * E), E), tuple(emotions), {},
    )  # fmt: skip


class Mean(torch.nn.Module):
    """Latent (N, 8): the grey in the middle of a picture, eight times."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))  # says where pictures are to go

    def features(self, x):
        return x[:, :, 8, 8].mean(1, keepdim=True).repeat(1, 8)

    def end(self, x):
        return Latent(x, torch.zeros_like(x))


class Knows(ContextFace):
    """Gives pictures back one grey level off; those with a dark corner, ten.

    Joyful voices take it half of the way to true joy, all others as far, too.
    """

    def __init__(self):
        super().__init__(TINY)
        self.face.encoder = self.context.encoder = Mean()
        self.eval()

    def encode_faces(self, faces, *args, **kwargs):
        return Latent(faces, faces)

    def decode(self, z, *args, **kwargs):
        wrong = torch.where(z[:, :, 0, 0].mean(1) > 0, 1 / 255, 10 / 255)
        return z + wrong[:, None, None, None]

    def shift(self, face, context):
        half = torch.full_like(face.mu, 5 * (HAPPY - NEUTRAL) / 255)
        return Offsets(half, half)


class Says(torch.nn.Module):
    """A head that says happy of everything."""

    def forward(self, mu):
        return torch.eye(E)[HAPPY].expand(len(mu), -1)


class Reads:
    """A judge that reads the emotion off the grey, and fear wherever it is more than 4 off."""

    def see(self, pictures, *, identity=False, progress=None):
        grey = pictures[..., 8, 8, 0].astype(int)
        number = np.rint((grey - 100) / 10).astype(int).clip(0, E - 1)
        word = np.array([WORDS.index(emotion) for emotion in EMOTIONS])[number]
        word[abs(grey - 100 - 10 * number) > 4] = WORDS.index("fearful")
        said = np.eye(len(WORDS))[word]
        nothing = np.zeros((*said.shape[:-1], 0))
        return Sights(said, nothing, nothing, nothing)


@pytest.fixture
def network():
    found = Knows()
    found.head = Says()
    return found


def test_pictures_of_each_part_have_the_psnr_of_what_the_decoder_adds(network):
    near = learned.nearness_by_part(network, file_of(), people=2).set_index(["part", "region"])
    for part, off in (("train", 1), ("validation", 10)):
        of = near.loc[(part, "mouth")]
        assert (of.people, of.pictures) == (2, E)
        assert of.psnr == pytest.approx(20 * math.log10(255 / off), abs=0.01)


def test_of_everybody_as_many_pictures_count_as_of_the_person_with_the_fewest():
    data = file_of(trains=3)
    first = data.of_faces.where("train")[: E + 1]
    data.of_faces.m[first[2:]] = 0.5
    assert learned.full_pictures(data, "train", 99).shape == (3, 2)
    with pytest.raises(UserError, match="nobody of the part 'test' at full strength"):
        learned.full_pictures(data, "test", 99)


def test_the_judge_sees_everybody_who_validates_in_the_order_of_emotions(network):
    found = learned.judged_of_validation(network, file_of(), Reads(), print).set_index("emotion")
    assert (found.loc[list(EMOTIONS), "originals"] == 1).all()
    # ten grey levels more are the next emotion; the last has none after it, and reads as fear
    assert found.loc["all", "kept"] == (EMOTIONS[-1] == "fearful") / E
    network.decode = lambda z: z
    assert (learned.judged_of_validation(network, file_of(), Reads(), print).kept == 1).all()


def test_shifts_half_as_long_as_the_true_change_cover_half_of_the_way(network):
    heard = learned.heard_by_part(network, file_of()).set_index(["part", "emotion"])
    for part, people in (("train", 3), ("validation", 4)):
        joy = heard.loc[(part, "happy")]
        assert joy.voices == people
        assert (joy.heard, heard.loc[(part, "sad"), "heard"]) == (1, 0)
        assert joy.way == pytest.approx(0.5, abs=1e-5)
        assert joy.cosine == pytest.approx(1, abs=1e-5)
        assert np.isnan(heard.loc[(part, "neutral"), "way"])


def test_a_judge_is_not_asked_for_emotions_that_it_does_not_know(network):
    data = file_of(emotions=[*EMOTIONS[:-1], "calm"])
    with pytest.raises(UserError, match="the judge is asked about .*; the data show .*calm"):
        learned.judged_of_validation(network, data, Reads(), print)
    data = file_of()
    data.of_faces.emotion[data.of_faces.where("validation")[0]] = HAPPY
    data.of_faces.emotion[data.of_faces.where("validation")[1]] = HAPPY
    with pytest.raises(UserError, match="not everybody who validates"):
        learned.judged_of_validation(network, data, Reads(), print)


@pytest.fixture
def file(tmp_path):
    data = file_of()
    save_data(
        tmp_path / "data.safetensors", coding.encode(data.faces), data.of_faces, data.voices,
        data.of_voices, data.emotions, licence="CC0-1.0", made="for a test",
    )  # fmt: skip
    return tmp_path / "data.safetensors"


def test_the_command_writes_tables_of_all_models(tmp_path, file, network, monkeypatch, capsys):
    monkeypatch.setattr(learned, "named", lambda words: dict.fromkeys(words, network))
    monkeypatch.setattr(learned, "Judge", lambda workers: Reads())
    out = tmp_path / "out"
    learned.main([str(file), "one", "two", "-o", str(out)])
    tables = {path.stem: pd.read_csv(path) for path in out.glob("*.csv")}
    assert sorted(tables) == ["heard", "judged", "nearness"]
    for table in tables.values():
        assert table.model.unique().tolist() == ["one", "two"]
    said = capsys.readouterr().out
    assert "one, train (3 people): whole crop " in said
    assert "two, validation: the judge keeps " in said


def test_the_command_refuses_what_does_not_fit_in_a_line(tmp_path, file):
    other = ContextFaceSettings(
        face=VaeSettings(size=32, widths=(4, 4), latent=8), context=TINY.context, mel=TINY.mel
    )
    save_model(tmp_path / "big.safetensors", ContextFace(other), licence="CC0-1.0", training="{}")
    big = str(tmp_path / "big.safetensors")
    for words, said in (
        ([str(file), big], "big: networks of 32 pixels for .*; the data have 16 pixels"),
        ([str(tmp_path / "none"), big], "none"),
        ([str(file), big, "--people", "0"], "--people: found 0; accepted: 1 or more"),
    ):
        with pytest.raises(SystemExit, match=said):
            learned.main([*words, "-o", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()

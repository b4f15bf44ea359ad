"""Talking faces: the data file, what a step sees, both stages, and weights that come of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("lightning", reason="Lightning is not installed: training is not tested")

from models import coding  # noqa: E402
from models.composing import Composed  # noqa: E402
from models.talking_face.data import (  # noqa: E402
    Clips,
    Sayings,
    coded,
    decoded,
    load_data,
    save_data,
)
from models.talking_face.hearing import Hearing, HearingSettings  # noqa: E402
from models.talking_face.learn import (  # noqa: E402
    PERCEPTION,
    SHIPPED_LOOKS,
    Looks,
    Recipe,
    learn,
    learn_second,
)
from models.talking_face.losses import Shares  # noqa: E402
from models.talking_face.network import TalkingFace  # noqa: E402
from models.talking_face.perception import (  # noqa: E402
    SHIPPED_FILE,
    PerceptionSettings,
    load_perception,
)
from models.talking_face.settings import EMOTIONS as SIX  # noqa: E402
from models.talking_face.settings import (  # noqa: E402
    CriticSettings,
    Filters,
    SpeechSettings,
    TalkingFaceSettings,
)
from models.talking_face.stages import Speaking, StageSettings, strengths  # noqa: E402
from models.talking_face.stored import SHIPPED_FILE as TALKING  # noqa: E402
from models.talking_face.stored import load_model  # noqa: E402
from models.training import RunSettings, TrainingError, train  # noqa: E402
from models.variation import VariationSettings  # noqa: E402
from models.weights import WeightsError  # noqa: E402
from stimuli.actors import camera, facs  # noqa: E402
from stimuli.actors.cast import actor  # noqa: E402
from stimuli.actors.clip import clip  # noqa: E402
from stimuli.actors.portrait import Studio  # noqa: E402
from stimuli.corpora.arrays.crop import cut, eyes_to  # noqa: E402
from stimuli.corpora.arrays.settings import ArraySettings  # noqa: E402
from stimuli.talking_faces.clips import DRAWN, mouth_pixels  # noqa: E402

SIZE, KEPT, CLIPS, HOP = 32, 5, 12, 320
EMOTIONS = ("angry", "neutral")
SPEECH = SpeechSettings(
    filters=(Filters(4, 9, 8), Filters(4, 9, 8), Filters(4, 1, 1)), context=3, width=16, layers=1,
)  # fmt: skip
NETWORK = TalkingFaceSettings(
    size=SIZE, speech=SPEECH, widths=(8, 8, 16), picture=16, emotions=EMOTIONS, emotion=8, noise=4,
    hidden=32, last_kernel=3, warped=True,
)  # fmt: skip
CRITICS = CriticSettings((8, 8, 8), hidden=16, sequence=8)
RUN = RunSettings(precision="32-true", accelerator="cpu", threads=1)
FIRST = StageSettings(steps=6, batch=4, frames=3, rate=2e-3, floor=0.2)
TINY = Recipe(
    NETWORK, CRITICS, PerceptionSettings(widths=(8, 8), steps=3, batch=4), None,
    replace(FIRST, speech_share=0.5), replace(FIRST, steps=3, adversaries=True),
)  # fmt: skip


def sounds() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [0.5 * rng.standard_normal(int(n)).clip(-1.9, 1.9) for n in rng.integers(3000, 4200, 12)]


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """First pictures are grey; anger colours the upper half of all others, a mouth the lower."""
    rng = np.random.default_rng(4)
    firsts = np.full((CLIPS, SIZE, SIZE, 3), 120, np.uint8)
    firsts += rng.integers(0, 30, (CLIPS, 1, 1, 3), dtype=np.uint8)
    frames = np.repeat(firsts[:, None], KEPT, 1)
    frames[::2, :, :16] = np.array([220, 60, 60], np.uint8)
    frames[:, :, 22:26, 8:12] = 0
    return firsts, frames


def sayings(frames: int = 20) -> Sayings:
    """Each frame is loud or still; the mouth opens with loud ones, another action with none."""
    rng = np.random.default_rng(5)
    loud = rng.random((8, frames)) < 0.5
    hiss = 0.5 * rng.standard_normal((8, frames, HOP)).clip(-1.9, 1.9)
    mouths = np.stack([255 * loud, np.full(loud.shape, 100)], -1).reshape(-1, 2).astype(np.uint8)
    return Sayings(coded(hiss * loud[..., None]).ravel(), mouths, frames * np.arange(1, 9))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    firsts, frames = pictures()
    waves = sounds()
    clips = Clips(
        first=np.arange(CLIPS), part=np.repeat([0, 1, 2], [8, 2, 2]), emotion=np.arange(CLIPS) % 2,
        voice=np.arange(CLIPS) // 2 % 2, m=np.ones(CLIPS),
        number=np.tile(np.arange(1, 2 * KEPT, 2), (CLIPS, 1)),
        mouth=np.full((CLIPS, KEPT, 2), [10.0, 24.0]), ends=np.cumsum([len(w) for w in waves]),
    )  # fmt: skip
    all_of_them = np.concatenate([firsts, frames.reshape(-1, SIZE, SIZE, 3)])
    file = tmp_path_factory.mktemp("data") / "clips.safetensors"
    joined = np.concatenate([coded(w) for w in waves])
    said = sayings()
    save_data(file, coding.encode(all_of_them), joined, clips, EMOTIONS, said, licence="CC0-1.0")
    return file


@pytest.fixture(scope="module")
def data(path):
    return load_data(path)


def no_features(pictures):
    return [pictures.mean((2, 3))]


def test_a_file_gives_back_pictures_sounds_and_labels(data):
    firsts, frames = pictures()
    assert np.abs(data.frames[:, :, :8].astype(int) - frames[:, :, :8]).max() <= 6
    assert np.abs(data.firsts.astype(int) - firsts).max() <= 6
    for row, wave in enumerate(sounds()):
        assert np.abs(data.sound(row) - wave).max() < 0.03
    assert data.clips.where("test").tolist() == [10, 11]
    assert data.facts["licence"] == "CC0-1.0"
    with pytest.raises(ValueError, match="cannot be read as training data"):
        load_data(Path(__file__))


def test_a_code_lies_within_half_a_step_of_its_sample():
    x = np.linspace(-1, 1, 20_001)
    assert (np.abs(decoded(coded(x)) - x) <= 0.0225 * (np.abs(x) + 1 / 255)).all()


def test_devices_share_the_batch_that_one_would_see(data):
    settings = replace(FIRST, flip=True, variation=VariationSettings(light=0.2, shape=2.0))
    task = Speaking("first", NETWORK, settings, data, no_features)
    whole = task.batch(3, slice(None))
    shares = [task.batch(3, slice(rank, None, 2)) for rank in (0, 1)]
    for rank, part in enumerate(shares):
        for name in ("picture", "video", "shown", "emotion", "mouth", "between"):
            torch.testing.assert_close(getattr(part, name), getattr(whole, name)[rank::2])
    assert (whole.shown.diff(dim=1) > 0).all()  # in order, for a critic that follows the video


def test_a_mirrored_clip_has_its_mouth_where_it_is_seen(data):
    task = Speaking("first", NETWORK, replace(FIRST, batch=8, flip=True), data, no_features)
    seen = task.batch(0, slice(None))
    assert set(seen.mouth[..., 0].flatten().tolist()) == {10.0, SIZE - 10.0}
    dark = (seen.video.mean(2) < -0.7).float()  # (n, k, S, S)
    at = (dark * (torch.arange(SIZE) + 0.5)).sum((2, 3)) / dark.sum((2, 3))
    torch.testing.assert_close(at, seen.mouth[..., 0], atol=0.5, rtol=0)


def test_what_is_drawn_of_a_clip_is_what_the_whole_clip_has(data):
    network = TalkingFace(NETWORK).eval()
    rows = np.arange(3)
    sound = data.together(rows, HOP)
    noise = torch.randn(3, sound.shape[1] // HOP, 4, generator=torch.Generator().manual_seed(1))
    asked = (data.pictures(rows), sound, torch.eye(2)[[0, 1, 0]], noise)
    shown = torch.tensor([[0, 2], [1, 5], [3, 4]])
    whole, some = network(*asked), network(*asked, shown)
    torch.testing.assert_close(some, torch.stack([whole[i, at] for i, at in enumerate(shown)]))


def test_a_composed_frame_moves_pixels_of_the_picture_exactly():
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    planes = torch.zeros(1, 1, 6, 16, 16)
    planes[:, :, 3] = -100  # nothing is drawn
    composed = Composed(reach=0.25)
    torch.testing.assert_close(composed(planes, picture)[:, 0], picture, atol=1e-5, rtol=0)
    planes[:, :, 4] = 100  # fetch as far to the right as may be: 4 pixels
    moved = composed(planes, picture)[0, 0]
    torch.testing.assert_close(moved[..., :12], picture[0, ..., 4:], atol=1e-4, rtol=0)
    planes[:, :, 3] = 100  # everything is drawn
    assert composed(planes, picture).abs().max() < 1e-6


def test_weights_of_emotions_sum_to_one_and_rest_on_neutral():
    found = strengths(torch.tensor([0, 0, 1]), torch.tensor([1.0, 0.25, 0.5]), EMOTIONS)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]]))


def test_it_learns_to_show_the_emotion_that_is_asked_for(data, tmp_path):
    settings = replace(FIRST, steps=120, batch=8, rate=4e-3, floor=1.0)
    task = Speaking("first", NETWORK, settings, data, no_features)
    train(task, tmp_path, RUN)
    rows = data.clips.where("test")
    noise = torch.zeros(2, data.together(rows, HOP).shape[1] // HOP, 4)

    def upper(emotion: int):
        asked = torch.eye(2)[[emotion, emotion]]
        with torch.no_grad():
            made = task.face(2 * data.pictures(rows) - 1, data.together(rows, HOP), asked, noise)
        return (made[:, 3, 0, :12] - made[:, 3, 2, :12]).mean((1, 2))  # red over blue

    angry, neutral = upper(0), upper(1)
    assert (angry > 0.7).all()  # true: (220 - 60) / 127.5 = 1.25
    assert (neutral < 0.3).all()


def test_the_speech_encoder_learns_to_hear_when_the_mouth_opens(data, tmp_path):
    assert data.sayings is not None
    np.testing.assert_array_equal(data.sayings.mouths, sayings().mouths)
    task = Hearing(data, SPEECH, HearingSettings(steps=400, batch=8, rate=1e-2))
    seen = task.batch(0, slice(None))
    halves = [task.batch(0, slice(rank, None, 2)) for rank in (0, 1)]
    torch.testing.assert_close(torch.stack([h.sound for h in halves], 1).flatten(0, 1), seen.sound)
    train(task, tmp_path, RUN)
    said, mouth = sayings().saying(2, HOP)
    with torch.no_grad():
        heard = task.mouth(task.speech(torch.from_numpy(said)[None]))[0, :, 0].numpy()
    assert np.corrcoef(heard, mouth[:, 0])[0, 1] > 0.6
    with pytest.raises(TrainingError, match="holds no sayings"):
        Hearing(replace(data, sayings=None), SPEECH, HearingSettings())


def test_an_interrupted_training_ends_with_the_same_weights(path, data, tmp_path):
    recipe = replace(TINY, hearing=HearingSettings(steps=3, batch=2))
    whole = learn(data, tmp_path / "whole", recipe, RUN)
    again = None
    for _ in range(20):
        steps = iter(range(4))

        def show(done, total, steps=steps) -> None:
            next(steps)  # StopIteration after four

        with suppress(StopIteration):
            again = learn(data, tmp_path / "parts", recipe, RUN, lambda _, show=show: show)
            break
    assert again is not None
    assert again.read_bytes() == whole.read_bytes()
    network, weights = load_model(whole)
    assert network.settings == NETWORK
    assert weights.facts["data_sha256"] == data.facts["sha256"]
    with pytest.raises(TrainingError, match="another training has begun there"):
        learn(data, tmp_path / "whole", replace(recipe, first=replace(FIRST, rate=1.0)), RUN)


def test_in_the_second_stage_all_three_learn_and_perception_does_not(data, tmp_path):
    settings = replace(FIRST, steps=2, adversaries=True, shares=Shares(frame=1.0, emotion=1.0))
    task = Speaking("second", NETWORK, settings, data, no_features, CRITICS)
    before = {name: [p.clone() for p in net.parameters()] for name, net in task.networks.items()}
    train(task, tmp_path, replace(RUN, log_every=1))
    for name, network in task.networks.items():
        changed = [not torch.equal(a, b) for a, b in
                   zip(before[name], network.parameters(), strict=True)]  # fmt: skip
        assert any(changed), name
        assert all(p.requires_grad for p in network.parameters())


def test_the_second_stage_alone_ends_as_after_the_first(data, tmp_path):
    """From the first stage's weights, in float16: the same but for their rounding."""
    recipe = replace(TINY, first=replace(FIRST, rate=5e-3))
    both = learn(data, tmp_path / "both", recipe, RUN)
    first = learn(data, tmp_path / "first", replace(recipe, second=None), RUN)
    looks = Looks(str(tmp_path / "both" / PERCEPTION))
    alone = learn_second(data, tmp_path / "alone", first, recipe, RUN, looks=looks)
    before, at_once, later = (
        torch.nn.utils.parameters_to_vector(load_model(file)[0].parameters())
        for file in (first, both, alone)
    )
    moved = (at_once - before).norm()
    assert moved > 0
    assert (later - at_once).norm() < 0.1 * moved
    told = json.loads(load_model(alone)[1].facts["training"])
    assert told["first"]["steps"] == told["second"]["steps"] * 2 == 6
    assert told["critics"]["hidden"] == CRITICS.hidden
    assert load_model(alone)[1].facts["second_data_sha256"] == data.facts["sha256"]
    for wrong, why in (
        (replace(recipe, second=None), "take the recipe shipped"),
        (replace(recipe, second=replace(FIRST, rate=1.0, adversaries=True)), "another training"),
    ):
        with pytest.raises(TrainingError, match=why):
            learn_second(data, tmp_path / "alone", first, wrong, RUN, looks=looks)
    with pytest.raises(TrainingError, match="128 pixels|the data show"):
        learn_second(data, tmp_path / "other", TALKING, recipe, RUN)


def test_an_ear_that_is_to_stay_as_it_is_does(data, tmp_path):
    settings = replace(FIRST, steps=2, adversaries=True, speech_share=0.0)
    task = Speaking("second", NETWORK, settings, data, no_features, CRITICS)
    before = {name: tensor.clone() for name, tensor in task.face.state_dict().items()}
    train(task, tmp_path, RUN)
    moved = {name for name, now in task.face.state_dict().items() if not before[name].equal(now)}
    assert moved
    assert not any(name.startswith("speech") for name in moved)


def test_a_training_that_looks_through_another_s_network_ends_as_that_one(data, tmp_path):
    recipe = replace(TINY, second=None)
    first = learn(data, tmp_path / "first", recipe, RUN)
    kept = str(tmp_path / "first" / PERCEPTION)
    again = learn(data, tmp_path / "again", recipe, RUN, looks=Looks(kept))
    assert not (tmp_path / "again" / PERCEPTION).exists()
    stranger = replace(recipe, perception=replace(recipe.perception, seed=2))
    far = learn(data, tmp_path / "far", stranger, RUN)
    assert load_perception(Path(kept))[1].facts["sha256"] in load_model(again)[1].facts["training"]
    whole = [torch.nn.utils.parameters_to_vector(load_model(file)[0].parameters())
             for file in (first, again, far)]  # fmt: skip
    apart = [(whole[0] - one).abs().max().item() for one in whole[1:]]
    assert apart[0] < 0.01 * apart[1]
    for looks, why in (
        (Looks(str(first)), "give weights of talking-face-perception"),
        (Looks("nowhere.safetensors"), "no such file"),
        (Looks(SHIPPED_LOOKS, Path("vgg19.safetensors")), "give one"),
    ):
        with pytest.raises(WeightsError, match=why):
            learn(data, tmp_path / "refused", recipe, RUN, looks=looks)


def test_the_shipped_network_knows_emotions_and_mouths_of_people_it_never_saw(tmp_path):
    people = [actor("31"), actor("34")]
    network, weights = load_perception(SHIPPED_FILE)
    assert weights.facts["licence"] == "CC0-1.0"
    place = eyes_to(np.array(sorted(camera.eye_pixels(DRAWN))), ArraySettings().eyes)
    curve = np.stack([facs.weights(emotion, 1.0) for emotion in SIX])
    studio, right, far = Studio(size=DRAWN, supersample=2, cache_dir=tmp_path), 0, []
    for person in people:
        pictures = [cut(picture, place, 128)[0] for picture in clip(person, curve, studio)]
        seen = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 127.5 - 1
        said, found = network(seen)
        right += int((said.argmax(1) == torch.arange(len(SIX))).sum())
        low = (
            found * torch.tensor([0.01, 0.02]) + torch.tensor([0.5, 0.72])
        ).detach().numpy() * 128
        far.append(np.linalg.norm(low - place(mouth_pixels(person, curve, DRAWN)), axis=-1))
    assert right >= 9  # of 12; two by chance
    assert np.mean(far) < 4  # pixels of 128
    kept, features = Looks(SHIPPED_LOOKS).read()
    assert kept == weights.facts["sha256"]
    assert features is not None
    assert [len(maps[0, 0]) for maps in features(seen)] == [64, 32, 16, 8, 4]

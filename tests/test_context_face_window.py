"""Faces move inside a window of their crop; what lies outside stays, whatever networks say."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are not tested")

from models.context_face.composer import Composer, fetched, placed  # noqa: E402
from models.context_face.inference import FastComposer  # noqa: E402
from models.context_face.network import ContextFace  # noqa: E402
from models.context_face.settings import (  # noqa: E402
    ComposerSettings,
    ContextFaceSettings,
    MelSettings,
    VaeSettings,
)
from models.context_face.vae import Latent  # noqa: E402
from models.context_face.window import Window  # noqa: E402
from models.layers import Places, begin  # noqa: E402

SIZE, LATENT = 64, 6
ROWS, COLUMNS = slice(8, 64), slice(8, 56)  # an eighth above, left and right of 64
SEES = ComposerSettings(widths=(6, 8, 8), around=5, places=True)


def seeded(number: int):
    return torch.Generator().manual_seed(number)


def lively() -> Composer:
    """A composer whose frames differ from what it is given, and whose places differ."""
    made = Composer(SEES, LATENT, SIZE)
    begin(made, seeded(1), lively=True)
    with torch.no_grad():
        for maps in made.places.parameters():
            maps.normal_(std=0.2, generator=seeded(2))  # frames stay near [0, 1]
    return made.eval()


def material():
    return *torch.rand(3, 4, 3, SIZE, SIZE, generator=seeded(3)), torch.randn(
        4, LATENT, generator=seeded(4)
    )


def test_what_is_put_back_is_what_was_cut():
    window, x = Window.of(SIZE), torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(window.cut(x), x[:, :, ROWS, COLUMNS])
    assert torch.equal(window.put(window.cut(x), x), x)
    marked = window.put(torch.full((2, 3, 56, 48), 5.0), x)
    assert (marked[:, :, ROWS, COLUMNS] == 5).all()
    assert (marked == 5).sum() == 2 * 3 * 56 * 48
    assert (x < 5).all(), "the picture itself stays"


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64, 96, 128, 256])
def test_windows_can_be_halved_thrice_and_hold_the_places_that_are_learned(size):
    window, (top, bottom, left, right) = Window.of(size), Places.MIDDLE
    for edge in (window.top, window.bottom, window.left, window.right):
        assert edge % 8 == 0
        assert 0 <= edge <= size
    assert window.top <= round(top * size / 2) * 2
    assert window.bottom >= round(bottom * size / 2) * 2
    assert window.left <= round(left * size / 2) * 2
    assert window.right >= round(right * size / 2) * 2


def test_frames_outside_the_window_are_the_given_picture_and_fade_into_it():
    given, rest, drawn, shift = material()
    with torch.inference_mode():
        frame = lively()(given, rest, drawn, shift)
    off = (frame - given).abs().amax((0, 1))  # (S, S)
    outside = torch.ones(SIZE, SIZE, dtype=torch.bool)
    outside[ROWS, COLUMNS] = False
    assert torch.equal(off[outside], torch.zeros(int(outside.sum())))
    assert off[20:60, 20:44].mean() > 0.1
    border = (frame - given).abs().mean((0, 1))[ROWS, COLUMNS]
    assert border[0].max() == 0
    assert border[:, [0, -1]].max() == 0
    assert border[-1, 8:-8].mean() > 0.05, (
        "the lower edge is that of the crop itself: a chin may be there"
    )


def test_what_is_outside_the_window_changes_nothing_inside_but_what_is_fetched():
    given, rest, drawn, shift = material()
    composer = lively()
    with torch.inference_mode():
        one = composer(given, rest, drawn, shift)
        for x in (rest, drawn):
            x[:, :, :8] = 0.5
            x[:, :, :, 56:] = 0.5
        other = composer(given, rest, drawn, shift)
    assert torch.equal(one, other)


def test_pixels_are_fetched_from_the_whole_picture():
    window, x = Window.of(SIZE), torch.rand(2, 3, SIZE, SIZE, generator=seeded(4))
    still = torch.zeros(2, 2, 56, 48)
    torch.testing.assert_close(fetched(x, still, window), window.cut(x), atol=1e-5, rtol=0)
    far = still.clone()
    far[:, 1] = -5 * 2 / SIZE  # five pixels above: at the upper edge, from outside the window
    torch.testing.assert_close(fetched(x, far, window), x[:, :, 3:59, COLUMNS], atol=1e-5, rtol=0)


def test_places_of_a_window_are_those_of_the_whole():
    window = Window.of(SIZE).halved()
    whole, part = Places(3, SIZE // 2), placed(3, window)
    x = torch.randn(2, 3, SIZE // 2, SIZE // 2, generator=seeded(5))
    with torch.no_grad():
        for mine, theirs in zip(whole.parameters(), part.parameters(), strict=True):
            mine.normal_(generator=seeded(6))
            theirs.copy_(mine)
    torch.testing.assert_close(part(window.cut(x)), window.cut(whole(x)))


def test_the_quick_composer_has_the_same_window():
    composer, parts = lively(), material()
    quick = FastComposer(composer).eval()
    with torch.inference_mode():
        wanted, made = composer(*parts), quick(*parts)
        torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
        for row in range(4):
            assert torch.equal(quick(*(x[row : row + 1] for x in parts))[0], made[row])


def test_a_series_is_composed_of_what_is_decoded_one_by_one():
    small = VaeSettings(size=SIZE, widths=(6, 8, 10), latent=LATENT, stem_stride=2)
    network = ContextFace(ContextFaceSettings(
        face=small, context=VaeSettings(channels=1, size=SIZE, widths=(4, 6), latent=LATENT),
        mel=MelSettings(bins=SIZE, frames=SIZE), composer=SEES,
    ))  # fmt: skip
    begin(network, seeded(10), lively=True)
    network.eval()
    given = torch.rand(2, 3, SIZE, SIZE, generator=seeded(11))
    face = network.encode_faces(given)
    voice = Latent(*torch.randn(2, 2, LATENT, generator=seeded(12)))
    levels = (0.0, 0.5, 1.0)
    made = network.series(face, voice, levels, given=given)
    with torch.inference_mode():
        shift = network.shift(face, voice).mu
        for row in range(2):
            for column, m in enumerate(levels):
                one = slice(row, row + 1)
                rest, drawn = (network.decode(face.mu[one] + far * shift[one]) for far in (0, m))
                wanted = network.compose(given[one], rest, drawn, m * shift[one])[0]
                torch.testing.assert_close(made[row, column], wanted, atol=1e-4, rtol=0)
    assert torch.equal(made[:, 0], given)
    assert (made[:, 2] - given).abs().max() > 0.05

"""The generator of Eskimez et al. 2021, section III-A: picture, voice and emotion to a video.

Pictures and frames are (…, 3, S, S) in [-1, 1]; sound (N, samples) at 8 kHz; emotions (N, E) are
weights, 1 for the one that is shown; noise (N, frames, noise) is drawn from a unit Gaussian.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from models.talking_face.decoder import VideoDecoder
from models.talking_face.encoders import EmotionEncoder, NoiseEncoder, PictureEncoder
from models.talking_face.inference import FastDecoder
from models.talking_face.settings import PAPER, TalkingFaceSettings
from models.talking_face.speech import SpeechEncoder, pieces, whole_frames

PIECE = 25  # frames that are decoded together: one second
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class TalkingFace(nn.Module):
    """Encoders and decoder; forward is training's, `speak` makes stimuli."""

    def __init__(self, settings: TalkingFaceSettings = PAPER) -> None:
        super().__init__()
        self.settings = settings
        self.speech = SpeechEncoder(settings.speech)
        self.picture = PictureEncoder(settings)
        self.emotion = EmotionEncoder(settings)
        self.noise = NoiseEncoder(settings)
        self.decoder = VideoDecoder(settings)

    def forward(
        self, picture: Tensor, sound: Tensor, emotion: Tensor, noise: Tensor,
        shown: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Videos (N, T, 3, S, S) of N pictures, sounds of T whole frames, emotions and noises.

        shown: (N, k), which frames are drawn, (N, k, 3, S, S); None: all.
        """
        portrait = self.picture(picture)
        heard, drawn = self.speech(sound), self.noise(noise)[0]
        if shown is not None:
            each = torch.arange(len(shown), device=shown.device)[:, None]
            heard, drawn = heard[each, shown], drawn[each, shown]
        joined = joined_with(heard, portrait.embedding, drawn, self.emotion(emotion))
        return self.decoder(joined, self.decoder.still(portrait))

    @torch.inference_mode()
    def speak(
        self,
        picture: Tensor,
        sound: Tensor,
        emotions: Tensor,
        generator: torch.Generator,
        precision: str = "float32",
        piece: int = PIECE,
    ) -> Iterator[Tensor]:
        """Frames (E, n, 3, S, S) of one face and one voice in E emotions, piece after piece.

        The first frame is the picture: networks learn from clips that begin with theirs (section
        IV-A), and have never been asked for it.

        In all there are round(25 * seconds) frames, whatever the length, in the same memory. The
        picture is encoded, and its share of the decoder computed, once; the voice once for all
        emotions. The emotions differ by nothing else: they share the noise, which is drawn frame by
        frame, so that it does not depend on `piece`.

        Args:
            picture: (3, S, S) in [-1, 1].
            sound: (samples,) at 8 kHz in [-1, 1].
            emotions: (E, emotions), weights of each video's emotion.
            generator: on the CPU, of this stimulus.
            precision: of the decoder's convolutions, which take most time: one of PRECISIONS.
            piece: frames that are decoded together.

        Raises:
            ValueError: The sound is shorter than half a frame.
        """
        device, n = picture.device, len(emotions)
        sound = whole_frames(sound[None], self.settings.speech)
        decode = FastDecoder(self.decoder, PRECISIONS[precision])
        portrait = self.picture(picture[None].contiguous(memory_format=torch.channels_last))
        still, felt = self.decoder.still(portrait), self.emotion(emotions)
        of_speech = of_noise = None
        for first, last in pieces(self.speech.frames(sound), piece):
            heard, of_speech = self.speech.in_order(
                self.speech.heard(sound, first, last), of_speech
            )
            numbers = drawn_by_frame(last - first, self.settings.noise, generator)
            drawn, of_noise = self.noise(numbers[None].to(device), of_noise)
            joined = joined_with(
                heard.expand(n, -1, -1), portrait.embedding.expand(n, -1),
                drawn.expand(n, -1, -1), felt,
            )  # fmt: skip
            frames = decode(joined, still.for_all(n))
            if first == 0:
                frames[:, 0] = picture
            yield frames


def joined_with(heard: Tensor, portrait: Tensor, drawn: Tensor, felt: Tensor) -> Tensor:
    """Embeddings side by side: (N, T, sum of widths).

    heard, drawn (N, T, width); portrait, felt (N, width), the same for all frames.
    """
    frames = heard.shape[1]
    return torch.cat([
        heard, portrait[:, None].expand(-1, frames, -1), drawn,
        felt[:, None].expand(-1, frames, -1),
    ], 2)  # fmt: skip


def drawn_by_frame(frames: int, width: int, generator: torch.Generator) -> Tensor:
    """Numbers (frames, width), drawn frame by frame."""
    return torch.stack([torch.randn(width, generator=generator) for _ in range(frames)])

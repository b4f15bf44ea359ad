"""Verbs of mien's synthetic actors: `mien cast`, `face`, `voice`, `align`, `sync-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import progress, say

app = typer.Typer()
CastOption = Annotated[
    Path | None, typer.Option(help="Folder of a cast made with mien cast; default: mien's own.")
]


@app.command("cast")
def cast_actors(
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Actors that the folder shall hold.")],
    age: Annotated[str, typer.Option(help="Youngest and oldest, in years.")] = "20-75",
    balance: Annotated[
        str, typer.Option(help="What is dealt out evenly: gender, origin, both, or none.")
    ] = "gender,origin",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people.")] = 1,
    distance: Annotated[
        float, typer.Option(help="Least identity distance of any two; mien's own cast: 0.05.")
    ] = 0.035,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the cast.")] = Path("cast"),
) -> None:
    """Cast more synthetic actors, all unlike each other and mien's own; goes on where it stopped.

    Needs the part `cast` (PyTorch and Anny); drawing the actors does not.

    Example: mien cast --n 200 --age 20-40 --balance gender,origin
    """
    from stimuli.actors.own_cast import Settings, make_cast

    with progress("cast") as show:
        outcome = make_cast(out, n, Settings.read(seed, age, balance, distance), progress=show)
    for line in outcome.lines():
        say(line)


@app.command()
def face(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="FACS units with letters A to E.")
    ] = None,
    actor: Annotated[str, typer.Option(help="Whose face, by id.")] = "01",
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture (PNG).")] = Path("face.png"),
    size: Annotated[int, typer.Option(help="Pixels a side, 64 to 2048.")] = 512,
    emotion: Annotated[str | None, typer.Option(help="Instead of a code: an emotion.")] = None,
    m: Annotated[float | None, typer.Option(help="Its strength, 0 to 1; more: caricature.")] = None,
    valence: Annotated[float | None, typer.Option(help="Instead: -1 to 1, with arousal.")] = None,
    arousal: Annotated[float | None, typer.Option(help="-1 to 1, with valence.")] = None,
    glasses: Annotated[str, typer.Option(help="metal, rectangular, round or none.")] = "none",
    beard: Annotated[
        str, typer.Option(help="shaven, stubble, moustache, goatee, full, or own.")
    ] = "own",
    cast: CastOption = None,
) -> None:
    """Draw one face: FACS action units, an emotion, or a point of the valence-arousal plane.

    Example: mien face AU12D+6C --actor 07 --size 256 --glasses round --beard goatee -o face.png
    """
    from stimuli.face import draw_face

    asked = {"code": code, "emotion": emotion, "m": m, "valence": valence, "arousal": arousal}
    say(draw_face(out, actor, size, **asked, glasses=glasses, beard=beard, cast=cast))


@app.command()
def voice(
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="Its code, or its words.")],
    actor: Annotated[str, typer.Option(help="Whose voice, by id.")] = "01",
    out: Annotated[Path, typer.Option("-o", "--out", help="WAV or FLAC.")] = Path("voice.wav"),
    emotion: Annotated[str | None, typer.Option(help="In this emotion.")] = None,
    m: Annotated[float, typer.Option(help="Its strength, 0 to 1.")] = 1.0,
    cast: CastOption = None,
) -> None:
    """Say a sentence in an actor's voice: a shipped one by its code or text, or a new one.

    New sentences need the part `voices`. Phones with their times go into a .json beside the sound.

    Example: mien voice kids --actor 07 --emotion happy -o kids.wav
    """
    from stimuli.voices.speaking import speak

    for line in speak(sentence, actor, out, emotion, m, cast):
        say(line)


@app.command()
def align(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording (WAV, FLAC, OGG).")],
    sentence: Annotated[str, typer.Argument(metavar="TEXT", help="What it says, word for word.")],
) -> None:
    """Find when each phone of your own recording is said; needs the part `voices`.

    Example: mien align kids.wav kids
    """
    from stimuli.voices.speaking import align_file

    for line in align_file(file, sentence):
        say(line)


@app.command("sync-test")
def sync_test(
    out: Annotated[Path, typer.Option("-o", "--out", help="The film (MP4).")] = Path(
        "sync-test.mp4"
    ),
    seconds: Annotated[int, typer.Option(help="Its length, 2 to 600.")] = 20,
) -> None:
    """Write a film of flashes and beeps, to measure when pictures and sounds really come.

    Example: mien sync-test -o sync-test.mp4
    """
    from stimuli.sync_test import write_sync_test

    say(write_sync_test(out, seconds))

"""The command `mien`: each verb imports the folder it needs only when it is called."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from protocols.errors import UserError

# Small matrices gain nothing from threads, and one thread gives the same last digits everywhere.
# To be set before NumPy is first imported; whoever knows better sets them in the environment.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

app = typer.Typer(
    help="One YAML protocol into stimuli, a study and a report.\n\n"
    "Example: mien check protocols/demo.yaml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
study_app = typer.Typer(
    help="Build and serve the web study.\n\nExample: mien study build studies/demo",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(study_app, name="study")
corpus_app = typer.Typer(
    help="Faces and voices that you own, read where you keep them.\n\n"
    "Example: mien corpus info faces",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(corpus_app, name="corpus")
console = Console(highlight=False, soft_wrap=True)
INTERRUPTED = 130  # exit code of a command that Ctrl-C stopped
EXTRAS = {"stimuli": "stimuli", "experiments": "web", "analysis": "analysis"}  # folder -> part
errors = Console(stderr=True, highlight=False, soft_wrap=True)

ProtocolFile = Annotated[
    Path, typer.Argument(metavar="PROTOCOL", help="A protocol (YAML), or a study folder.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A study folder.")]
GeneratorOption = Annotated[
    str | None, typer.Option(help="Use this generator instead of the protocol's.")
]


def main() -> None:
    """Run the command; a user's mistake ends in its message alone, and exit code 1."""
    try:
        code = app(standalone_mode=False) or 0
    except typer.TyperException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        _say(error)
        sys.exit(1)
    except ModuleNotFoundError as error:
        _say(_not_installed(error))
        sys.exit(1)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        if not _began_with_ctrl_c(error):
            raise
        code = INTERRUPTED
    if code == INTERRUPTED:
        errors.print("interrupted; run the same command again to go on where it stopped")
    sys.exit(code)


def _began_with_ctrl_c(error: BaseException | None) -> bool:
    """Whether an error is what Ctrl-C left behind, such as a pool of processes cut in two."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _not_installed(error: ModuleNotFoundError) -> UserError:
    """Which part of mien brings a package that is missing, by the folder that imports it."""
    frames = traceback.walk_tb(error.__traceback__)
    folders = [str(frame.f_globals.get("__name__")).split(".")[0] for frame, _ in frames]
    part = next((EXTRAS[folder] for folder in reversed(folders) if folder in EXTRAS), None)
    if part is None or error.name is None or error.name.split(".")[0] in EXTRAS:
        raise error  # no missing package, but a bug of ours
    return UserError(
        f"{error.name} is not installed; this verb needs the part '{part}' of mien: "
        f'pip install ".[{part}]" in the folder of mien'
    )


def _say(error: UserError) -> None:
    for line in str(error).splitlines():
        errors.print(line, markup=False)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Protocols, manifests "
                                                "(stimuli.tsv) or ratings (ratings.csv).")],
) -> None:  # fmt: skip
    """Check protocols, manifests and ratings, and name the line of every problem.

    Example: mien check protocols/*.yaml
    """
    from protocols.checking import check_file

    bad = 0
    for file in files:
        try:
            console.print(f"{file}: {check_file(file)}", markup=False)
        except UserError as error:
            bad += 1
            _say(error)
    if bad:
        raise typer.Exit(1)


@app.command()
def schema(
    out: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path(
        "mien.schema.json"
    ),
) -> None:
    """Write the JSON Schema that gives completion for protocols in VS Code.

    Example: mien schema mien.schema.json
    """
    from protocols.schema import write_schema

    path = write_schema(out)
    console.print(f"{path}: put this line on top of a protocol for completion in VS Code:")
    console.print(f"# yaml-language-server: $schema={path.name}", markup=False)


@app.command()
def plan(
    protocol: ProtocolFile,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Also write the plan into this study.")
    ] = None,
    generator: GeneratorOption = None,
) -> None:
    """Plan lists and orders, and print how balanced they are.

    Example: mien plan protocols/blume2024-experiment2.yaml
    """
    from stimuli.corpora import identities_of
    from stimuli.plan import make_plan, write_plan

    loaded = _load(protocol, generator)
    out = protocol if out is None and protocol.is_dir() else out
    people = identities_of(loaded)
    planned = make_plan(loaded, people)
    for table in planned.tables():
        console.print(table)
    if out is not None:
        from protocols.study import Study

        study = Study(out)
        study.freeze(loaded)
        console.print(f"{write_plan(study, loaded, people)}", markup=False)


@app.command()
def generate(
    protocol: ProtocolFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="The study folder, new or the same.")],
    generator: GeneratorOption = None,
    batch_size: Annotated[int, typer.Option(min=1, max=4096, help="Stimuli at a time.")] = 16,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes.")] = None,
    preview: Annotated[bool, typer.Option(help="Only a contact sheet of a few stimuli.")] = False,
    verify: Annotated[bool, typer.Option(help="Read files that are there: SHA-256.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder for what generators prepare.")] = None,
) -> None:
    """Make the stimuli of a protocol and their manifest; resumes after any interruption.

    Example: mien generate protocols/demo.yaml -o studies/demo
    """
    from stimuli import generate as story

    loaded = _load(protocol, generator)
    if preview:
        path = story.preview(loaded, Path(f"{out}-preview.png"), cache)
        console.print(f"{path}: look at it, then run the same command without --preview")
        return
    workers = workers or min(8, os.cpu_count() or 1)
    with _progress("generate") as show:
        outcome = story.generate(
            loaded,
            out,
            batch_size=batch_size,
            workers=workers,
            cache=cache,
            verify=verify,
            progress=show,
        )
    for line in outcome.lines():
        console.print(line, markup=False)


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

    with _progress("cast") as show:
        outcome = make_cast(out, n, Settings.read(seed, age, balance, distance), progress=show)
    for line in outcome.lines():
        console.print(line, markup=False)


@app.command()
def face(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="FACS units with letters A to E.")
    ] = None,
    actor: Annotated[str, typer.Option(help="Whose face, by number.")] = "01",
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture (PNG).")] = Path("face.png"),
    size: Annotated[int, typer.Option(help="Pixels a side, 64 to 2048.")] = 512,
    emotion: Annotated[str | None, typer.Option(help="Instead of a code: an emotion.")] = None,
    m: Annotated[float | None, typer.Option(help="Its strength, 0 to 1; more: caricature.")] = None,
    valence: Annotated[float | None, typer.Option(help="Instead: -1 to 1, with arousal.")] = None,
    arousal: Annotated[float | None, typer.Option(help="-1 to 1, with valence.")] = None,
) -> None:
    """Draw one face: FACS action units, an emotion, or a point of the valence-arousal plane.

    Example: mien face AU12D+6C --actor 07 --size 256 -o face.png
    """
    from stimuli.face import draw_face

    asked = {"code": code, "emotion": emotion, "m": m, "valence": valence, "arousal": arousal}
    console.print(draw_face(out, actor, size, **asked), markup=False)


@app.command()
def voice(
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="Its code, or its words.")],
    actor: Annotated[str, typer.Option(help="Whose voice, by number.")] = "01",
    out: Annotated[Path, typer.Option("-o", "--out", help="WAV or FLAC.")] = Path("voice.wav"),
    emotion: Annotated[str | None, typer.Option(help="In this emotion.")] = None,
    m: Annotated[float, typer.Option(help="Its strength, 0 to 1.")] = 1.0,
) -> None:
    """Say a sentence in an actor's voice: a shipped one by its code or text, or a new one.

    New sentences need the part `voices`. Phones with their times go into a .json beside the sound.

    Example: mien voice kids --actor 07 --emotion happy -o kids.wav
    """
    from stimuli.voices.speaking import speak

    for line in speak(sentence, actor, out, emotion, m):
        console.print(line, markup=False)


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
        console.print(line, markup=False)


@study_app.command("build")
def study_build(folder: Folder) -> None:
    """Write the web study (jsPsych) into DIR/web.

    Example: mien study build studies/demo
    """
    from experiments.build import build_web
    from protocols.study import Study

    web = build_web(Study(folder), console.print)
    console.print(f"{web}: serve it with: mien study serve {folder}", markup=False)


@study_app.command("serve")
def study_serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
) -> None:
    """Serve the web study, save every answer as it comes, keep the lists balanced.

    Example: mien study serve studies/demo --port 8000
    """
    from experiments.serve import serve
    from protocols.study import Study

    serve(Study(folder), host, port, console.print)


@study_app.command("export")
def study_export(folder: Folder) -> None:
    """Write ratings.csv and participants.csv from every session stored so far.

    Example: mien study export studies/demo
    """
    from experiments.export import export
    from protocols.study import Study

    for path in export(Study(folder)):
        console.print(f"{path}", markup=False)


@study_app.command("import")
def study_import(
    folder: Folder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table of ratings (CSV).")],
    source: Annotated[str, typer.Option(help="import (people) or model (predictions).")] = "import",
    mapping: Annotated[
        str | None,
        typer.Option("--map", help="YAML: which of its columns are which; see docs/importing.md."),
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option(help="For a new study: its protocol (YAML).")
    ] = None,
) -> None:
    """Bring ratings from elsewhere, or a model's predictions, into a study, and export.

    Example: mien study import studies/votes tabulatedVotes.csv --map crema-d-votes
    --protocol protocols/crema-d-votes.yaml
    """
    from experiments.export import export
    from experiments.importing import import_ratings
    from experiments.mapping import Mapping, load_mapping
    from protocols.study import Study

    study = Study(folder)
    if protocol is not None:
        study.freeze(_load(protocol, None))
    read_as = load_mapping(mapping) if mapping else Mapping()
    console.print(import_ratings(study, file, source, read_as), markup=False)
    for path in export(study):
        console.print(f"{path}", markup=False)


@corpus_app.command("add")
def corpus_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="ravdess, crema-d, mead, celeba, "
                                        "affectnet, react2024, or folder: material of your own.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder in which you keep it.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: corpora/NAME.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="For folder: YAML; see docs/corpora.md.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the parts without a common actor.")] = 0,
) -> None:  # fmt: skip
    """Read a corpus where you keep it, write a table of its clips, name everything that is wrong.

    Example: mien corpus add folder faces --map faces.yaml
    """
    from stimuli.corpora.prepare import adapter_for, add_corpus

    adapter = adapter_for(name, mapping)
    with _progress("look at files") as show:
        outcome = add_corpus(adapter, path, out, seed=seed, progress=show)
    for line in outcome.lines():
        console.print(line, markup=False)


@corpus_app.command("info")
def corpus_info(
    corpus: Annotated[
        str, typer.Argument(metavar="DIR|NAME", help="A prepared corpus, or its name in corpora/.")
    ],
) -> None:
    """Show what a prepared corpus holds: clips per cell, what is missing, licence, contact sheet.

    Example: mien corpus info faces
    """
    from stimuli.corpora.info import describe, find_corpus

    info = describe(find_corpus(corpus))
    for table in info.tables:
        console.print(table)
    for line in info.lines:
        console.print(line, markup=False)


@app.command()
def simulate(
    folder: Folder,
    n: Annotated[int, typer.Option("-n", min=1, max=100_000, help="Participants.")] = 80,
    seed: Annotated[int | None, typer.Option(help="Default: the protocol's seed.")] = None,
) -> None:
    """Play simulated participants, with stated effects, through the study server.

    Example: mien simulate studies/demo -n 80
    """
    from experiments.simulate import simulate as play
    from protocols.study import Study

    with _progress("simulate") as show:
        outcome = play(Study(folder), n, seed=seed, progress=show)
    for line in outcome.lines():
        console.print(line, markup=False)


@app.command()
def report(
    folder: Folder,
    source: Annotated[
        str | None, typer.Option(help="web, lab, import or simulation; default: real data if any.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="mien, pymer4 or rscript (R with lmerTest), or both: mien beside R.")
    ] = "mien",
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of another study, for analysis.beside; may be repeated."),
    ] = None,
) -> None:
    """Analyse the ratings as the protocol declares, and write DIR/report/report.html.

    Example: mien report studies/demo
    """
    from analysis.report import report as write
    from protocols.study import Study

    path = write(
        Study(folder), source=source, engine=engine, beside=beside or (), tell=console.print
    )
    console.print(f"{path}", markup=False)


@app.command()
def power(
    protocol: ProtocolFile,
    participants: Annotated[
        str | None, typer.Option(help="Numbers to try, such as 40,60,80; default: as planned.")
    ] = None,
    items: Annotated[
        str | None, typer.Option(help="Numbers of identities to try; default: as planned.")
    ] = None,
    simulations: Annotated[
        int, typer.Option(min=1, max=100_000, help="Simulated studies of each size.")
    ] = 500,
    scale: Annotated[
        float, typer.Option(min=0, help="Multiply all assumed effects by this.")
    ] = 1.0,
    effect: Annotated[str | None, typer.Option(help="Show only this test.")] = None,
    pilot: Annotated[
        Path | None, typer.Option(help="Take effects and variances from this study folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the protocol's seed.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: power/NAME of the protocol.")
    ] = None,
) -> None:
    """Simulate the planned analysis before the study: which sample is large enough?

    Example: mien power protocols/demo.yaml --participants 20,40 --items 8 --simulations 20
    """
    from analysis.power.pilot import read_pilot
    from analysis.power.power import power as simulate_power
    from analysis.power.simulate import Grid
    from experiments.imagined import Imagined, scaled
    from protocols.study import Study
    from stimuli.imagined import imagined_trials, sizes, wanted

    loaded = _load(protocol, None)
    planned = wanted(loaded)
    grid = Grid(
        sizes("--participants", participants, planned[0]),
        sizes("--items", items, planned[1]),
        simulations,
    )
    if pilot is None:
        source: Any = Imagined(scaled(loaded, scale))
    else:
        source = read_pilot(Study(pilot), loaded, scale)
    with _progress("power") as show:
        outcome = simulate_power(
            loaded,
            source,
            {size: imagined_trials(loaded, *size) for size in grid.sizes},
            grid,
            out or Path("power") / loaded.name,
            seed=loaded.seed if seed is None else seed,
            scale=scale,
            effect=effect,
            workers=workers or os.cpu_count() or 1,
            progress=show,
        )
    for paragraph in outcome.paragraphs:
        console.print(f"{paragraph}\n", markup=False)
    console.print(f"{outcome.page}", markup=False)


def _load(path: Path, generator: str | None) -> Any:
    from protocols.reading import load

    path = path / "protocol.yaml" if path.is_dir() else path
    return load(path, {"stimuli.generator": generator} if generator else None)


@contextmanager
def _progress(verb: str) -> Iterator[Any]:
    """A progress bar, or a line for each tenth in a log file; yields the function that moves it."""
    if not errors.is_terminal:
        yield _log(verb)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _log(verb: str) -> Any:
    """The function (done, all) that prints a line whenever another tenth is done."""
    said = -1

    def show(done: int, total: int) -> None:
        nonlocal said
        if done * 10 // max(total, 1) > said:
            said = done * 10 // max(total, 1)
            errors.print(f"{verb}: {done} of {total}")

    return show


if __name__ == "__main__":
    main()

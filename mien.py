"""The command `mien`: each verb imports the folder it needs only when it is called."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

import mien_actors
import mien_corpus
import mien_evaluate
import mien_recruit
import mien_study
import mien_train
from mien_terminal import (
    Database,
    Folder,
    bring_up_to_date,
    console,
    errors,
    load_protocol,
    processes,
    progress,
    say,
)
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
app.add_typer(mien_actors.app)
app.add_typer(mien_study.app, name="study")
app.add_typer(mien_recruit.app, name="recruit")
app.add_typer(mien_corpus.app, name="corpus")
app.add_typer(mien_evaluate.app, name="evaluate")
app.add_typer(mien_train.app, name="train")
INTERRUPTED = 130  # exit code of a command that Ctrl-C stopped
EXTRAS = {  # folder -> part
    "models": "models", "stimuli": "stimuli", "experiments": "web", "analysis": "analysis",
}  # fmt: skip
BROUGHT = {  # package -> part, where the folder does not tell
    "boto3": "mturk", "matplotlib": "analysis",
}  # fmt: skip

ProtocolFile = Annotated[
    Path, typer.Argument(metavar="PROTOCOL", help="A protocol (YAML), or a study folder.")
]
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
    part = BROUGHT.get(error.name.split(".")[0], part)
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
            say(f"{file}: {check_file(file)}")
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
    say(f"# yaml-language-server: $schema={path.name}")


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

    loaded = load_protocol(protocol, generator)
    out = protocol if out is None and protocol.is_dir() else out
    people = identities_of(loaded)
    planned = make_plan(loaded, people)
    for table in planned.tables():
        console.print(table)
    if out is not None:
        from protocols.study import Study

        study = Study(out)
        study.freeze(loaded, {stimulus.identity for stimulus in planned.stimuli})
        say(f"{write_plan(study, loaded, people)}")


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

    loaded = load_protocol(protocol, generator)
    if preview:
        path = story.preview(loaded, Path(f"{out}-preview.png"), cache)
        console.print(f"{path}: look at it, then run the same command without --preview")
        return
    with progress("generate") as show:
        outcome = story.generate(
            loaded,
            out,
            batch_size=batch_size,
            workers=processes(workers),
            cache=cache,
            verify=verify,
            progress=show,
        )
    for line in outcome.lines():
        say(line)


@app.command()
def simulate(
    folder: Folder,
    n: Annotated[
        int,
        typer.Option(
            "-n",
            min=1,
            max=100_000,
            help="Participants in all, earlier ones included; ends once every list is full.",
        ),
    ] = 80,
    seed: Annotated[int | None, typer.Option(help="Default: the protocol's seed.")] = None,
    database: Database = None,
    browsers: Annotated[
        int, typer.Option(min=0, help="So many of them click through the study in Chromium.")
    ] = 0,
) -> None:
    """Play simulated participants, with stated effects, through the study server.

    Example: mien simulate studies/demo -n 80
    """
    from experiments.simulate import simulate as play
    from protocols.study import Study

    with progress("simulate") as show:
        outcome = play(
            Study(folder), n, seed=seed, progress=show, database=database, browsers=browsers
        )
    for line in outcome.lines():
        say(line)


@app.command()
def rate(
    folder: Folder,
    raters: Annotated[
        str | None,
        typer.Option(help="head, judge or both (head,judge); default: those that can."),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="scale, linear or isotonic; default: linear where enough people rated, else scale."
        ),
    ] = None,
) -> None:
    """Let models answer the tasks about every picture, beside people's ratings.

    Writes DIR/rated, imports it with source model, and exports; run again, it replaces its own.

    Example: mien rate studies/demo
    """
    from experiments.export import export
    from experiments.importing import import_ratings
    from experiments.mapping import Mapping
    from protocols.study import Study
    from stimuli import rate as story

    study = Study(folder)
    bring_up_to_date(study)  # rules are fitted on everybody who has answered by now
    wanted = None if raters is None else [name.strip() for name in raters.split(",")]
    with progress("look at pictures") as show:
        outcome = story.rate(study, wanted, rule, show)
    for line in outcome.lines:
        say(line)
    say(import_ratings(study, outcome.table, "model", Mapping(), story.MAKER))
    export(study)
    say(f"{outcome.sidecar}: how every answer came about; now run mien report {folder}")


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

    study = Study(folder)
    bring_up_to_date(study)
    say(write(study, source=source, engine=engine, beside=beside or (), tell=console.print))


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
    model: Annotated[
        str | None, typer.Option(help="Simulate only these models, joined by commas.")
    ] = None,
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
    from analysis.power.planned import only
    from analysis.power.power import power as simulate_power
    from analysis.power.simulate import Grid
    from experiments.imagined import Imagined, scaled
    from protocols.study import Study
    from stimuli.imagined import imagined_trials, sizes, wanted

    loaded = load_protocol(protocol)
    if model is not None:
        loaded = only(loaded, [name.strip() for name in model.split(",")])
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
    with progress("power") as show:
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
        say(f"{paragraph}\n")
    say(f"{outcome.page}")


if __name__ == "__main__":
    main()

"""Verbs of a study that runs: `mien study build`, `serve`, `status`, `lab`, `import` and more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import Database, Folder, bring_up_to_date, console, load_protocol, say

app = typer.Typer(
    help="Build and serve the web study.\n\nExample: mien study build studies/demo",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("build")
def study_build(folder: Folder) -> None:
    """Write the web study (jsPsych) into DIR/web.

    Example: mien study build studies/demo
    """
    from experiments.build import build_web
    from protocols.study import Study

    web = build_web(Study(folder), console.print)
    say(f"{web}: serve it with: mien study serve {folder}")


@app.command("serve")
def study_serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    database: Database = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front says who asks; see hosting.md.")
    ] = False,
) -> None:
    """Serve the web study, save every answer as it comes, keep the lists balanced.

    Example: mien study serve studies/demo --port 8000
    """
    from experiments.serve import serve
    from protocols.study import Study

    serve(Study(folder), host, port, say, database, behind_proxy)


@app.command("status")
def study_status(
    folder: Folder,
    source: Annotated[
        str | None, typer.Option(help="web or simulation; web where there are both.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every number, for programs.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again until Ctrl-C.")] = False,
) -> None:
    """Say how the study stands: places, exclusions, pace, data quality.

    Example: mien study status studies/demo
    """
    from experiments.admin.status import looks
    from protocols.study import Study

    looks(Study(folder), source, console, as_json=as_json, watch=watch)


@app.command("token")
def study_token(folder: Folder) -> None:
    """Make a new token for the study's admin page; an earlier one opens nothing any more.

    Example: mien study token studies/demo
    """
    from experiments.admin.status import change_token
    from protocols.study import Study

    say(change_token(Study(folder)))


@app.command("lab")
def study_lab(folder: Folder) -> None:
    """Write the lab study (PsychoPy) into DIR/lab; its sessions come back with import.

    Example: mien study lab studies/demo
    """
    from experiments.lab.build import build_lab
    from experiments.lab.places import free_places
    from protocols.study import Study

    lab = build_lab(Study(folder), console.print)
    if (freed := free_places(Study(folder))) is not None:
        say(freed)
    say(f"{lab}: start it with PsychoPy's Python: python {lab / 'run.py'} --pilot")


@app.command("static")
def study_static(
    folder: Folder,
    datapipe: Annotated[
        str | None, typer.Option(help="Id of your experiment at DataPipe, which saves the data.")
    ] = None,
    jatos: Annotated[bool, typer.Option("--jatos", help="Write an archive for JATOS.")] = False,
    address: Annotated[
        str | None, typer.Option(help="Of a DataPipe other than pipe.jspsych.org.")
    ] = None,
) -> None:
    """Write the study for a web host or JATOS, without mien's server; see docs/static.md.

    Example: mien study static studies/demo --datapipe AbCd1234
    """
    from experiments.errors import StudyError
    from experiments.static.build import DATAPIPE, build_jatos, build_site
    from protocols.study import Study

    if datapipe is None and not jatos:
        raise StudyError(
            "who saves the data? Give --datapipe with your experiment's id there, or --jatos"
        )
    if datapipe is not None:
        archive = build_site(Study(folder), datapipe, address or DATAPIPE, console.print)
        say(f"{archive}: unpack it on any web host, or upload {archive.with_name('site')}")
    if jatos:
        say(f"{build_jatos(Study(folder), console.print)}: import it into JATOS")


@app.command("export")
def study_export(folder: Folder) -> None:
    """Write ratings.csv and participants.csv from every session stored so far.

    Example: mien study export studies/demo
    """
    from experiments.export import export
    from protocols.study import Study

    for path in export(Study(folder)):
        say(path)


@app.command("backup")
def study_backup(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="A new file for it.")],
) -> None:
    """Copy all sessions into one file, also while the server is running, and check the copy.

    Example: mien study backup studies/demo -o backups/demo.sqlite
    """
    from experiments.backup import back_up
    from protocols.study import Study

    say(back_up(Study(folder), out))


@app.command("purge")
def study_purge(
    folder: Folder,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Keep no hashes: nobody is known again.")
    ] = False,
) -> None:
    """Delete the platform's ids of participants, once all are paid; answers stay.

    Example: mien study purge studies/demo --yes
    """
    from experiments.purge import purge, purgeable
    from protocols.study import Study

    study = Study(folder)
    if not yes and not typer.confirm(
        f"Delete {purgeable(study)} of {folder}? Nobody can be paid by them afterwards."
    ):
        say("nothing was done")
        raise typer.Exit(1)
    say(f"deleted: {purge(study, forget=forget)}")
    say(
        "nobody is known again: who comes back takes part a second time"
        if forget
        else "who comes back is still known, by a keyed hash (--forget deletes that too)"
    )


@app.command("import")
def study_import(
    folder: Folder,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES",
            help="Ratings (CSV; data of jsPsych, PsychoPy, JATOS), sessions of the lab or of a "
            "static study (files or folder), Prolific's demographic data.",
        ),
    ],
    source: Annotated[str, typer.Option(help="import (people) or model (predictions).")] = "import",
    mapping: Annotated[
        str | None,
        typer.Option("--map", help="YAML: which of its columns are which; see docs/importing.md."),
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option(help="For a new study: its protocol (YAML).")
    ] = None,
) -> None:
    """Bring ratings from elsewhere, also of jsPsych, PsychoPy and JATOS, into a study, and export.

    Example: mien study import studies/votes tabulatedVotes.csv --map crema-d-votes
    --protocol protocols/crema-d-votes.yaml
    """
    from experiments.demographics import bring_demographics, is_demographics
    from experiments.export import export
    from experiments.importing import import_ratings
    from experiments.lab.places import free_places
    from experiments.lab.sessions import bring_sessions, holds_sessions
    from experiments.mapping import Mapping, load_mapping
    from experiments.static import sessions as static
    from protocols.study import Study

    study = Study(folder)
    if protocol is not None:
        study.freeze(load_protocol(protocol))
    without_server = [file for file in files if static.holds_sessions(file)]
    if without_server:
        for line in static.bring_sessions(study, without_server):
            say(line)
    for file in files:
        if file in without_server:
            continue
        if is_demographics(file):
            say(bring_demographics(study, file))
        elif holds_sessions(file):
            say(bring_sessions(study, file))
            if (freed := free_places(study, file)) is not None:
                say(freed)
        else:
            read_as = load_mapping(mapping) if mapping else Mapping()
            say(import_ratings(study, file, source, read_as))
    for path in export(study):
        say(path)


@app.command("dataset")
def study_dataset(
    folder: Folder,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="A new folder for it.")
    ],
    kind: Annotated[
        str, typer.Option("--format", help="psych-ds (tables of all) or bids (of each person).")
    ] = "psych-ds",
    author: Annotated[
        list[str] | None, typer.Option(help="Who made it; once for each author.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="What others may do with the answers, such as CC-BY-4.0.")
    ] = None,
) -> None:
    """Write the finished study as a data set that others can be given.

    Example: mien study dataset studies/demo -o studies/demo-data --licence CC0-1.0
    """
    from experiments.datasets.write import write_dataset
    from protocols.study import Study

    study = Study(folder)
    bring_up_to_date(study)
    for line in write_dataset(study, out, kind, tuple(author or ()), licence):
        say(line)

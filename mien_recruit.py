"""Verbs of recruitment: `mien recruit sheet`, `draft`, `submissions`, `approve`, and others.

What costs money or changes something on a platform is shown first and asked for; `--yes` agrees.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from mien_terminal import Folder, say

app = typer.Typer(
    help="Recruit participants: Prolific, Mechanical Turk, panels.\n\n"
    "Example: mien recruit sheet studies/demo",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Url = Annotated[
    str | None, typer.Option(help="Where the study is served; default: recruitment.address.")
]
Api = Annotated[
    str, typer.Option(envvar="PROLIFIC_API", hidden=True, help="Address of Prolific's API.")
]
StudyId = Annotated[str | None, typer.Option("--study", help="Its id on Prolific.")]
Live = Annotated[bool, typer.Option(help="Mechanical Turk itself, not the sandbox.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option(help="Only show what would be done.")]
API = "https://api.prolific.com"


@app.command("sheet")
def recruit_sheet(
    folder: Folder,
    url: Url = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write it into this file (Markdown).")
    ] = None,
) -> None:
    """Print everything that the platform's form asks for, made from the protocol.

    Example: mien recruit sheet studies/demo -o sheet.md
    """
    from experiments.recruitment.sheet import sheet_of
    from protocols.study import Study
    from protocols.tables import write_whole

    sheet = sheet_of(Study(folder), url)
    if out is None:
        say(sheet.rstrip())
    else:
        write_whole(out, sheet.encode())
        say(out)


@app.command("keys")
def recruit_keys(folder: Folder, api: Api = API) -> None:
    """Record Prolific's public keys, which check signed links; run it once a day.

    Example: mien recruit keys studies/demo
    """
    from experiments.recruitment.signature import record_keys
    from protocols.study import Study

    say(record_keys(Study(folder), api))


@app.command("links")
def recruit_links(
    folder: Folder,
    file: Annotated[
        Path, typer.Option("--file", help="Ids of the participants, one on each line.")
    ],
    url: Url = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long they are good.")] = 14,
) -> None:
    """Print a signed link for each id; nobody else's id can be used, and each once.

    Example: mien recruit links studies/demo --file ids.txt --days 14
    """
    from experiments.recruitment.links import links_of
    from protocols.study import Study

    for link in links_of(Study(folder), file, url, days):
        say(link)


@app.command("draft")
def recruit_draft(
    folder: Folder,
    url: Url = None,
    live: Live = False,
    without_unknown: Annotated[
        bool, typer.Option(help="Make it without filters that the platform does not know.")
    ] = False,
    dry_run: DryRun = False,
    api: Api = API,
) -> None:
    """Make a draft of the study on Prolific, or a HIT on Mechanical Turk (sandbox).

    A draft is not published: look at it on Prolific first. Needs PROLIFIC_TOKEN.

    Example: mien recruit draft studies/demo
    """
    import json

    from experiments.errors import StudyError
    from experiments.recruitment.desk import desk_of
    from protocols.study import Study

    with desk_of(Study(folder), api, live) as desk:
        draft = desk.draft(url)
        for line in draft.unknown:
            say(f"by hand: {line}")
        if dry_run:
            say(json.dumps(draft.values, indent=2, ensure_ascii=False))
            return
        if draft.unknown and not without_unknown:
            raise StudyError(
                "nothing was made; correct the names in recruitment.prescreening, or make it with "
                "--without-unknown and set the rest on the platform"
            )
        say(desk.make(draft))


@app.command("submissions")
def recruit_submissions(
    folder: Folder, study: StudyId = None, live: Live = False, api: Api = API
) -> None:
    """Show each submission beside its session, and free the places of those who have gone.

    Example: mien recruit submissions studies/demo
    """
    from experiments.recruitment.desk import desk_of
    from experiments.recruitment.submissions import lines_of
    from protocols.study import Study

    with desk_of(Study(folder), api, live, study) as desk:
        pairs = desk.pairs()
        _show(lines_of(pairs))
        say(f"{desk.free(pairs)} places freed")


@app.command("approve")
def recruit_approve(
    folder: Folder,
    study: StudyId = None,
    live: Live = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    api: Api = API,
) -> None:
    """Approve everybody who finished here and handed in, excluded or not; rejects nobody.

    Example: mien recruit approve studies/demo
    """
    from experiments.recruitment.desk import desk_of
    from experiments.recruitment.payment import to_approve
    from protocols.study import Study

    with desk_of(Study(folder), api, live, study) as desk:
        approval = to_approve(desk.pairs())
        for pair in approval.by_hand:
            say(f"by hand: {pair.submission}: {pair.remark}")
        say(f"{len(approval.ready)} to approve")
        if approval.ready and not dry_run and _agreed("Approve and pay them?", yes):
            desk.approve(approval.ready)
            say("approved")


@app.command("bonus")
def recruit_bonus(
    folder: Folder,
    file: Annotated[
        Path,
        typer.Option(
            "--file", help="Table participant,amount,reason (CSV); reason may be left out."
        ),
    ],
    study: StudyId = None,
    live: Live = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    api: Api = API,
) -> None:
    """Pay bonuses from a file, once.

    Example: mien recruit bonus studies/demo --file bonuses.csv --dry-run
    """
    from experiments.recruitment.bonuses import lines_of
    from experiments.recruitment.desk import desk_of
    from protocols.study import Study

    with desk_of(Study(folder), api, live, study) as desk:
        bonuses = desk.bonuses(file)
        _show(lines_of(bonuses, desk.currency))
        if dry_run or not _agreed("Set these bonuses up?", yes):
            return
        say(desk.set_up(bonuses))
        if _agreed("Pay them now?", yes, "set up, but not paid"):
            desk.pay(bonuses)
            say("paid")


@app.command("replace")
def recruit_replace(
    folder: Folder,
    study: StudyId = None,
    live: Live = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    api: Api = API,
) -> None:
    """Raise the places on the platform by as many as do not count here; rejects nobody.

    Example: mien recruit replace studies/demo
    """
    from experiments.recruitment.desk import desk_of
    from protocols.study import Study

    with desk_of(Study(folder), api, live, study) as desk:
        needed = desk.needed(desk.pairs())
        say(
            f"{needed.wanted} valid participants wanted, {needed.taken} submissions do not count; "
            f"places now {needed.now}, needed {needed.places}"
        )
        more = needed.places > needed.now
        if more and not dry_run and _agreed(f"Raise the places to {needed.places}?", yes):
            desk.replace(needed)
            say(f"{needed.places} places")


def _agreed(question: str, yes: bool, declined: str = "nothing was done") -> bool:
    """Whether to go on; who declines is told what that means."""
    agreed = yes or typer.confirm(question)
    if not agreed:
        say(declined)
    return agreed


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)

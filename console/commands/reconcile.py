"""`penstock reconcile` and `penstock backfill`: compare what is stored with a provider's lists, or bring everything."""

from typing import Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption
from console.selecting import ByOption

WAIT_S = 86_400.0

ResourcesOption = Annotated[
    list[str] | None,
    typer.Option("--resource", help="Only of this type: product, order, …; may be repeated.", show_default=False),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="Only what has changed since: 25h, 3d, or a time in ISO 8601.", show_default=False),
]
WaitOption = Annotated[float, typer.Option("--wait", min=0, help="Wait at most this many seconds for the end.")]


def reconcile(
    source: Annotated[
        str | None, typer.Option("--source", "-s", help="The source to compare.", show_default=False)
    ] = None,
    since: SinceOption = None,
    resources: ResourcesOption = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="List everything, which alone shows what was deleted unnoticed.")
    ] = False,
    delete_absent: Annotated[
        bool,
        typer.Option(
            "--delete-absent", help="Look for what the lists lack by id, however many, and delete what is gone."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be read.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Show the newest report of every list instead.")] = False,
    wait: WaitOption = WAIT_S,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Compare what is stored with the provider's lists, and read what webhooks have missed.

    The workers do it, and go on if this command is stopped. Exits with 1 when something failed, or a person has to decide.
    """
    from datetime import UTC, datetime

    from console.dead.work import person
    from console.errors import Misused
    from console.reconciliation.work import working
    from console.times import past_moment

    now = datetime.now(UTC)
    if last:
        if since or resources or complete or delete_absent or dry_run:
            raise Misused("--last: expected no other option but --source and --json, for it only shows reports")
        with working(config, data_dir) as work:
            work.last(source, as_json=as_json)
        return
    if source is None:
        raise Misused("--source: expected the source to compare")
    if since is not None and (complete or delete_absent):
        raise Misused("--since: expected it without --complete and --delete-absent, which list everything")
    moment = None if since is None else past_moment(since, now, "--since")
    is_complete = complete or delete_absent
    with working(config, data_dir) as work:
        asked = work.asked(
            "reconcile",
            source,
            person(by),
            now,
            moment,
            resources or (),
            is_complete=is_complete,
            is_dry=dry_run,
            deletes_absent=delete_absent,
        )
        work.run(asked, wait, as_json=as_json)


def backfill(
    source: Annotated[str, typer.Option("--source", "-s", help="The source to bring.", show_default=False)],
    resources: ResourcesOption = None,
    since: SinceOption = None,
    wait: WaitOption = WAIT_S,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Read everything that the provider lists: `r` for what was not stored, `u` for what differs, nothing for what is equal.

    Filters of routes do not hold. The workers do it, behind live deliveries, and go on if this command is stopped.
    """
    from datetime import UTC, datetime

    from console.dead.work import person
    from console.reconciliation.work import working
    from console.times import past_moment

    now = datetime.now(UTC)
    moment = None if since is None else past_moment(since, now, "--since")
    with working(config, data_dir) as work:
        work.run(work.asked("backfill", source, person(by), now, moment, resources or ()), wait, as_json=as_json)

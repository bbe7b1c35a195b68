"""`penstock dead`: see the dead letters, send them again, mend them, or give them up."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption
from console.selecting import (
    ByOption,
    ReasonsOption,
    SourcesOption,
    TenantsOption,
    YesOption,
    check_because,
    known_reasons,
)

if TYPE_CHECKING:
    from console.dead.selection import Selection
    from console.dead.work import Work

dead = typer.Typer(
    no_args_is_help=True,
    help="See the dead letters, send them again, mend them, or give them up.\n\n"
    "A letter waits until an attempt after its death succeeds, or it is dropped. Its record is never removed.",
)

LIMIT = 50
WAIT_S = 30.0

IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Delivery ids, or positions such as webhooks.raw-0-17.", show_default=False),
]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A delivery id, or a position such as webhooks.raw-0-17.")
]
TypesOption = Annotated[
    list[str] | None, typer.Option("--event-type", help="Only of this type; may be repeated.", show_default=False)
]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Only what died since: 2h, 3d, 2026-11-21T10:00:00Z.", show_default=False)
]
TextOption = Annotated[
    str | None, typer.Option("--text", help="Only with this text in the body or the error.", show_default=False)
]
WaitOption = Annotated[float, typer.Option("--wait", min=0, help="Wait at most this many seconds for the outcomes.")]
EveryOption = Annotated[bool, typer.Option("--all", help="All letters that wait.")]


@dead.command("list")
def list_(
    reasons: ReasonsOption = None,
    sources: SourcesOption = None,
    tenants: TenantsOption = None,
    event_types: TypesOption = None,
    since: SinceOption = None,
    text: TextOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were retried or dropped.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most this many, the last first; 0 for all.")] = LIMIT,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """List the letters that wait, those that died last first, and count them by reason."""
    from console.dead.report import print_list
    from console.dead.work import working

    selection = _selection(None, reasons, sources, tenants, event_types, since, text)
    with working(config, data_dir, None) as work:
        found = work.found(selection)
    shown = [one for one in found.standings if everything or one.name == "waiting"]
    print_list(shown, limit, as_json=as_json, has_standing=everything)


@dead.command("show")
def show(
    letter: IdArgument,
    raw: Annotated[bool, typer.Option("--raw", help="Write the exact bytes of the payload, nothing else.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Show one letter: why it died, what became of it, and its payload as received. An id of several shows all of them.

    Exits with 1 when there is no such letter.
    """
    from console.dead.reading import records_of
    from console.dead.report import print_letter
    from console.dead.work import working
    from console.errors import Misused
    from local.screen import output_bytes

    with working(config, data_dir, None) as work:
        standings = work.named(letter)
        if raw:
            (one,) = work.only(standings, letter)
            record = records_of(work.deployment, [one.letter])[one.letter.position]
            try:
                output_bytes(record["body"])
            except ValueError as error:
                raise Misused(
                    f"--raw: {error}: the payload could control the terminal; write `penstock dead show … --raw > FILE`"
                ) from error
            return
        for standing in standings:
            print_letter(standing, records_of(work.deployment, [standing.letter]), as_json=as_json)


@dead.command("retry")
def retry(
    ids: IdsArgument = None,
    reasons: ReasonsOption = None,
    sources: SourcesOption = None,
    tenants: TenantsOption = None,
    event_types: TypesOption = None,
    since: SinceOption = None,
    text: TextOption = None,
    every: EveryOption = False,
    yes: YesOption = False,
    wait: WaitOption = WAIT_S,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Send letters again, the same payload under the same id, and say what became of them.

    Nothing is emitted twice, whatever was sent meanwhile. Exits with 1 when a letter is dead again or not decided yet.
    """
    from console.dead.work import working

    selection = _selection(ids, reasons, sources, tenants, event_types, since, text)
    _check_selected(selection, every=every)
    with working(config, data_dir, by) as work:
        letters = work.to_send(selection, "retry")
        if letters and _is_wanted(work, f"Retry {len(letters):,} dead letters?", len(letters), selection, is_sure=yes):
            work.send(letters, work.retries, wait, as_json=as_json)


@dead.command("edit")
def edit(
    letter: IdArgument,
    body: Annotated[
        Path | None, typer.Option("--body", help="A file with the new body; - reads stdin.", show_default=False)
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="/pointer=value in the JSON of the body; may be repeated.", show_default=False),
    ] = None,
    wait: WaitOption = WAIT_S,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Send an edited copy of a letter, from --body, --set or your $EDITOR, marked as edited by you.

    It is published only if it can be read. Exits with 1 when it is dead again or not decided yet.
    """
    from console.dead.work import working
    from console.errors import Misused

    if body is not None and values:
        raise Misused("expected at most one of --body and --set")
    with working(config, data_dir, by) as work:
        (standing,) = work.only(work.named(letter), letter)
        work.edit(standing, body, values or [], wait, as_json=as_json)


@dead.command("drop")
def drop(
    reason: Annotated[
        str, typer.Option("--because", help="Why they are given up; kept in their outcome.", show_default=False)
    ],
    ids: IdsArgument = None,
    reasons: ReasonsOption = None,
    sources: SourcesOption = None,
    tenants: TenantsOption = None,
    event_types: TypesOption = None,
    since: SinceOption = None,
    text: TextOption = None,
    every: EveryOption = False,
    yes: YesOption = False,
    wait: WaitOption = WAIT_S,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Give letters up: they no longer wait. Their records stay, and they can still be retried."""
    from console.dead.work import working

    check_because(reason)
    selection = _selection(ids, reasons, sources, tenants, event_types, since, text)
    _check_selected(selection, every=every)
    with working(config, data_dir, by) as work:
        letters = work.to_send(selection, "drop")
        if letters and _is_wanted(work, f"Drop {len(letters):,} dead letters?", len(letters), selection, is_sure=yes):
            work.send(letters, work.drops(reason), wait, as_json=as_json)


def _selection(
    ids: list[str] | None,
    reasons: list[str] | None,
    sources: list[str] | None,
    tenants: list[str] | None,
    event_types: list[str] | None,
    since: str | None,
    text: str | None,
) -> "Selection":
    from datetime import UTC, datetime

    from console.dead.selection import Selection
    from console.times import past_moment

    start = None if since is None else past_moment(since, datetime.now(UTC), "--since")
    return Selection(
        frozenset(ids or ()),
        known_reasons(reasons, "dead", "no dead letter has"),
        frozenset(sources or ()),
        frozenset(tenants or ()),
        frozenset(event_types or ()),
        start,
        text,
    )


def _check_selected(selection: "Selection", *, every: bool) -> None:
    from console.errors import Misused

    if selection.is_everything and not every:
        raise Misused("expected ids, or what to select by (--reason, --source, --since, …); --all means all that wait")


def _is_wanted(work: "Work", question: str, count: int, selection: "Selection", *, is_sure: bool) -> bool:
    """Say whether to send. Letters that were named one by one are meant; a selection, or one id, may have more than expected."""
    from console.screen import is_agreed

    work.warn_without_workers()
    return is_sure or count <= max(1, len(selection.ids)) or is_agreed(question)

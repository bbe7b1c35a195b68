"""`penstock pending`: see the deliveries that wait for a read of their resource, try them at once, or give them up."""

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
    from collections.abc import Sequence

    from console.pending.selection import Selection
    from console.pending.waiting import Waiting

pending = typer.Typer(
    no_args_is_help=True,
    help="See the deliveries that wait for a read of their resource, try them at once, or give them up.\n\n"
    "A delivery that only names its resource waits until the resource was read at the provider.",
)

LIMIT = 50
WAIT_S = 30.0

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID]...",
        help="Delivery ids, positions such as webhooks.raw-0-17, or resource keys provider|source|tenant|type|id.",
        show_default=False,
    ),
]
ResourcesOption = Annotated[
    list[str] | None,
    typer.Option("--resource", help="Only of this type: product, order, …; may be repeated.", show_default=False),
]
TextOption = Annotated[
    str | None,
    typer.Option("--text", help="Only with this text in the resource's key or the last error.", show_default=False),
]
EveryOption = Annotated[bool, typer.Option("--all", help="All that waits.")]
WaitOption = Annotated[float, typer.Option("--wait", min=0, help="Wait at most this many seconds for the end.")]


@pending.command("list")
def list_(
    names: NamesArgument = None,
    sources: SourcesOption = None,
    tenants: TenantsOption = None,
    resources: ResourcesOption = None,
    reasons: ReasonsOption = None,
    text: TextOption = None,
    deliveries: Annotated[bool, typer.Option("--deliveries", help="One line a delivery, not one a resource.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most this many, the longest wait first; 0 for all.")] = LIMIT,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """List the resources that deliveries wait for: since when, how many, what was tried, why, and the next try."""
    from datetime import UTC, datetime

    from console.pending.report import print_deliveries, print_resources
    from console.pending.work import working

    selection = _selection(names, sources, tenants, resources, reasons, text)
    with working(config, data_dir) as work:
        found = work.found(selection)
    if deliveries:
        print_deliveries(found, limit, as_json=as_json)
    else:
        print_resources(found, limit, datetime.now(UTC), as_json=as_json)


@pending.command("now")
def now(
    names: NamesArgument = None,
    sources: SourcesOption = None,
    tenants: TenantsOption = None,
    resources: ResourcesOption = None,
    reasons: ReasonsOption = None,
    text: TextOption = None,
    every: EveryOption = False,
    yes: YesOption = False,
    wait: WaitOption = WAIT_S,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Read the resources at once, whatever their delay. The account's quota, and a refused token, still hold.

    Exits with 1 when something still waits at the end.
    """
    from console.pending.work import working

    selection = _selected(names, sources, tenants, resources, reasons, text, every=every)
    with working(config, data_dir) as work:
        found = work.wanted(selection)
        work.warn_without_workers()
        if _is_wanted(found, selection, "Read {} at once?", is_sure=yes):
            work.now(found, wait, as_json=as_json)


@pending.command("give-up")
def give_up(
    because: Annotated[
        str, typer.Option("--because", help="Why they are given up; kept in their dead letters.", show_default=False)
    ],
    names: NamesArgument = None,
    sources: SourcesOption = None,
    tenants: TenantsOption = None,
    resources: ResourcesOption = None,
    reasons: ReasonsOption = None,
    text: TextOption = None,
    every: EveryOption = False,
    yes: YesOption = False,
    wait: WaitOption = WAIT_S,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """End what waits as dead letters (`not_read`). `penstock dead retry` lets them wait for a read again.

    All deliveries of a resource end together. Exits with 1 when something still waits at the end.
    """
    from console.dead.work import person
    from console.pending.work import working

    check_because(because)
    selection = _selected(names, sources, tenants, resources, reasons, text, every=every)
    who = person(by)
    with working(config, data_dir) as work:
        found = work.wanted(selection)
        work.warn_without_workers()
        if _is_wanted(found, selection, "Give {} up?", is_sure=yes):
            work.give_up(found, because, who, wait, as_json=as_json)


def _selection(
    names: list[str] | None,
    sources: list[str] | None,
    tenants: list[str] | None,
    resources: list[str] | None,
    reasons: list[str] | None,
    text: str | None,
) -> "Selection":
    from console.pending.selection import Selection

    return Selection(
        frozenset(names or ()),
        frozenset(sources or ()),
        frozenset(tenants or ()),
        frozenset(resources or ()),
        known_reasons(reasons, "pending", "nothing waits for"),
        text,
    )


def _selected(
    names: list[str] | None,
    sources: list[str] | None,
    tenants: list[str] | None,
    resources: list[str] | None,
    reasons: list[str] | None,
    text: str | None,
    *,
    every: bool,
) -> "Selection":
    from console.errors import Misused

    selection = _selection(names, sources, tenants, resources, reasons, text)
    if selection.is_everything and not every:
        raise Misused("expected ids, or what to select by (--source, --resource, …); --all means all that waits")
    return selection


def _is_wanted(found: "Sequence[Waiting]", selection: "Selection", question: str, *, is_sure: bool) -> bool:
    """Say whether to go on. What was named one by one is meant; a selection may have more than expected."""
    from console.screen import is_agreed

    if is_sure or len(found) <= max(1, len(selection.names)):
        return True
    deliveries = sum(len(one.deliveries) for one in found)
    return is_agreed(question.format(f"{len(found):,} resources, with {deliveries:,} deliveries,"))

"""`penstock tail`: follow changes as they happen."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from console.screen import Screen
    from schemas.records import Document

STYLES = {"c": "green", "u": "yellow", "d": "red", "r": "cyan"}
OPERATIONS = {"c": "created", "u": "updated", "d": "deleted", "r": "read"}


def tail(
    resource: Annotated[
        str | None,
        typer.Option("--resource", "-r", help="Only this resource type, such as product.", show_default=False),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", "-s", help="Only this source.", show_default=False)] = None,
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", help="Only this tenant: a shop, a store, an account.", show_default=False),
    ] = None,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start with the oldest change kept.")
    ] = False,
    maximum: Annotated[
        int | None, typer.Option("--max", "-n", min=1, help="Stop after this many.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Follow the changes as they happen, with the state before and after. Ctrl-C stops."""
    import contextlib
    import os

    from console.options import load_configuration
    from console.queries.change_lines import as_json as record_json
    from console.queries.changes import changes, deployment_of
    from console.screen import notice, results
    from local.screen import output_json

    screen, shown = results(), 0
    loaded = load_configuration(config, data_dir)
    with contextlib.suppress(KeyboardInterrupt), deployment_of(loaded, os.environ) as deployment:
        for number, found in enumerate(changes(deployment, from_beginning, notice)):
            if number == 0:
                notice("following changes; Ctrl-C stops")
            if found is None or not _is_wanted(found[1], resource, source, tenant):
                continue
            output_json(record_json(found[1])) if as_json else _print(screen, *found)
            shown += 1
            if shown == maximum:
                return


def _is_wanted(change: "Document", resource: str | None, source: str | None, tenant: str | None) -> bool:
    return (
        resource in {None, change["resource_type"]}
        and source in {None, change["source"]["source"]}
        and tenant in {None, change["tenant"]}
    )


def _print(screen: "Screen", topic: str, change: "Document") -> None:
    from console.queries.change_lines import lines

    version = change["version"] or change["event_time"]
    screen.line(
        f"{change['emitted_at']:%H:%M:%S} ",
        (f"{OPERATIONS[change['op']]} ", f"bold {STYLES[change['op']]}"),
        (f"{change['resource_type']} {change['resource_id']}", "bold"),
        f"  {' '.join(filter(None, (change['source']['source'], change['tenant'], change['source']['event_type'])))}",
        (f"  version {version:%Y-%m-%d %H:%M:%S}" if version else "", "dim"),
        (f"  {topic}", "dim"),
    )
    for pointer, before, after in lines(change):
        arrow = " -> " if before and after else ""
        screen.line(f"    {pointer}  ", (before, "red"), arrow, (after, "green"))

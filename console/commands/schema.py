"""`penstock schema`: what providers send, beside what Penstock expects of them."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.queries.tables import DriftRow

schema = typer.Typer(no_args_is_help=True, help="Show where a provider's documents leave their columns.")

SHOWN = 500  # lines; names of fields come from payloads
Kind = Literal["new", "retyped", "vanished"]


@schema.callback()
def _group() -> None:
    """Keep `drift` a command of its own: Typer makes the only command of a group the group itself."""


@schema.command("drift")
def drift(
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    resource: Annotated[str | None, typer.Option(help="Only of this type: product, issue, …")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only fields that are new, retyped or vanished.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """List fields that left their columns, by source, resource and API version, with the delivery that showed each first.

    A field is new if its resource has no column for it, retyped if a value does not fit its column, and vanished if a resource's
    last document had it and the next one does not. No value is lost: docs/typed-values.md.
    """
    import os

    from console.abridged import others
    from console.options import load_configuration
    from console.queries.tables import Tables, drift_rows
    from console.screen import counting, results
    from local.screen import output_json, say

    tables, screen = Tables.of(load_configuration(config, data_dir), os.environ), results()
    with counting("records looked at") as advance:
        found = [
            row
            for row in _earliest(drift_rows(tables, advance))
            if source in {None, row.source} and resource in {None, row.resource} and kind in {None, row.kind}
        ]
    if not found:
        say("no field has left its column")
    for number, row in enumerate(found):
        if as_json:
            output_json(_json(row))
        elif number < SHOWN:
            version = row.api_version or "no version"
            screen.line(
                f"{row.source}  {row.resource}  {version}  {row.kind:8}  {row.field}  "
                f"since {_since(row)} UTC, delivery {row.first.delivery_id}"
            )
    if not as_json and (more := others(len(found), SHOWN, "fields")):
        screen.line(more, style="dim")


def _earliest(rows: "Iterable[DriftRow]") -> "list[DriftRow]":
    """Return each field once, as the partition that saw it first knows it."""
    found: dict[tuple[str, ...], DriftRow] = {}
    for row in rows:
        known = found.get(row[:-1])
        if known is None or row.first.received_us < known.first.received_us:
            found[row[:-1]] = row
    return [found[name] for name in sorted(found)]


def _since(row: "DriftRow") -> str:
    from schemas.codec import us_time

    return f"{us_time(row.first.received_us):%Y-%m-%d %H:%M:%S}"


def _json(row: "DriftRow") -> str:
    import msgspec

    from schemas.codec import us_time

    fields = dict(zip(row._fields[:-1], row, strict=False))
    first = {"delivery_id": row.first.delivery_id, "resource_key": row.first.resource_key}
    return msgspec.json.encode({**fields, **first, "received_at": us_time(row.first.received_us)}).decode()

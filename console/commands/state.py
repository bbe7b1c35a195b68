"""`penstock state`: the stored state of resources."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from datetime import datetime

    from console.queries.tables import Name, Row, Tables, Version
    from console.screen import Screen

state = typer.Typer(
    no_args_is_help=True,
    help="Show the stored state of resources: the latest state and the versions seen.\n\n"
    "Read from the changelog topics, so from any machine and while workers run.",
)

LIMIT = 50
VERSIONS_SHOWN = 50  # of one resource with `--seen`
IDS_SHOWN = 5  # of one version
COUNTS_SHOWN = 100  # names of resource types come from payloads
DOCUMENT_LINES = 1000
DOCUMENT_LINE_CHARS = 1000
ProviderOption = Annotated[str | None, typer.Option(help="Only of this provider: shopify, github, …")]
SourceOption = Annotated[str | None, typer.Option(help="Only of this source.")]
TenantOption = Annotated[str | None, typer.Option(help="Only of this tenant: a shop, a store, an account.")]
ResourceOption = Annotated[str | None, typer.Option(help="Only of this type: product, issue, …")]
PrefixOption = Annotated[str | None, typer.Option(help="Only resources whose id, or whole key, starts with this.")]


@state.command("get")
def get(
    resource: Annotated[
        str, typer.Argument(metavar="RESOURCE", help="An id, or a key provider|source|tenant|type|id.")
    ],
    seen: Annotated[bool, typer.Option("--seen", help="Also show the versions and delivery ids remembered.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Show one resource: version, content, and the change that made it. An id that several share shows all of them.

    Exits with 1 when nothing is stored of it.
    """
    from itertools import islice

    from console.queries.tables import latest_rows, seen_versions
    from console.screen import counting, results
    from local.screen import output_json, say

    tables = _tables(config, data_dir)
    with counting("records looked at") as advance:
        found = latest_rows(tables, lambda name: name.is_meant(resource), advance)
        rows = list(islice(found, 1 if resource.count("|") >= 4 else None))  # a full key matches one row
        versions = [seen_versions(tables, row.name, advance) if seen else None for row in rows]
    _say_as_of(tables)
    if not rows:
        say(f"nothing is stored of {resource!r}; `penstock state list` lists the resources")
        raise typer.Exit(1)
    screen = results()
    for row, remembered in zip(rows, versions, strict=True):
        if as_json:
            output_json(_row_json(row, remembered, has_document=True))
        else:
            _print_row(screen, row, remembered)


@state.command("list")
def list_(
    provider: ProviderOption = None,
    source: SourceOption = None,
    tenant: TenantOption = None,
    resource: ResourceOption = None,
    prefix: PrefixOption = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many, the last stored first; 0 for all.")] = LIMIT,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """List resources with their versions, the last stored first; `--json` has no documents, `get` has."""
    from itertools import islice

    from console.queries.tables import latest_rows
    from console.screen import counting, results
    from local.screen import output_json, say

    tables, screen = _tables(config, data_dir), results()
    with counting("records looked at") as advance:
        asked = partial(
            _is_asked_for, provider=provider, source=source, tenant=tenant, resource=resource, prefix=prefix
        )
        found = latest_rows(tables, asked, advance)
        rows = list(islice(found, limit or None))
    _say_as_of(tables)
    for row in rows:
        if as_json:
            output_json(_row_json(row, None, has_document=False))
            continue
        gone = "  deleted" if row.state.is_deleted else ""
        screen.line(f"{row.stored_at:%Y-%m-%d %H:%M:%S}  {row.name.key}  {_version_text(row)}{gone}")
    if limit and len(rows) == limit:
        say(f"the first {limit}; there may be more: --limit, or `penstock state count`")


@state.command("count")
def count(
    provider: ProviderOption = None,
    source: SourceOption = None,
    tenant: TenantOption = None,
    resource: ResourceOption = None,
    prefix: PrefixOption = None,
    seen: Annotated[bool, typer.Option("--seen", help="Also count the stored versions, of all resources.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Count resources by provider, source, tenant and type: those that exist and those that were deleted."""
    import json

    from console.abridged import others
    from console.queries.tables import latest_counts, seen_count
    from console.screen import counting, results
    from local.screen import output_json

    tables, screen = _tables(config, data_dir), results()
    with counting("records looked at") as advance:
        asked = partial(
            _is_asked_for, provider=provider, source=source, tenant=tenant, resource=resource, prefix=prefix
        )
        live, deleted = latest_counts(tables, asked, advance)
        versions = seen_count(tables, advance) if seen else None
    _say_as_of(tables)
    keys = sorted({*live, *deleted})
    for number, key in enumerate(keys):
        if as_json:
            parts = dict(zip(("provider", "source", "tenant", "resource"), key, strict=True))
            output_json(json.dumps({**parts, "live": live[key], "deleted": deleted[key]}))
        elif number < COUNTS_SHOWN:
            screen.line(f"{live[key]:>12,} live {deleted[key]:>10,} deleted  {' '.join(key)}")
    if not as_json:
        if more := others(len(keys), COUNTS_SHOWN, "kinds"):
            screen.line(more, style="dim")
        screen.line(f"{live.total():>12,} live {deleted.total():>10,} deleted  in all")
    if versions is not None and as_json:
        output_json(json.dumps({"seen_versions": versions}))
    elif versions is not None:
        screen.line(f"{versions:>12,} versions in seen")


def _tables(config: "ConfigOption", data_dir: "DataDirOption") -> "Tables":
    import os

    from console.options import load_configuration
    from console.queries.tables import Tables

    return Tables.of(load_configuration(config, data_dir), os.environ)


def _is_asked_for(
    name: "Name",
    provider: str | None,
    source: str | None,
    tenant: str | None,
    resource: str | None,
    prefix: str | None,
) -> bool:
    return (
        provider in {None, name.provider}
        and source in {None, name.source}
        and tenant in {None, name.tenant}
        and resource in {None, name.resource}
        and (prefix is None or name.resource_id.startswith(prefix) or name.key.startswith(prefix))
    )


def _say_as_of(tables: "Tables") -> None:
    """Print on stderr how current the answer is: its time, and the number of deliveries not decided yet."""
    from datetime import UTC, datetime

    from console.queries.tables import waiting
    from console.screen import notice

    count = waiting(tables)
    behind = f"; {count:,} deliveries wait for a worker" if count else ""
    notice(f"as of {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC{behind}")


def _print_row(screen: "Screen", row: "Row", versions: "list[Version] | None") -> None:
    from console.abridged import others

    stored = row.state
    screen.line(row.name.key, style="bold")
    screen.line(f"  version      {_version_text(row)}")
    screen.line(f"  stored       {row.stored_at:%Y-%m-%d %H:%M:%S.%f} UTC")
    screen.line(f"  last change  {stored.event_id or 'none'}")
    screen.line(f"  fingerprint  {'none: deleted' if stored.is_deleted else stored.fingerprint.hex()}")
    for version in (versions or ())[:VERSIONS_SHOWN]:
        screen.line(f"  seen         {_seen_text(version)}")
    if more := others(len(versions or ()), VERSIONS_SHOWN, "versions"):
        screen.line(f"  {more}", style="dim")
    if stored.document is not None:
        _print_document(screen, _indented(stored.document).split("\n"))


def _print_document(screen: "Screen", rows: list[str]) -> None:
    from console.abridged import cut, others

    screen.document("\n".join(cut(row, DOCUMENT_LINE_CHARS) for row in rows[:DOCUMENT_LINES]))
    if more := others(len(rows), DOCUMENT_LINES, "lines"):
        screen.line(more, style="dim")


def _indented(document: bytes) -> str:
    """Return a document as indented JSON."""
    import msgspec

    return msgspec.json.format(document, indent=2).decode()


def _version_text(row: "Row") -> str:
    version, event_time = _time(row.state.version_us), _time(row.state.event_time_us)
    if version is not None:
        return f"{version.isoformat()}"
    return "no version" if event_time is None else f"no version, event of {event_time.isoformat()}"


def _seen_text(version: "Version") -> str:
    from console.abridged import listed

    shown = "no version" if version.version is None else version.version.isoformat()
    contents = len(version.seen.fingerprints) + version.seen.dropped
    return f"{shown}: {contents} contents by {listed(version.seen.delivery_ids, IDS_SHOWN)}"


def _row_json(row: "Row", versions: "list[Version] | None", *, has_document: bool) -> str:
    import msgspec

    stored = row.state
    fields: dict[str, object] = {
        "resource_key": row.name.key,
        "provider": row.name.provider,
        "source": row.name.source,
        "tenant": row.name.tenant,
        "resource": row.name.resource,
        "resource_id": row.name.resource_id,
        "version": _time(stored.version_us),
        "event_time": _time(stored.event_time_us),
        "fingerprint": None if stored.is_deleted else stored.fingerprint.hex(),
        "is_deleted": stored.is_deleted,
        "event_id": stored.event_id,
        "stored_at": row.stored_at,
    }
    if versions is not None:
        fields["seen"] = [_version_fields(version) for version in versions]
    if has_document:
        fields["document"] = None if stored.document is None else msgspec.Raw(stored.document)
    return msgspec.json.encode(fields).decode()


def _version_fields(version: "Version") -> dict[str, object]:
    return {
        "version": version.version,
        "fingerprints": [fingerprint.hex() for fingerprint in version.seen.fingerprints],
        "delivery_ids": version.seen.delivery_ids,
        "dropped": version.seen.dropped,
        "stored_at": version.stored_at,
    }


def _time(time_us: int | None) -> "datetime | None":
    from datetime import timedelta

    from schemas.codec import EPOCH

    return None if time_us is None else EPOCH + timedelta(microseconds=time_us)

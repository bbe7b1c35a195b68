"""The columns that models made for Fivetran expect under other names than the warehouse's: renamed, or taken out of JSON.

Which they are stands in `fivetran.toml`. The words are those that DuckDB and PostgreSQL share.
"""

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from sinks.warehouse.engines.statements import quoted

OWN: Final[Mapping[str, str]] = {
    "_fivetran_synced": "_penstock_synced_at",
    "_fivetran_deleted": "_penstock_deleted",
    "_fivetran_active": "NOT _penstock_deleted",
    "is_deleted": "_penstock_deleted",
}
"""What every compatibility view has."""

_TYPES: Final[Mapping[str, str]] = {
    "text": "{0}",
    "bigint": "CASE WHEN {0} ~ '^-?[0-9]{{1,18}}$' THEN CAST({0} AS BIGINT) END",
    "boolean": "CASE {0} WHEN 'true' THEN true WHEN 'false' THEN false END",
    "seconds": "CASE WHEN {0} ~ '^[0-9]{{1,11}}$' THEN to_timestamp(CAST({0} AS DOUBLE PRECISION)) END",
}
"""A text as a value; one that is none is null, so that a strange document fails no query."""


def compatible_cells(table: str, columns: Collection[str]) -> dict[str, str]:
    """Return the expression of each column that Fivetran has beside a table's own; `columns` are those of the table."""
    known = {column.lower() for column in columns}
    cells = {name: expression for name, expression in OWN.items() if name not in known}
    for name, source in mapping().get(table, {}).items():
        expression = _expression(source, known)
        if name not in known and expression is not None:
            cells[name] = expression
    return cells


@cache
def mapping() -> Mapping[str, Mapping[str, str]]:
    """Return where each column comes from, by table."""
    return tomllib.loads(files(__package__).joinpath("fivetran.toml").read_text(encoding="utf-8"))


def _expression(source: str, known: Collection[str]) -> str | None:
    places, _, sql_type = source.partition(": ")
    found = [_place(place) for place in places.split(" | ") if place.partition(".")[0] in known]
    if not found:
        return None
    value = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
    return _TYPES[sql_type or "text"].format(value)


def _place(place: str) -> str:
    column, *fields = place.split(".")
    if not fields:
        return quoted(column)
    inner = "".join(f" -> '{field}'" for field in fields[:-1])
    return f"(({quoted(column)}{inner}) ->> '{fields[-1]}')"

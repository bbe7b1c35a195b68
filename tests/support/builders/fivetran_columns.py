"""The columns that Fivetran's dbt packages name, and which of them the compatibility views have."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from providers.registry import provider
from schemas.typed.columns import column_table
from sinks.warehouse.rows.names import table_name
from sinks.warehouse.views.fivetran import compatible_cells

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "dbt"
PACKAGES: Final = ("shopify", "stripe")
OF_PARENTS: Final[Mapping[str, str]] = {"order_line": "order_id"}
"""Columns that a table gets from the first row that has a parent."""


def expected(name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what a package's staging models read, by table: `columns`, and the `commit` that named them."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text())


def offered(name: str, table: str) -> Collection[str]:
    """Return the columns of a compatibility view; empty if there is no such table."""
    own = frozenset(provider(name).resource_types)
    for resource_type in own:
        typed = column_table(name, resource_type)
        if typed is not None and table_name(name, resource_type, own) == table:
            columns = {column.name for column in typed.columns} | {"id", OF_PARENTS.get(table, "id")}
            return columns | compatible_cells(table, columns).keys()
    return ()


def coverage() -> str:
    """Return the rows of the table in docs/analysts.md."""
    return "".join(
        _row(name, table, needed["columns"]) for name in PACKAGES for table, needed in expected(name).items()
    )


def _row(name: str, table: str, columns: Collection[str]) -> str:
    found = offered(name, table)
    missing = [f"`{column}`" for column in columns if column not in found]
    return f"| {name} | `{table}` | {len(columns) - len(missing)} of {len(columns)} | {', '.join(missing)} |\n"

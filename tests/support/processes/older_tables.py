"""A worker of an earlier version, whose column tables lack their last columns; run as the module of `faust -A`."""

from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from schemas.typed import columns, resource
from schemas.typed.columns import ColumnTable, column_table

MISSING: Final = 3  # the last columns of a product are variant_gids, variants and vendor


@lru_cache
def older_table(provider: str, resource_type: str) -> ColumnTable | None:
    """Return a table as it was before its last columns were appended."""
    table = column_table(provider, resource_type)
    return None if table is None else replace(table, columns=table.columns[:-MISSING])


vars(columns)["column_table"] = vars(resource)["column_table"] = older_table

from streams.app import app  # noqa: E402  # the tables must be older before the worker uses them

__all__ = ["app"]

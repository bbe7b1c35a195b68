"""docs/schemas/: the Avro schemas of topics with typed documents, for tools that make code of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from providers.registry import PROVIDERS, provider
from schemas.codec import SchemaName
from schemas.typed.columns import ColumnTable, column_tables
from schemas.typed.resource import TypedResource

SCHEMAS: Final = Path("schemas")
TYPED: Final[tuple[SchemaName, ...]] = ("change", "state")
"""The records that hold documents."""


def typed_tables() -> Sequence[ColumnTable]:
    """Return the tables of resources with topics of their own; a commit of GitHub's pushes, for one, has none."""
    own = {name: provider(name).resource_types for name in PROVIDERS}
    return [table for table in column_tables() if table.resource in own[table.provider]]


def avro_path(table: ColumnTable, name: SchemaName) -> Path:
    """Return the path below docs/schemas/ of a schema."""
    return Path(table.provider) / f"{table.resource}.{name}.avsc"


def avro_files() -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each schema, as the registry has it but for white space."""
    for table in typed_tables():
        typed = TypedResource(table)
        for name in TYPED:
            text = msgspec.json.format(typed.schema_text(name).encode(), indent=2).decode()
            yield avro_path(table, name), f"{text}\n"

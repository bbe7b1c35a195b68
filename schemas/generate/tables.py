"""Column tables as they should be after a look at the sources, and the text of their files.

What was reviewed stays: the sentence, kind and place of every existing column, also of one that its source has dropped.
"""

import json
from collections.abc import Mapping, Sequence

from schemas.generate.fields import Field, Resources, kind
from schemas.generate.phrases import column_doc, resource_doc
from schemas.typed.columns import Column, ColumnTable, is_column_name

UNWRITTEN = 'doc = ""'


def updated(
    provider: str, source: str, resources: Resources, existing: Mapping[str, ColumnTable]
) -> Sequence[ColumnTable]:
    """Return the tables of a provider: the existing ones with what they lack, and new ones; none is ever dropped."""
    known = [table for name, table in existing.items() if name not in resources]
    found = [_table(provider, source, name, fields, existing.get(name)) for name, fields in resources.items()]
    return sorted((*known, *found), key=lambda table: table.resource)


def _table(
    provider: str, source: str, resource: str, fields: Sequence[Field], existing: ColumnTable | None
) -> ColumnTable:
    columns = existing.columns if existing else ()
    names = {column.name for column in columns}
    new = [field for field in fields if field.name not in names and is_column_name(field.name)]
    new.sort(key=lambda field: field.name != "id")  # the id comes first in a new table, the rest as in the source
    added = (Column(field.name, kind(field), column_doc(provider, resource, field.name)) for field in new)
    doc = existing.doc if existing else resource_doc(provider, resource)
    return ColumnTable(provider, resource, source, (*columns, *added), doc)


def differences(before: ColumnTable | None, after: ColumnTable) -> list[str]:
    """Return one line for each thing that the script would change in a file."""
    name = f"{after.provider}/{after.resource}"
    if before is None:
        return [f"{name}: new table of {len(after.columns)} columns"]
    lines = [f"{name}: new column {column.name} ({column.kind})" for column in after.columns[len(before.columns) :]]
    if before.source != after.source:
        lines.append(f"{name}: source is now {after.source}")
    return lines


def unwritten(table: ColumnTable) -> list[str]:
    """Return one line for each column that no phrase describes: a person has to."""
    at = f"schemas/typed/{table.provider}/{table.resource}.toml"
    return [f"{at}: {column.name} needs a sentence: write its doc" for column in table.columns if not column.doc]


def text(table: ColumnTable) -> str:
    """Return the content of a table's file."""
    lines = [f"doc = {_quoted(table.doc)}", f"source = {_quoted(table.source)}", "", "[columns]"]
    lines += [
        f"{column.name} = {{ kind = {_quoted(column.kind)}, doc = {_quoted(column.doc)} }}" for column in table.columns
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML has JSON's escapes

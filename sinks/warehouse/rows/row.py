"""One row: the cells of a change's document, its parent's id, and Penstock's own columns."""

from datetime import datetime

from schemas import codec
from schemas.codec import document_json
from schemas.records import Document, key_parts
from schemas.typed.reading import TypedDocument
from sinks.warehouse.rows.cells import SqlType, json_cell, string_cell
from sinks.warehouse.rows.records import LoadedChange, Shown
from sinks.warehouse.rows.shape import Layout, Layouts, Row, SqlColumn
from sinks.warehouse.rows.typed_cells import typed_cells


def document_cells(layout: Layout, change: LoadedChange) -> tuple[Row, str | None]:
    """Return the cells of a layout's columns, and the `_extra`: fields without a column and values that fit none."""
    if not layout.fields:
        generic = [change.resource_id, text_of(change.shown)]
        return ([change.resource_type, *generic] if layout.is_other else generic), None
    cells, rest = _cells(layout, change.shown)
    if len(cells) < len(layout.columns):
        cells.insert(0, None)
    if cells[layout.id_index] is None:
        cells[layout.id_index] = id_cell(change.resource_id, layout.id_column.type)
    return cells, document_json(rest).decode() if rest else None


def parent_cell(layouts: Layouts, change: LoadedChange) -> tuple[SqlColumn, str | int | None] | None:
    """Return the column for the parent's id and its cell; None for a resource without parent."""
    if change.parent_key is None:
        return None
    parent = key_parts(change.parent_key)
    column = layouts.parent(change.provider, parent.resource_type)
    return column, id_cell(parent.resource_id, column.type)


def own_cells(change: LoadedChange, extra: str | None, synced_at: datetime) -> Row:
    """Return the cells of `ROW_COLUMNS` and, behind them, `CHANGE_COLUMNS`."""
    return [
        extra,
        change.key,
        change.parent_key,
        change.source,
        change.tenant,
        change.api_version,
        change.version,
        change.event_time,
        change.received_at,
        change.emitted_at,
        change.event_id,
        change.raw_partition,
        change.raw_offset,
        change.is_deletion,
        synced_at,
        change.op,
        json_cell(list(change.changed)),
        change.event_type,
        change.delivery_id,
    ]


def id_cell(resource_id: str, sql_type: SqlType) -> str | int | None:
    """Return an id as a column of a type holds it; None for one that does not fit, which `_key` names all the same."""
    if sql_type != "bigint":
        return resource_id if sql_type == "text" else None
    is_number = resource_id.isascii() and resource_id.isdecimal() and len(resource_id) < len(str(2**63))
    return int(resource_id) if is_number else None


def parsed(text: str | None) -> Document:
    """Return the document that a record holds as text; raise ValueError if it is no JSON object."""
    if text is None:
        return {}
    document = codec.json_value(text) if isinstance(text, str) else text
    if not isinstance(document, dict):
        raise ValueError("expected a document to be a JSON object")  # noqa: TRY004 - wrong content, as with broken JSON
    return document


def text_of(shown: Shown) -> str | None:
    """Return a document as JSON text."""
    return document_json(shown.document).decode() if isinstance(shown, TypedDocument) else string_cell(shown)


def _cells(layout: Layout, shown: Shown) -> tuple[Row, Document]:
    if isinstance(shown, TypedDocument):
        return typed_cells(layout, shown)
    return text_cells(layout, parsed(shown))


def text_cells(layout: Layout, document: Document) -> tuple[Row, Document]:
    """Return a cell for each field, and what has no field or does not fit it. A null leaves nothing: its cell is null as well.

    The document's fields are walked, not the layout's: an order has 94 columns, and few documents have all of them.
    """
    fields, cells, rest = layout.field_cells, [None] * len(layout.fields), {}
    for name, value in document.items():
        field = fields.get(name)
        if field is None:
            rest[name] = value
        elif value is not None:
            index, cell_of = field
            cell = cells[index] = cell_of(value)
            if cell is None:
                rest[name] = value
    return cells, rest

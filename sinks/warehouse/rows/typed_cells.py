"""From the record of a typed topic to cells, without making the document first: a column has the value that its cell needs."""

from msgspec import Raw

from schemas.codec import json_value
from schemas.records import Document
from schemas.typed.avro import EXTRA, NULLS
from schemas.typed.reading import TypedDocument
from sinks.warehouse.rows.shape import Layout, Row


def typed_cells(layout: Layout, shown: TypedDocument) -> tuple[Row, Document]:
    """Return a cell for each field of a layout, and what has no field or does not fit it, as JSON text where it is that already.

    `_extra` of the record also has other spellings of values that are in their columns: these are not needed. A record of an
    older table has fields there that are columns by now, one of a newer table has columns that this process lacks.
    """
    record, fields, rest = shown.record, layout.field_cells, dict[str, object]()
    cells = [record.get(name) for name in fields]
    for name, text in record[EXTRA].items():
        index, cell_of = fields.get(name, (None, None))
        if index is None or cell_of is None:
            rest[name] = Raw(text.encode())
        elif cells[index] is None:
            cell = cells[index] = cell_of(json_value(text))
            if cell is None:
                rest[name] = Raw(text.encode())
    rest.update((name, None) for name in record[NULLS] if name not in fields)
    if not shown.kinds.keys() <= fields.keys():
        document = shown.document
        rest.update((name, document[name]) for name in document.keys() - fields.keys())
    return cells, rest

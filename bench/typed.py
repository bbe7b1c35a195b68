"""The processor time of typed documents, per resource: `python -m bench.typed FOLDER` prints a table.

The folder has JSON files of real payloads, such as the corpora of the tests. Each object in them counts for every column table
that has most of its fields. Encoding as text is what a generic topic takes; fastavro decodes what the encoder has written.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from schemas.codec import document_json, json_value
from schemas.records import Document
from schemas.typed.avro import resource_schema
from schemas.typed.columns import ColumnTable, column_tables
from schemas.typed.decode import decoder
from schemas.typed.encode import encoder

FEWEST_FIELDS: Final = 8  # of an object that counts for a table
SPENT_S: Final = 0.2  # of processor time for each figure


def main(folder: Path) -> int:
    """Print the table; return 2 if the folder has no such objects."""
    found = list(_found(folder))
    shown = [(table, documents) for table in column_tables() if (documents := _of_table(table, found))]
    if not shown:
        print(f"expected payloads of providers below {folder}, found none", file=sys.stderr)
        return 2
    print("| resource | columns | objects | JSON, bytes | Avro, bytes | text, us | encode, us | decode, us |")
    print("|---|---|---|---|---|---|---|---|")
    for table, documents in shown:
        print(
            f"| {table.provider}/{table.resource} | {len(table.columns)} | {len(documents)} | {_row(table, documents)} |"
        )
    return 0


def _row(table: ColumnTable, documents: Sequence[Document]) -> str:
    encode, decode = encoder(table), decoder(resource_schema(table))
    texts = [document_json(document) for document in documents]
    bodies = [encode(document).body for document in documents]
    sizes = [f"{sum(map(len, each)) / len(each):,.0f}" for each in (texts, bodies)]
    times = [_us(document_json, documents), _us(encode, documents), _us(decode, bodies)]
    return " | ".join([*sizes, *(f"{each:.0f}" for each in times)])


def _us(function: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """Return the processor time of a call in microseconds."""
    began_s, calls = time.process_time(), 0
    while time.process_time() - began_s < SPENT_S:
        for argument in arguments:
            function(argument)
        calls += len(arguments)
    return 1e6 * (time.process_time() - began_s) / calls


def _found(folder: Path) -> Iterator[tuple[str, Document]]:
    """Yield each object with the name of the folder that it is from, which is its provider's."""
    for file in sorted(folder.rglob("*.json")):
        provider = file.relative_to(folder).parts[0]
        yield from ((provider, document) for document in _objects(json_value(file.read_bytes())))


def _objects(value: Any) -> Iterator[Document]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inner)


def _of_table(table: ColumnTable, found: Sequence[tuple[str, Document]]) -> list[Document]:
    names = {column.name for column in table.columns}
    return [
        document
        for provider, document in found
        if provider == table.provider
        and len(document) >= FEWEST_FIELDS
        and 5 * len(document.keys() & names) >= 4 * len(document)
        and 2 * len(document.keys() & names) >= len(names)
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""dlt beside the loader: the same changes as the same Arrow tables into a DuckDB file, in packages as large as dlt likes them.

`python -m bench.loader_peer KAFKA REGISTRY TOPIC FILE` writes `<changes> <seconds>` into the file. History by `append` and
current rows by delete-insert, the fastest of dlt's strategies. `append` doubles a package that was killed.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from confluent_kafka import Message

from broker import topic_reader
from broker.schema_registry import Registry
from providers.registry import PROVIDERS, provider
from schemas.typed.columns import column_table
from sinks.warehouse.arrow import arrow_table
from sinks.warehouse.decoding import Decode, decoder, record_of
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.rows.shape import Layouts

PACKAGE = 100_000


def run(kafka: str, registry: str, topic: str, file: Path) -> None:
    """Load a topic and write down how many changes there were, and how long it took."""
    dlt = import_module("dlt")  # installed only where the peer is wanted

    pipeline = dlt.pipeline(
        "peer", destination=dlt.destinations.duckdb(str(file.with_suffix(".duckdb"))), dataset_name="bench"
    )
    layouts = Layouts(column_table, {name: provider(name).resource_types for name in PROVIDERS})
    begun_s, changes = time.monotonic(), 0
    with closing(Registry(registry)) as opened, topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        messages = topic_reader.read(reader, topic_reader.ranges(reader, topic))
        while part := list(islice(messages, PACKAGE)):
            pipeline.run(_resources(dlt, part, decoder(opened), layouts))
            changes += len(part)
    file.write_text(f"{changes} {time.monotonic() - begun_s}")


def _resources(dlt: Any, messages: Sequence[Message], decode: Decode, layouts: Layouts) -> list[Any]:
    batch = batch_of([record_of(message, decode) for message in messages], {}, layouts, datetime.now(UTC))
    made = []
    for table in batch.tables:
        rows = arrow_table(table.all_columns, table.rows)
        name = table.name.table
        made.append(dlt.resource([rows], name=f"{name}_history", write_disposition="append"))
        replaced = {"disposition": "merge", "strategy": "delete-insert"}
        current = rows.take(list(table.winners))
        made.append(dlt.resource([current], name=name, primary_key="_key", write_disposition=replaced))
    return made


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))

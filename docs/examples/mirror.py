"""Keeps a DuckDB table equal to the current documents of a resource type: `python mirror.py shopify.product product.duckdb`.

It bootstraps from `state.*`, then follows `changes.*`, without a gap:

1. Note the end of `changes.*`, and then that of `state.*`.
2. Read `state.*` up to its end, then `changes.*` from the end noted in step 1 up to the end that it has by now. Commit.
3. Follow `changes.*`. Each commit has the rows and the offsets behind them, so a crash loses and repeats nothing.

Why there is no gap: a change and its state are of one transaction. A change before the noted end of `changes.*` is committed, so
its state was written before the end of `state.*` was noted, and step 2 has read it. Every other change is read in step 2 or 3.
For that, the ends differ in kind. `changes.*`: the end of what is decided (read_committed), because behind it a transaction
may be open whose state is not written yet. `state.*`: the end of everything (read_uncommitted), because Kafka shows the
partitions of one transaction as committed one after the other, and a state may still be hidden whose change is visible.

Changes that `state.*` already showed are applied once more. That is harmless: each has the whole document, those of a resource
are in order, and nothing is committed before the last of them. Never skip a change because its `version` is older: of two
states of a GitHub job, the later one may have the older time.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import duckdb
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

KAFKA = os.environ.get("KAFKA", "127.0.0.1:9092")
REGISTRY = os.environ.get("REGISTRY", "http://127.0.0.1:8081/apis/ccompat/v7")
BATCH = 5_000

Position = tuple[str, int]  # topic and partition
Offsets = dict[Position, int]
Rows = dict[str, str | None]  # the document of each resource, None once deleted

TABLES = """
CREATE TABLE IF NOT EXISTS resource (resource_key VARCHAR, document JSON);
CREATE TABLE IF NOT EXISTS _offsets (topic VARCHAR, "partition" INTEGER, next BIGINT);
"""


class Mirror:
    """The table of one resource type, and how far it has read."""

    def __init__(self, resource: str, file: str) -> None:
        self.changes, self.state = f"changes.{resource}", f"state.{resource}"
        self.offsets: Offsets = {}
        self.admin = AdminClient({"bootstrap.servers": KAFKA})
        self.registry = SchemaRegistryClient({"url": REGISTRY})
        self.deserialize = AvroDeserializer(self.registry)
        self.consumer = Consumer(
            {
                "bootstrap.servers": KAFKA,
                "group.id": "mirror",  # required by the client, and not used: the offsets are in the database
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",  # offsets that are gone would be a gap
                "isolation.level": "read_committed",
            }
        )
        self.database = duckdb.connect(file)
        self.database.execute(TABLES)

    def close(self) -> None:
        """Close all connections; what is not committed is dropped."""
        self.consumer.close()
        self.registry.close()
        self.database.close()

    def run(self, say: Callable[[str], None] = print) -> None:
        """Bootstrap unless that was done before, then follow without end."""
        stored = self.database.execute("SELECT * FROM _offsets").fetchall()
        self.offsets = {(topic, partition): offset for topic, partition, offset in stored}
        if not self.offsets:
            self.bootstrap()
            say(f"bootstrapped, at {sum(self.offsets.values())}")
        self.assign(self.offsets)
        while True:
            messages = self.consumer.consume(BATCH, timeout=1.0)
            if messages:
                self.database.begin()
                self.apply(messages)
                self.commit()
                records = sum(message.error() is None for message in messages)
                say(f"applied {records} records, at {sum(self.offsets.values())}")

    def bootstrap(self) -> None:
        """Do steps 1 and 2 in one transaction: a crash leaves an empty table, and the next start begins anew."""
        noted = self.ends(self.changes, IsolationLevel.READ_COMMITTED)
        state = self.ends(self.state, IsolationLevel.READ_UNCOMMITTED)
        self.database.begin()
        self.assign(dict.fromkeys(state, OFFSET_BEGINNING))
        self.read_to(state)
        self.assign(noted)
        self.offsets = dict(noted)
        self.read_to(self.ends(self.changes, IsolationLevel.READ_UNCOMMITTED))
        self.commit()

    def ends(self, topic: str, isolation: IsolationLevel) -> Offsets:
        """Return the end of each partition of a topic."""
        partitions = self.admin.list_topics(topic, timeout=10).topics[topic].partitions
        wanted = {TopicPartition(topic, number): OffsetSpec.latest() for number in partitions}
        found = self.admin.list_offsets(wanted, isolation_level=isolation, request_timeout=10)
        return {(topic, position.partition): future.result().offset for position, future in found.items()}

    def assign(self, begin: Mapping[Position, int]) -> None:
        """Read these partitions from these offsets on."""
        self.consumer.assign([TopicPartition(*position, offset) for position, offset in begin.items()])

    def read_to(self, ends: Mapping[Position, int]) -> None:
        """Apply records until every partition is read up to its end."""
        reached: Offsets = {}
        while any(reached.get(position, -1) < end for position, end in ends.items()):
            reached |= self.apply(self.consumer.consume(BATCH, timeout=1.0))

    def apply(self, messages: list[Message]) -> Offsets:
        """Write the documents that records show, the last of each resource; return the offsets behind the records."""
        rows: Rows = {}
        reached: Offsets = {}
        for message in messages:
            position, offset = (str(message.topic()), message.partition() or 0), message.offset() or 0
            if is_end(message):
                reached[position] = offset
                continue
            rows[key_of(message)] = self.document(message)
            reached[position] = offset + 1
        self.write(rows)
        self.offsets |= {position: offset for position, offset in reached.items() if position[0] == self.changes}
        return reached

    def document(self, message: Message) -> str | None:
        """Return the document that a change or a state shows, None if there is none any more."""
        topic, value = str(message.topic()), message.value()
        if value is None:  # a tombstone of state.*
            return None
        record = self.deserialize(value, SerializationContext(topic, MessageField.VALUE))
        document = record["after" if topic == self.changes else "document"]
        return document if document is None or isinstance(document, str) else json.dumps(document, default=str)

    def write(self, rows: Rows) -> None:
        """Replace these rows."""
        kept = {key: document for key, document in rows.items() if document is not None}
        self.database.execute("DELETE FROM resource WHERE resource_key IN (SELECT unnest(?))", [list(rows)])
        self.database.execute("INSERT INTO resource SELECT unnest(?), unnest(?)", [list(kept), list(kept.values())])

    def commit(self) -> None:
        """Store the offsets beside the rows, in the same transaction."""
        self.database.execute("DELETE FROM _offsets")
        stored = [(*position, offset) for position, offset in self.offsets.items()]
        self.database.executemany("INSERT INTO _offsets VALUES (?, ?, ?)", stored)
        self.database.commit()


def is_end(message: Message) -> bool:
    """Say whether this reports the end of what is committed in a partition; raise any other error."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return error is not None


def key_of(message: Message) -> str:
    """Return the resource key."""
    key = message.key()
    return key.decode() if isinstance(key, bytes) else str(key)


if __name__ == "__main__":
    with closing(Mirror(sys.argv[1], sys.argv[2])) as mirror, suppress(KeyboardInterrupt):
        mirror.run(lambda line: print(line, flush=True))

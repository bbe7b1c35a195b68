"""The limit: the pipeline's full job in one bare confluent-kafka loop, without the rest of Penstock.

Two RocksDB tables, three outputs, two changelogs, one transaction a batch. It restores nothing, retries nothing and ignores
rebalances: it shows the cost of the libraries. A child process: `python -m bench.bare_loop '<json of bench.peer_job.Entry>'`.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rocksdict
from confluent_kafka import Consumer, Producer, TopicPartition

from bench.job import Decision, Job, read, seen_key
from bench.peer_job import Entry, entry_of

BATCH = 2_000  # as streams.worker.consumer
TIMEOUT_S = 30

Rows = dict[bytes, bytes]


class Tables:
    """RocksDB column families, and the rows that the open transaction adds to them."""

    def __init__(self, directory: Path, names: Sequence[str]) -> None:
        options = rocksdict.Options(raw_mode=True)
        options.create_missing_column_families(True)
        families = {name: _column_options() for name in names}
        self._database = rocksdict.Rdict(str(directory), options, column_families=families)
        self._columns = {name: self._database.get_column_family(name) for name in families}
        self._handles = {name: self._database.get_column_family_handle(name) for name in families}
        self.overlays: dict[tuple[str, int], Rows] = {}

    def get(self, name: str, partition: int, key: bytes) -> bytes | None:
        """Return a row; an uncommitted row takes precedence."""
        row = self.overlays.setdefault((name, partition), {}).get(key)
        return self._columns[name].get(key) if row is None else row

    def put(self, name: str, partition: int, key: bytes, row: bytes) -> None:
        """Hold a row until the transaction is committed."""
        self.overlays[name, partition][key] = row

    def store(self) -> None:
        """Write the rows of the committed transaction."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for (name, _), rows in self.overlays.items():
            for key, row in rows.items():
                batch.put(key, row, self._handles[name])
        self._database.write(batch)
        self.overlays.clear()


Decide = Callable[[Any, Tables, Producer], None]  # of a message with a key, a value and a position


def run(entry: Entry, names: Sequence[str], decide: Decide) -> None:
    """Loop until ended by a signal; `decide` reads and writes the named tables and produces the outputs."""
    consumer, producer = _consumer(entry), _producer(entry)
    tables = Tables(Path(entry.directory) / "tables", names)
    producer.init_transactions(TIMEOUT_S)
    consumer.subscribe([entry.raw])
    while True:
        messages: list[Any] = consumer.consume(BATCH, 0.1)
        if not messages:
            continue
        producer.begin_transaction()
        for message in messages:
            decide(message, tables, producer)
        for (name, partition), rows in tables.overlays.items():
            for key, row in rows.items():
                producer.produce(entry.topic(f"{name}-changelog"), row, key, partition)
        after = {message.partition(): message.offset() + 1 for message in messages}
        positions = [TopicPartition(entry.raw, *position) for position in after.items()]
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), TIMEOUT_S)
        producer.commit_transaction(TIMEOUT_S)
        tables.store()


class Full:
    """Decides and produces one delivery: the full job."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._job = Job(entry.wire_prefixes())

    def __call__(self, message: Any, tables: Tables, producer: Producer) -> None:
        """Produce the outcome, and the change and the state if there are any; store the rows."""
        key, partition = message.key(), message.partition()
        position = (self._entry.raw, partition, message.offset())
        shown = read(key, message.value(), message.headers(), position, time.time_ns() // 1000)
        seen = seen_key(shown)
        rows = tables.get("seen", partition, seen), tables.get("latest", partition, key)
        decision = self._job.decide(shown, *rows)
        if decision.seen is not None:
            tables.put("seen", partition, seen, decision.seen)
        if decision.latest is not None:
            tables.put("latest", partition, key, decision.latest)
        self._produce(decision, key, shown.texts["penstock_delivery_id"].encode(), producer)

    def _produce(self, decision: Decision, key: bytes, delivery_id: bytes, producer: Producer) -> None:
        topic = self._entry.topic
        if decision.change is not None:
            producer.produce(topic("changes"), decision.change, key)
            producer.produce(topic("state"), decision.state, key)
        producer.produce(topic("outcomes"), decision.outcome, delivery_id)


def _consumer(entry: Entry) -> Consumer:
    return Consumer({
        "bootstrap.servers": entry.kafka,
        "group.id": entry.group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 65_536,
        "fetch.message.max.bytes": 8 * 1024 * 1024,
    })  # fmt: skip


def _producer(entry: Entry) -> Producer:
    return Producer({
        "bootstrap.servers": entry.kafka,
        "transactional.id": entry.group,
        "linger.ms": 100,
        "compression.type": "lz4",
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": 500_000,
        "queue.buffering.max.kbytes": 262_144,
    })  # fmt: skip


def _column_options() -> Any:
    options = rocksdict.Options(raw_mode=True)
    options.set_write_buffer_size(64 * 1024 * 1024)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    return options


if __name__ == "__main__":
    given = entry_of(sys.argv[1])
    run(given, ("seen", "latest"), Full(given))

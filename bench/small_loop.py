"""The limit of the small job: a bare confluent-kafka loop with one RocksDB table, one output, one changelog.

A child process: `python -m bench.small_loop '<json of bench.peer_job.Entry>'`.
"""

import sys
from typing import Any

from confluent_kafka import Producer

from bench.bare_loop import Tables, run
from bench.peer_job import Entry, entry_of
from bench.small_job import OUTPUT, TABLE, event


class Small:
    """Decides and produces one delivery."""

    def __init__(self, entry: Entry) -> None:
        self._topic = entry.topic(OUTPUT)

    def __call__(self, message: Any, tables: Tables, producer: Producer) -> None:
        """Produce the event, if there is one, and store the body."""
        key, body, partition = message.key(), message.value(), message.partition()
        made = event(body, tables.get(TABLE, partition, key))
        if made is not None:
            tables.put(TABLE, partition, key, body)
            producer.produce(self._topic, made, key)


if __name__ == "__main__":
    given = entry_of(sys.argv[1])
    run(given, (TABLE,), Small(given))

"""Quix Streams, exactly-once, doing the same full job: a contestant that runs in its own virtual environment.

The decision is `bench.job`'s, as in the bare loop, and the output records are the same except for their decision time. Quix
Streams forces two differences: one state store with one changelog holds both tables (a `StreamingDataFrame` has one default
store), and each row's key is prefixed with the message's key. Commits every 2,000 deliveries, like the others.
"""

import logging
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, in an environment without Penstock

from quixstreams import Application, State, message_context
from quixstreams.models import Serializer, TopicConfig

from bench.job import Decision, Job, read
from bench.peer_job import OUTPUTS, PARTITIONS, Entry, entry_of

BATCH = 2_000
LATEST = b"latest"

Decided = tuple[bytes, Decision]


class Capture:
    """The decision, as a stateful function of a `StreamingDataFrame`."""

    def __init__(self, entry: Entry) -> None:
        self._raw = entry.raw
        self._job = Job(entry.wire_prefixes())

    def __call__(self, body: bytes, key: bytes, _timestamp_ms: int, headers: Any, state: State) -> Decided:
        """Return the delivery's id and its decision; its rows are in the state, below the message's key."""
        context = message_context()
        shown = read(key, body, headers, (self._raw, context.partition, context.offset), time.time_ns() // 1000)
        seen = b"v%d" % shown.version_us
        decision = self._job.decide(shown, state.get_bytes(seen), state.get_bytes(LATEST))
        if decision.seen is not None:
            state.set_bytes(seen, decision.seen)
        if decision.latest is not None:
            state.set_bytes(LATEST, decision.latest)
        return shown.texts["penstock_delivery_id"].encode(), decision


class Field(Serializer):  # type: ignore[misc]  # installed in its own environment
    """Writes one field of a decision unchanged: it is Avro already."""

    def __init__(self, name: str) -> None:
        self._index = Decision._fields.index(name)

    def __call__(self, value: Decided, ctx: Any) -> bytes | None:  # noqa: ARG002 - called by this name
        """Return the field's bytes."""
        return value[1][self._index]


FIELDS = {"changes": Field("change"), "state": Field("state"), "outcomes": Field("outcome")}


def run(entry: Entry) -> None:
    """Run until ended by a signal."""
    app, config = application(entry), topic_config()
    raw = app.topic(entry.raw, value_deserializer="bytes", config=config)
    outputs = {
        name: app.topic(entry.topic(name), value_serializer=FIELDS[name], config=config, key_serializer="bytes")
        for name in OUTPUTS
    }
    decided = app.dataframe(raw).apply(Capture(entry), stateful=True, metadata=True)
    decided = decided.set_headers(lambda *_: [])  # otherwise it copies the delivery's 19 headers onto every record
    changed = decided[decided.apply(lambda pair: pair[1].change is not None)]
    changed.to_topic(outputs["changes"])
    changed.to_topic(outputs["state"])
    decided.to_topic(outputs["outcomes"], key=lambda pair: pair[0])
    app.run()


def topic_config() -> TopicConfig:
    """Return the settings of every topic here."""
    return TopicConfig(num_partitions=PARTITIONS, replication_factor=1)


def application(entry: Entry) -> Application:
    """Return Quix Streams with the settings of all contestants."""
    return Application(
        broker_address=entry.kafka,
        consumer_group=entry.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_every=BATCH,
        state_dir=Path(entry.directory) / "state",
        producer_extra_config={"linger.ms": 100, "compression.type": "lz4", "queue.buffering.max.messages": 500_000},
        consumer_extra_config={"queued.max.messages.kbytes": 65_536, "fetch.message.max.bytes": 8 * 1024 * 1024},
        loglevel=logging.WARNING,
    )


if __name__ == "__main__":
    run(entry_of(sys.argv[1]))

"""Quix Streams, exactly-once, doing the small job of `bench.small_job` in its own virtual environment; see `quix.py`."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, in an environment without Penstock

from quixstreams import State

from bench.peer_job import Entry, entry_of
from bench.peers.quix import application, topic_config
from bench.small_job import OUTPUT, event

KEY = b"body"


def run(entry: Entry) -> None:
    """Run until ended by a signal."""
    app = application(entry)
    raw = app.topic(entry.raw, value_deserializer="bytes", config=topic_config())
    events = app.topic(entry.topic(OUTPUT), value_serializer="bytes", key_serializer="bytes", config=topic_config())
    made = app.dataframe(raw).apply(_made, stateful=True)
    made = made[made.apply(lambda value: value is not None)]
    made.set_headers(lambda *_: []).to_topic(events)  # otherwise it copies the delivery's 19 headers onto every record
    app.run()


def _made(body: bytes, state: State) -> bytes | None:
    stored: Any = state.get_bytes(KEY)
    made = event(body, stored)
    if made is not None:
        state.set_bytes(KEY, body)
    return made


if __name__ == "__main__":
    run(entry_of(sys.argv[1]))

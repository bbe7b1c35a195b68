"""Records when changes become readable: a `read_committed` consumer in its own process, so that no other code's lock delays it.

`python -m bench.reader KAFKA TOPIC FILE` reports on stdout when it reads; at SIGTERM it writes one line for each change,
`<monotonic seconds> <delivery id>`, into the file.
"""

import signal
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from schemas import codec

Read = list[tuple[float, bytes]]


def run(kafka: str, topic: str, file: Path) -> None:
    """Read from the topic's current end until SIGTERM, then write what was read and when."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    consumer = Consumer({
        "bootstrap.servers": kafka,
        "group.id": "bench.reader",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 10,
    })  # fmt: skip
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    positions = [TopicPartition(topic, number) for number in partitions]
    for position in positions:
        position.offset = consumer.get_watermark_offsets(position, timeout=10)[1]
    consumer.assign(positions)
    print("reading", flush=True)
    read: Read = []
    is_quiet = False
    while not (stopping and is_quiet):  # already committed records are still read
        message = consumer.poll(0.2)
        is_quiet = message is None
        if message is not None and message.error() is None:
            read.append((time.monotonic(), message.value() or b""))
    file.write_text("".join(lines(read)))


def lines(read: Read) -> list[str]:
    """Return one line for each change read."""
    schema = codec.parse_schema(codec.schema_text("change"))
    return [f"{at_s} {codec.decode(value, schema)['source']['delivery_id']}\n" for at_s, value in read]


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

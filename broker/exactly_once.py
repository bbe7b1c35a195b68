"""A consumer and a producer that commit what follows from records in one transaction with their offsets."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition

from broker import clients
from broker.outgoing import Record, queue

COMMIT_S: Final = 30.0


def group_consumer(options: Mapping[str, str], group: str, **more: object) -> Consumer:
    """Return a member of a group that commits only in transactions; `more` are further options, with `_` for `.`."""
    return clients.consumer(
        {
            **options,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 2_000,
            "partition.assignment.strategy": "cooperative-sticky",
            "queued.max.messages.kbytes": 4_096,
            **{name.replace("_", "."): value for name, value in more.items()},
        }
    )


def transactional_producer(options: Mapping[str, str], transactional_id: str) -> Producer:
    """Return a producer that has fenced its former self."""
    settings = {
        "transactional.id": transactional_id,
        "compression.type": "lz4",
        "partitioner": "murmur2_random",  # as all of Penstock's: an account has one partition, so one owner
    }
    producer = clients.producer({**options, **settings})
    producer.init_transactions(COMMIT_S)
    return producer


def commit(producer: Producer, records: Sequence[Record], offsets: list[TopicPartition], metadata: Any) -> None:
    """Write records and offsets in one transaction; `metadata` is the consumer's of its group."""
    producer.begin_transaction()
    for record in records:
        queue(producer, record)
    if offsets:
        producer.send_offsets_to_transaction(offsets, metadata, COMMIT_S)
    producer.commit_transaction(COMMIT_S)

"""The two sides of a read at a provider: the deliveries that it answers, and the read behind a delivery's outcome."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from confluent_kafka import Consumer

from broker import topic_reader
from broker.topic_reader import key_of, value_of
from console.queries.changes import AFTER_DECISION, BEFORE_DECISION, Attempt, Deployment, attempt_of
from schemas.records import Document
from schemas.topics import OUTCOMES

READ: Final = "read-"  # with which the delivery id of a read begins


def with_reads(deployment: Deployment, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return attempts with the read that answered each, or what each answers if it is a read itself."""
    with topic_reader.consumer(deployment.kafka, deployment.group) as reader:
        return [_with_reads(deployment, reader, attempt) for attempt in attempts]


def _with_reads(deployment: Deployment, reader: Consumer, attempt: Attempt) -> Attempt:
    outcome = attempt.outcome
    if outcome is None:
        return attempt
    if outcome["delivery_id"].startswith(READ):
        own = outcome["delivery_id"]
        return replace(attempt, answers=tuple(_near(deployment, reader, outcome, lambda one: one.get("cause") == own)))
    cause = outcome.get("cause") or ""
    if not cause.startswith(READ):
        return attempt
    found = next(_near(deployment, reader, outcome, lambda one: one["delivery_id"] == cause), None)
    return attempt if found is None else replace(attempt, read=attempt_of(deployment, reader, found))


def _near(
    deployment: Deployment, reader: Consumer, outcome: Document, is_meant: Callable[[Document], bool]
) -> Iterator[Document]:
    """Yield outcomes of the transaction that recorded an outcome: a read and what it answers are decided in one."""
    named = (outcome["delivery_id"] if outcome["delivery_id"].startswith(READ) else outcome["cause"]).encode()
    start, end = outcome["decided_at"] - BEFORE_DECISION, outcome["decided_at"] + AFTER_DECISION
    for message in topic_reader.read(reader, topic_reader.ranges_between(reader, OUTCOMES, start, end)):
        # Avro writes text as it is: no need to decode the others.
        if key_of(message) == named or named in value_of(message):
            one = deployment.registry.decode(value_of(message))
            if is_meant(one):
                yield one

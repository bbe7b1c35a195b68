"""Records that librdkafka brings a second time are not decided a second time."""

from confluent_kafka import Message
from structlog.testing import capture_logs

from streams.worker.positions import Positions


def records(partition: int, *offsets: int) -> list[Message]:
    """Return records of a partition."""
    return [Message(topic="webhooks.raw", partition=partition, offset=offset) for offset in offsets]


def offsets(messages: list[Message]) -> list[tuple[int | None, int | None]]:
    """Return where records stand."""
    return [(message.partition(), message.offset()) for message in messages]


def test_partition_that_begins_anew_brings_only_what_follows() -> None:
    """After a reset to the earliest offset, with holes where transaction markers are; the log says so."""
    positions = Positions()
    positions.unread([*records(0, 5, 6, 8), *records(1, 2)])
    with capture_logs() as logged:
        again = positions.unread([*records(0, 0, 1, 5, 6, 8, 9), *records(1, 3)])

    assert offsets(again) == [(0, 9), (1, 3)]
    assert logged == [{"event": "records_read_again", "log_level": "warning", "partition": 0, "records": 5}]


def test_what_was_taken_back_comes_again() -> None:
    """After a rollback of any partition, after a new assignment of those named."""
    positions = Positions()
    positions.unread([*records(0, 5), *records(1, 5)])
    positions.forget([1])

    assert offsets(positions.unread([*records(0, 5), *records(1, 4)])) == [(1, 4)]
    positions.forget()
    assert offsets(positions.unread([*records(0, 5), *records(1, 4)])) == [(0, 5), (1, 4)]

"""The producer without its Kafka: every record is reported in bounded time, with the reason why it is not published.

A real producer is used, with a port where nothing listens.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ingress.delivery.publisher import ProducerError, Publisher, Unpublished
from ingress.settings import Settings

NOWHERE = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": "1000"}


@asynccontextmanager
async def publisher(ack_timeout_s: float = 3.5, **options: str) -> AsyncIterator[Publisher]:
    """Give a started publisher that reaches no Kafka."""
    kafka = NOWHERE | {name.replace("_", "."): value for name, value in options.items()}
    made = Publisher(Settings(kafka, ack_timeout_s=ack_timeout_s), lambda _fault: None, lambda _statistics: None)
    made.start()
    yield made
    made.producer.purge()
    await made.stop()


async def test_silent_kafka_is_not_waited_for() -> None:
    """No acknowledgement within the time: `ack_timeout`, while the record still waits for Kafka."""
    async with publisher(ack_timeout_s=0.1) as made:
        report = await made.publish(b"k", b"v", [])

        assert isinstance(report, Unpublished)
        assert (report.reason, made.unreported) == ("ack_timeout", 1)


async def test_record_that_kafka_never_took_is_an_error() -> None:
    """librdkafka gives up after its own time: `kafka_error`, and nothing is outstanding any more."""
    async with publisher(ack_timeout_s=20) as made:
        report = await made.publish(b"k", b"v", [])

        assert isinstance(report, Unpublished)
        assert (report.reason, made.unreported) == ("kafka_error", 0)


async def test_full_queue_is_said_at_once() -> None:
    """A record that does not fit into the queue fails at once, and does not affect queued ones."""
    async with publisher(ack_timeout_s=0.1, queue_buffering_max_messages="1") as made:
        first, second = made.publish(b"k", b"v", []), made.publish(b"k", b"v", [])

        assert second.done()
        reports = [await first, await second]
        assert [report.reason for report in reports if isinstance(report, Unpublished)] == ["ack_timeout", "queue_full"]


async def test_record_over_the_limit_is_said_at_once() -> None:
    """A record over the topic's limit has its own error, because resending it cannot help."""
    async with publisher() as made:
        report = await made.publish(b"k", b"x" * (27 * 1024 * 1024), [])

        assert isinstance(report, Unpublished)
        assert report.reason == "record_too_large"


def test_wrong_option_is_named() -> None:
    """An unknown librdkafka option ends the start, and the error names it."""
    settings = Settings({"bootstrap.servers": "127.0.0.1:1", "no.such.option": "1"})

    with pytest.raises(ProducerError, match=r"no\.such\.option"):
        Publisher(settings, lambda _fault: None, lambda _statistics: None)

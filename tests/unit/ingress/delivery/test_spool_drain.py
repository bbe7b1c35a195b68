"""A spool drained without its ingress, as far as possible without Kafka; with one: tests/kafka/test_spool_drain.py."""

from pathlib import Path

import pytest

from ingress.delivery.publisher import ProducerError
from ingress.delivery.spool_drain import Drained, drain
from ingress.delivery.spool_file import Row, SpoolFile, SpoolHeld
from ingress.settings import Settings
from schemas.topics import RAW_RECORD_BYTES

AWAY = Settings({"bootstrap.servers": "127.0.0.1:1"})
STALL_TIMEOUT_S = 0.3


def spooled(path: Path, *values: bytes) -> None:
    """Leave a spool with these deliveries."""
    file = SpoolFile(path)
    file.change([Row(seq, b"key", value, b"\x90", 1000.0 + seq) for seq, value in enumerate(values, start=1)], [])
    file.close()


def test_empty_spool_needs_no_kafka(tmp_path: Path) -> None:
    """An empty spool waits for nothing."""
    spooled(tmp_path / "8080.sqlite")

    assert drain(tmp_path / "8080.sqlite", AWAY, STALL_TIMEOUT_S) == Drained("8080.sqlite", 0, 0, 0)


def test_nothing_is_deleted_that_kafka_has_not_acknowledged(tmp_path: Path) -> None:
    """It gives up after a while and reports the remaining number; all are there, in order."""
    values = [b"%d" % number for number in range(3)]
    spooled(tmp_path / "8080.sqlite", *values)

    told = drain(tmp_path / "8080.sqlite", AWAY, STALL_TIMEOUT_S)

    assert told == Drained("8080.sqlite", 0, 3, 0, "Kafka has acknowledged nothing for 0.3 s")
    file = SpoolFile(tmp_path / "8080.sqlite")
    assert [row.value for row in file.rows(0, 10, 1 << 20)] == values
    file.close()


def test_record_that_is_too_large_is_put_aside(tmp_path: Path) -> None:
    """It would block all others; it stays in the file for inspection."""
    spooled(tmp_path / "8080.sqlite", b"x" * (RAW_RECORD_BYTES + 1))

    assert drain(tmp_path / "8080.sqlite", AWAY, STALL_TIMEOUT_S) == Drained("8080.sqlite", 0, 0, 1)


def test_spool_of_a_running_ingress_is_refused(tmp_path: Path) -> None:
    """Two publishers would double it; the spool's lock prevents that."""
    spooled(tmp_path / "8080.sqlite", b"one")
    ingress = SpoolFile(tmp_path / "8080.sqlite")

    with pytest.raises(SpoolHeld):
        drain(tmp_path / "8080.sqlite", AWAY, STALL_TIMEOUT_S)

    ingress.close()


def test_spool_is_free_again_when_the_producer_cannot_be_made(tmp_path: Path) -> None:
    """A wrong option for Kafka is reported, and keeps no lock."""
    spooled(tmp_path / "8080.sqlite", b"one")

    with pytest.raises(ProducerError, match=r"\[kafka.options\] are not accepted"):
        drain(
            tmp_path / "8080.sqlite",
            Settings({"bootstrap.servers": "127.0.0.1:1", "linger.ms": "soon"}),
            STALL_TIMEOUT_S,
        )

    SpoolFile(tmp_path / "8080.sqlite").close()

"""librdkafka's lines: structured, few, and none printed."""

import ast
import logging
import time
from pathlib import Path

import pytest
import structlog
from confluent_kafka import Consumer, Producer

from broker import clients
from broker.log import StructuredHandler

ROOT = Path(__file__).parents[3]
CLIENTS = {"Consumer", "Producer", "AdminClient", "SerializingProducer", "DeserializingConsumer"}
UNUSED_PORT = {"bootstrap.servers": "127.0.0.1:1"}  # connections are refused
TIMEOUT_S = 30.0


def line(facility: str, number: int = 0) -> logging.LogRecord:
    """Return a line in confluent-kafka's form."""
    arguments = (facility, "rdkafka#producer-1", f"try {number}")
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, "%s [%s] %s", arguments, None)


def test_lines_of_a_facility_are_few_and_the_rest_is_counted() -> None:
    """A flood of one facility hides no other, and the first line of the next period gives the number of suppressed lines."""
    now_s = [0.0]
    handler = StructuredHandler(2, 10.0, lambda: now_s[0])
    with structlog.testing.capture_logs() as logs:
        for number in range(100):
            handler.emit(line("FAIL", number))
        handler.emit(line("REQTMOUT"))
        now_s[0] = 11.0
        handler.emit(line("FAIL", 100))
        now_s[0] = 22.0
        handler.emit(line("FAIL", 101))

    assert [(event["facility"], event["detail"], event.get("suppressed")) for event in logs] == [
        ("FAIL", "try 0", None), ("FAIL", "try 1", None), ("REQTMOUT", "try 0", None),
        ("FAIL", "try 100", 98), ("FAIL", "try 101", None),
    ]  # fmt: skip
    assert {event["log_level"] for event in logs} == {"error"}


def test_client_prints_nothing_and_hands_its_lines_over(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A producer and a consumer without a Kafka log it; standard error stays empty."""
    polled: list[Producer | Consumer] = [
        clients.producer(UNUSED_PORT),
        clients.consumer({**UNUSED_PORT, "group.id": "test"}),
    ]
    deadline_s = time.monotonic() + TIMEOUT_S
    said: set[str] = set()
    while len(said) < len(polled) and time.monotonic() < deadline_s:
        for client in polled:
            client.poll(0.01)
        said = {str(record.args[1]) for record in caplog.records if isinstance(record.args, tuple)}

    assert len(said) == len(polled)
    assert capfd.readouterr().err == ""


def test_clients_are_made_in_one_place() -> None:
    """A client made elsewhere prints librdkafka's reports, as plain lines, without limit."""
    packages = ("broker", "config", "console", "ingress", "local", "providers", "simulator", "streams")
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]

    made = {str(file.relative_to(ROOT)) for file in files if _calls(file) & CLIENTS}

    assert made == {"broker/clients.py", "broker/kafka_options.py"}  # the latter has librdkafka check options


def _calls(file: Path) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)}

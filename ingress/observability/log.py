"""The ingress's log: one JSON object a line on standard error. Never a body, a secret or a signature."""

import sys

import structlog

from broker.log import configure_json

_fields: dict[str, int] = {}  # of this process, on every line


def name_slot(number: int) -> None:
    """Put the number of this process on every line from now on: several share a port and a log."""
    _fields["slot"] = number


def _name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {**_fields, **event}


def configure_log(level: str = "info") -> None:
    """Send this process's own events from a level on, and those of uvicorn and librdkafka, to standard error as JSON."""
    configure_json(sys.stderr, level, [_name])

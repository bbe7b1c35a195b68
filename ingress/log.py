"""The ingress's log: one JSON object a line on standard error. Never a body, a secret or a signature."""

import logging
import sys

import structlog

from broker.log import route_librdkafka
from schemas.escaping import json_line

_fields: dict[str, int] = {}  # of this process, on every line


def name_slot(number: int) -> None:
    """Put the number of this process on every line from now on: several share a port and a log."""
    _fields["slot"] = number


def _name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {**_fields, **event}


SHARED: list[structlog.typing.Processor] = [
    _name,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


SAID_BY_US = ("Invalid HTTP request received.", "Unsupported upgrade request.")
"""uvicorn's lines that strangers can cause without limit. The first is `hung_up` and counted, the second is answered."""


def configure_log(level: str = "info") -> None:
    """Send this process's own events from a level on, and those of uvicorn and librdkafka, to standard error as JSON."""
    structlog.configure(
        processors=[*SHARED, structlog.processors.JSONRenderer(json_line)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # One write a line, also where Python is told not to buffer: processes share it.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(json_line),
            ],
        )
    )
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.msg not in SAID_BY_US)
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)
    route_librdkafka()

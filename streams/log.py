"""The worker's log: one JSON object a line on standard error, from its first byte. Never a body, a secret or a signature."""

import logging
import sys

import structlog

from broker.log import route_librdkafka
from schemas.escaping import json_line


def configure_log() -> None:
    """Send this process's events to standard error as JSON, and of the libraries only warnings.

    `sys.__stderr__`, because a library that replaces `sys.stderr` must not have its lines wrapped twice.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(json_line)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.__stderr__),
        cache_logger_on_first_use=True,
    )
    foreign = logging.StreamHandler(sys.__stderr__)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(json_line),
            ],
        )
    )
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    route_librdkafka()

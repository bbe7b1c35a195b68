"""The worker's log: one JSON object a line on standard error. Never a body, a secret or a signature."""

import logging
import sys

import structlog

from schemas.escaping import json_line


def configure_log() -> None:
    """Send this process's events to standard error as JSON, and of the libraries only warnings.

    Faust replaces `sys.stderr` by its own logger, so the real one is named.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(json_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
        cache_logger_on_first_use=True,
    )
    for library in ("httpx", "httpcore", "mode", "faust"):
        logging.getLogger(library).setLevel(logging.WARNING)

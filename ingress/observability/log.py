"""The ingress's log: one JSON object a line on standard error. Never a body, a secret or a signature."""

import sys

from broker.log import configure_json


def configure_log(level: str = "info") -> None:
    """Send this process's own events from a level on, and those of uvicorn and librdkafka, to standard error as JSON."""
    configure_json(sys.stderr, level)

"""The ingress's log: one JSON object a line on standard error. It never contains a body, a secret or a signature."""

import sys

from broker.log import configure_json


def configure_log(level: str = "info") -> None:
    """Log to standard error as JSON: this process's events from a level up, and those of uvicorn and librdkafka."""
    configure_json(sys.stderr, level)

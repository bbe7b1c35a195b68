"""The worker's log: one JSON object a line on standard error, from its first byte. Never a body, a secret or a signature."""

import logging
import sys
from typing import TextIO, cast

from broker.log import configure_json


def configure_log() -> None:
    """Send this process's events to standard error as JSON, and of the libraries only warnings, Python's own among them.

    `sys.__stderr__`, because a library that replaces `sys.stderr` must not have its lines wrapped twice.
    """
    configure_json(cast("TextIO", sys.__stderr__))
    logging.captureWarnings(True)

"""The worker's log: one JSON object per line on standard error, from the first byte. Never a body, a secret or a signature."""

import logging
import sys
from typing import TextIO, cast

from broker.log import configure_json


def configure_log() -> None:
    """Write this process's events and the warnings of libraries, Python's own included, to standard error as JSON.

    Uses `sys.__stderr__`, so that the lines of a library that replaces `sys.stderr` are not wrapped twice.
    """
    configure_json(cast("TextIO", sys.__stderr__))
    logging.captureWarnings(True)

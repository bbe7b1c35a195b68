"""Samples log lines that strangers cause: ten a second of each kind, then one with the number suppressed.

So a flood of invalid requests fills neither a disk nor a log service, and hides no other kind of line. Metrics count all.
"""

import asyncio
from collections import Counter
from typing import NamedTuple

import structlog

LINES = 10  # per kind and period: enough to see what happens and who causes it
PERIOD_S = 1.0

log = structlog.get_logger("ingress")


class Kind(NamedTuple):
    """The key by which lines are counted; the configuration and this code bound the number of keys."""

    event: str
    source: str  # "" for names that are not configured
    reason: str


class SampledLog:
    """The ingress's log for events caused from outside. Used on one event loop."""

    def __init__(self, lines: int = LINES, period_s: float = PERIOD_S) -> None:
        self._lines, self._period_s = lines, period_s
        self._seen: Counter[Kind] = Counter()
        self._end: asyncio.TimerHandle | None = None

    def info(self, kind: Kind, **fields: object) -> None:
        """Write a line of a kind, or suppress and count it."""
        if self._has_lines_left(kind):
            log.info(kind.event, reason=kind.reason, **fields)

    def warning(self, kind: Kind, **fields: object) -> None:
        """Write a line of a kind that needs action, or suppress and count it."""
        if self._has_lines_left(kind):
            log.warning(kind.event, reason=kind.reason, **fields)

    def sum_up(self) -> None:
        """End the period: log how many lines of each kind were suppressed, if any, and reset the counts."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
        seen, self._seen = self._seen, Counter()
        for kind, count in seen.items():
            if count > self._lines:
                log.info("suppressed", of=kind.event, source=kind.source, reason=kind.reason, lines=count - self._lines)

    def _has_lines_left(self, kind: Kind) -> bool:
        if self._end is None:
            self._end = asyncio.get_running_loop().call_later(self._period_s, self.sum_up)
        self._seen[kind] += 1
        return self._seen[kind] <= self._lines

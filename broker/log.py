"""A process's log: one JSON object per line, including lines of libraries and a sample of librdkafka's.

While Kafka is down each client retries many times a second and reports each retry: an idle worker wrote 20 lines a second, an
ingress 9 (measured). Other lines show whether Kafka answers; these help to find out why it does not.
"""

import logging
import time
from collections.abc import Callable
from typing import TextIO

import structlog
from msgspec import Struct
from structlog.typing import Processor

from broker.clients import LOGGER
from config.escaping import json_line

LINES = 3  # per facility and period: one per broker of a small cluster
PERIOD_S = 10.0


def configure_json(stream: TextIO, level: str = "info") -> None:
    """Write this process's events from a level upward, and the warnings of libraries, to a stream as JSON."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered = structlog.processors.JSONRenderer(json_line)
    structlog.configure(
        processors=[*shared, rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # One write per line, even if Python is unbuffered: processes share the stream.
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    foreign = logging.StreamHandler(stream)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                rendered,
            ],
        )
    )
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)
    route_librdkafka()


def route_librdkafka() -> None:
    """Route librdkafka's warnings and errors to the log configured in structlog."""
    logger = logging.getLogger(LOGGER)
    logger.handlers = [StructuredHandler()]
    logger.propagate = False
    logger.setLevel(logging.WARNING)


class _Period(Struct):
    began_s: float
    lines: int = 0


class StructuredHandler(logging.Handler):
    """Writes the first lines of each facility in a period; the next line has the number of suppressed ones.

    Facilities are librdkafka's keywords (FAIL, REQTMOUT, …), so there are few.
    """

    def __init__(
        self, lines: int = LINES, period_s: float = PERIOD_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._lines, self._period_s, self._clock = lines, period_s, clock
        self._periods: dict[str, _Period] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it. The handler's lock is held, whichever thread polls."""
        facility, client, detail = _parts(record)
        now_s = self._clock()
        period = self._periods.setdefault(facility, _Period(now_s))
        suppressed = {}
        if now_s - period.began_s > self._period_s:
            suppressed = {"suppressed": period.lines - self._lines} if period.lines > self._lines else {}
            period.began_s, period.lines = now_s, 0
        period.lines += 1
        if period.lines <= self._lines:
            structlog.get_logger().log(
                record.levelno, "librdkafka", facility=facility, client=client, detail=detail, **suppressed
            )


def _parts(record: logging.LogRecord) -> tuple[str, str, str]:
    """Return facility, client and text; confluent-kafka logs them as the arguments of `%s [%s] %s`."""
    if isinstance(record.args, tuple) and len(record.args) == 3:  # the three placeholders
        facility, client, detail = map(str, record.args)
        return facility, client, detail
    return "", "", record.getMessage()

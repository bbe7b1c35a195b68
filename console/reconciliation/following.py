"""Follows a run: its lists, how far each is, and the report of each that has ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer
from msgspec import Struct, field

from broker import topic_reader
from broker.topic_reader import key_of, value_of
from console.queries.changes import Deployment
from console.queries.publishing import NewRecords
from schemas.reconciliation import SCHEDULE, Begun, Progress, Report, decode_progress, decode_told
from schemas.topics import progress_topic, reports_topic

POLL_S: Final = 0.3
LOOK_S: Final = 2.0  # between two looks at the progress, which is read whole


class Followed(Struct):
    """What is known of a run so far. `begun` is None until a worker has planned it."""

    begun: Begun | None = None
    reports: dict[tuple[str, str], Report] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Say whether every list has its report."""
        return self.begun is not None and len(self.reports) >= len(self.begun.lists)


class Run:
    """Follows the reports of one run. Make it before the run is asked for: it reads what is written from then on."""

    def __init__(self, deployment: Deployment, app: str, run: str) -> None:
        self._deployment, self._app, self._run = deployment, app, run
        self._new = NewRecords(deployment, reports_topic(app))
        self.followed = Followed()

    def follow(self, wait_s: float, show: Callable[[Followed, list[Progress]], None]) -> Followed:
        """Return what was told when all lists have ended, or so many seconds have passed; `show` hears of the progress."""
        deadline_s, looked_s = time.monotonic() + wait_s, time.monotonic()
        with topic_reader.consumer(self._deployment.kafka) as reader:
            while True:
                self._hear(reader)
                if self.followed.is_done or time.monotonic() >= deadline_s:
                    return self.followed
                if time.monotonic() > looked_s + LOOK_S:
                    show(self.followed, list(self._walking(reader)))
                    looked_s = time.monotonic()
                time.sleep(POLL_S)

    def _hear(self, reader: Consumer) -> None:
        for message in self._new.read(reader):
            match decode_told(value_of(message)):
                case Begun() as begun if begun.run == self._run:
                    self.followed.begun = begun
                case Report() as report if report.run == self._run:
                    self.followed.reports[report.tenant, report.listing] = report

    def _walking(self, reader: Consumer) -> Iterator[Progress]:
        for known in all_progress(reader, self._app):
            if known.walk is not None and known.walk.task.asked.run == self._run:
                yield known


def all_progress(reader: Consumer, app: str) -> list[Progress]:
    """Return the progress of every list of every account."""
    newest = {
        key_of(message): value_of(message)
        for message in topic_reader.read(reader, topic_reader.ranges(reader, progress_topic(app)))
    }
    return [decode_progress(value) for key, value in newest.items() if value and key != SCHEDULE]


@contextmanager
def last_reports(deployment: Deployment, app: str) -> Iterator[list[Report]]:
    """Yield the newest report of every list, by source, tenant and list."""
    with topic_reader.consumer(deployment.kafka) as reader:
        found = [known.last for known in all_progress(reader, app) if known.last is not None]
    yield sorted(found, key=lambda report: (report.source, report.tenant, report.listing))

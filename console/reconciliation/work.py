"""What `penstock reconcile` and `penstock backfill` share: asking the workers for a run, following it, and its reports."""

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from broker import topic_reader
from broker.outgoing import Record
from config.model import Configuration
from console.errors import Failed, Misused
from console.options import load_configuration
from console.queries.changes import Deployment, deployment_of
from console.queries.corrections import workers
from console.queries.publishing import Publisher
from console.reconciliation import report
from console.reconciliation.following import Followed, Run, last_reports
from console.screen import notice
from schemas.codec import time_us
from schemas.reconciliation import Asked, Kind, Progress, Report, encode
from schemas.topics import progress_topic, reconciliation_topic


@contextmanager
def working(config: Path | None, data_dir: Path) -> Iterator["Work"]:
    """Yield the work of one command."""
    loaded = load_configuration(config, data_dir)
    with deployment_of(loaded, os.environ) as deployment:
        yield Work(loaded, deployment)


class Work:
    """One command's view of reconciliation."""

    def __init__(self, configuration: Configuration, deployment: Deployment) -> None:
        self._configuration, self._deployment = configuration, deployment
        self._app = configuration.worker.app

    def asked(
        self,
        kind: Kind,
        source: str,
        by: str,
        now: datetime,
        since: datetime | None,
        resources: Sequence[str] = (),
        **options: bool,
    ) -> Asked:
        """Return what is asked for; raise `Misused` if the configuration cannot do it."""
        self._check(source)
        run, now_us = f"{kind}-{uuid.uuid4()}", time_us(now) or 0
        return Asked(run, kind, source, now_us, by, tuple(resources), time_us(since), **options)

    def run(self, asked: Asked, wait_s: float, *, as_json: bool) -> None:
        """Ask the workers for a run, wait for its end, and print its reports; raise `Failed` where something is left to do."""
        self._check_topic(reconciliation_topic(self._app))
        if not workers(self._deployment):
            notice(f"no worker of {self._deployment.group} is running: nothing begins until one does")
        run = Run(self._deployment, self._app, asked.run)
        record = Record(reconciliation_topic(self._app), asked.source.encode(), encode(asked), partition=0)
        Publisher(self._deployment, "runs", "run the same command again").publish([record], lambda *_: None)
        followed = run.follow(wait_s, _show)
        reports = sorted(followed.reports.values(), key=lambda one: (one.tenant, one.listing))
        if followed.begun is not None:
            report.print_refusals(followed.begun, as_json=as_json)
        report.print_reports(reports, as_json=as_json)
        _judge(followed, reports)

    def last(self, source: str | None, *, as_json: bool) -> None:
        """Print the newest report of every list; raise `Failed` if there is none."""
        self._check_topic(progress_topic(self._app))
        with last_reports(self._deployment, self._app) as found:
            chosen = [one for one in found if source in {None, one.source}]
        if not chosen:
            raise Failed("nothing was compared yet; `penstock reconcile --source` does it")
        report.print_reports(chosen, as_json=as_json)

    def _check(self, name: str) -> None:
        source = self._configuration.source(name)
        known = ", ".join(one.name for one in self._configuration.sources) or "none"
        if source is None:
            raise Misused(f"--source: expected a source of the configuration ({known}), got {name!r}")
        if not source.reads:
            raise Misused(f"--source: {name} has no api_token, or hydrate is never: its provider cannot be listed")

    def _check_topic(self, topic: str) -> None:
        with topic_reader.consumer(self._deployment.kafka) as reader:
            if topic not in topic_reader.topics(reader):
                raise Misused(
                    f"there is no topic {topic}: has a worker with [worker] app = {self._app!r} and an api_token run on "
                    "this Kafka?"
                )


def _show(followed: Followed, walking: list[Progress]) -> None:
    if followed.begun is None:
        notice("waiting for a worker to plan the run")
        return
    report.show_progress(walking, len(followed.reports), len(followed.begun.lists), time.time_ns() // 1_000)


def _judge(followed: Followed, reports: Sequence[Report]) -> None:
    """Raise `Failed` unless all is well: exit code 1 is for what a person or the next run has to do."""
    if followed.begun is None:
        raise Failed(
            "no worker has begun the run yet; it begins when one does, and `penstock reconcile --last` shows it"
        )
    left = len(followed.begun.lists) - len(reports)
    if left:
        raise Failed(
            f"{left:,} lists are not done; the workers go on, and `penstock reconcile --last` shows what they found"
        )
    failed = sum(one.status in {"failed", "refused"} for one in reports) + len(followed.begun.refused)
    if failed:
        raise Failed(f"{failed:,} lists were refused or have failed; the next run begins where these did")
    questions = sum(bool(one.question) for one in reports)
    if questions:
        raise Failed(f"{questions:,} lists lack so many resources that you have to decide")

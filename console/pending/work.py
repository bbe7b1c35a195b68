"""What the commands of `penstock pending` share: finding what waits, trying it at once, or giving it up."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from broker.outgoing import Record
from config.model import Configuration
from console.errors import Failed
from console.options import load_configuration
from console.pending import report
from console.pending.acting import Ends, end_records, urgent_records
from console.pending.reading import deliveries_at, waiting_resources
from console.pending.selection import Selection
from console.pending.waiting import Waiting
from console.queries.changes import Deployment, deployment_of
from console.queries.corrections import workers
from console.queries.publishing import Publisher
from console.screen import counting, notice, progress_unless
from streams.worker.settings import compiled_routes


@contextmanager
def working(config: Path | None, data_dir: Path) -> Iterator["Work"]:
    """Yield the work of one command."""
    loaded = load_configuration(config, data_dir)
    with deployment_of(loaded, os.environ) as deployment:
        yield Work(loaded, deployment)


class Work:
    """One command's view of what waits."""

    def __init__(self, configuration: Configuration, deployment: Deployment) -> None:
        self._deployment = deployment
        self._app = configuration.worker.app
        self._routes = compiled_routes(configuration)

    def found(self, selection: Selection) -> list[Waiting]:
        """Return the selected resources, the longest wait first."""
        with counting("records looked at") as advance:
            return [one for one in waiting_resources(self._deployment, self._app, advance) if selection.matches(one)]

    def wanted(self, selection: Selection) -> list[Waiting]:
        """Return the same; raise `Failed` if there is none."""
        found = self.found(selection)
        if not found:
            raise Failed("nothing that waits is selected; `penstock pending list` lists what waits")
        return found

    def warn_without_workers(self) -> None:
        """Say that nothing will happen until a worker runs."""
        if not workers(self._deployment):
            notice(f"no worker of {self._deployment.group} is running: nothing is read or decided until one does")

    def now(self, waiting: Sequence[Waiting], wait_s: float, *, as_json: bool) -> None:
        """Ask for reads at once, wait for what they answer, and report it."""
        ends, publisher = Ends(self._deployment), self._publisher()
        with progress_unless("asked for", len(waiting), as_json=as_json) as advance:
            deliveries = deliveries_at(self._deployment, waiting, advance)
            publisher.publish(urgent_records(self._app, waiting, deliveries, self._routes), lambda *_: None)
        if not publisher.count:
            raise Failed(
                "nothing was asked for: the configuration does not read these resources (api_token, hydrate), "
                "or webhooks.raw no longer has their deliveries"
            )
        self._report(ends, waiting, wait_s, len(waiting) - publisher.count, as_json=as_json)

    def give_up(self, waiting: Sequence[Waiting], reason: str, by: str, wait_s: float, *, as_json: bool) -> None:
        """End what waits as dead letters, wait until that is decided, and report it."""
        ends, publisher = Ends(self._deployment), self._publisher()
        records: Iterator[Record] = end_records(self._app, waiting, reason, by, datetime.now(UTC))
        with progress_unless("given up", 2 * len(waiting), as_json=as_json) as advance:
            publisher.publish(records, lambda *_: advance(1))
        self._report(ends, waiting, wait_s, 0, as_json=as_json)

    def _publisher(self) -> Publisher:
        return Publisher(self._deployment, "records", "run the same command again")

    def _report(self, ends: Ends, waiting: Sequence[Waiting], wait_s: float, skipped: int, *, as_json: bool) -> None:
        with progress_unless("ended", len(waiting), as_json=as_json) as advance:
            ended = ends.of(waiting, wait_s, advance) if wait_s else set[str]()
        report.print_ended(waiting, ended, skipped, as_json=as_json)
        left = sum(one.resource_key not in ended for one in waiting)
        if wait_s and left:
            raise Failed(f"{left:,} of {len(waiting):,} resources are still waited for")

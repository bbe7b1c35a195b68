"""A test's own shop: its source, the pipeline that decides it, and workers that end with the block."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import OutcomeCount
from tests.support.processes.workers import Workers, configured, running


class Shop(NamedTuple):
    """The names of the source and of the application, a count of the source's outcomes, and the workers."""

    source: str
    app: str
    outcomes: OutcomeCount
    workers: Workers


@contextmanager
def opened(kafka: str, registry: str, directory: Path, worker_servers: str | None = None) -> Iterator[Shop]:
    """Give a shop that has sent nothing yet; the workers connect to `worker_servers` if given."""
    name = uuid.uuid4().hex[:8]
    source, app = f"shop-{name}", f"app-{name}"
    ensure_raw(kafka, app)
    with (
        closing(OutcomeCount(kafka, registry, source)) as outcomes,
        running(directory, configured(worker_servers or kafka, registry, source, app)) as workers,
    ):
        yield Shop(source, app, outcomes, workers)

"""The errors of a worker outside the pipeline.

Transient (broker.errors)  nothing was committed; the batch is decided again
└── ClientLost             the Kafka client must be replaced first
WorkerError
├── Stopped                the process was stopped while it waited for Kafka; the next start resumes
├── StoreCorrupted         a partition's store on disk is unusable; it is rebuilt from the changelog, and nothing is lost
└── Fatal                  this process must exit with code 3; its supervisor restarts it
"""

from pathlib import Path

from broker.errors import Transient


class WorkerError(Exception):
    """Something outside the pipeline failed."""


class ClientLost(Transient):
    """The client of a transaction is unusable; a new one with the same transactional id makes Kafka end that transaction."""


class Stopped(WorkerError):
    """The process was stopped while it waited for Kafka; the next start reads what was committed."""


class StoreCorrupted(WorkerError):
    """The store in a directory cannot be used, for the given reason."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"{directory}: {reason}")
        self.directory = directory
        self.reason = reason


class Fatal(WorkerError):
    """Continuing could lose or duplicate records; the process must exit."""

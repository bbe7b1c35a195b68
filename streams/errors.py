"""What can go wrong between the pipeline and its surroundings.

Transient (broker.errors)  nothing was committed; the batch is decided again
└── ClientLost             Kafka's client must be replaced first
WorkerError
├── Stopped                the process was told to stop while it waited for Kafka; the next start goes on
├── StoreCorrupted         a partition's store on disk is unusable; it is rebuilt from the changelog, and nothing is lost
└── Fatal                  this process must end, with exit code 3; its supervisor starts it again
"""

from pathlib import Path

from broker.errors import Transient


class WorkerError(Exception):
    """Something outside the pipeline failed."""


class ClientLost(Transient):
    """The client of a transaction cannot go on; a new one with the same transactional id makes Kafka end that transaction."""


class Stopped(WorkerError):
    """The process was told to stop while it waited for Kafka; the next start reads what was committed."""


class StoreCorrupted(WorkerError):
    """The store in a directory cannot be used, and why."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"{directory}: {reason}")
        self.directory = directory
        self.reason = reason


class Fatal(WorkerError):
    """Going on could lose or double something; the process must end."""

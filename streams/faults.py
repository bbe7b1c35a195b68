"""What can go wrong between the pipeline and its surroundings.

Fault
├── Transient   nothing was committed; the batch is tried again
│   └── Lost    Kafka's client has to be replaced first
├── Stopped     the process was told to stop while it waited for Kafka; the next start goes on
├── Broken      a partition's store on disk cannot be used; it is rebuilt from the changelog, nothing is lost
└── Terminal    this process may not go on: it ends with exit code 3, loudly, and its supervisor starts it again
"""

from pathlib import Path


class Fault(Exception):
    """Something outside the pipeline failed."""


class Transient(Fault):
    """Nothing was committed; trying again may help."""


class Lost(Transient):
    """The client of a transaction cannot go on; a new one with the same transactional id makes Kafka end that transaction."""


class Stopped(Fault):
    """The process was told to stop while it waited for Kafka; the next start reads what was committed."""


class Broken(Fault):
    """The store in a directory cannot be used, and why."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"{directory}: {reason}")
        self.directory = directory
        self.reason = reason


class Terminal(Fault):
    """Going on could lose or double something; the process must end."""

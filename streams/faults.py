"""What can go wrong between the pipeline and its surroundings.

Fault
├── Transient   nothing was committed; the batch is tried again
├── Broken      a partition's store on disk cannot be used; it is rebuilt from the changelog, nothing is lost
└── Terminal    this process may not go on: it ends with exit code 3, loudly, and its supervisor starts it again
"""

from pathlib import Path


class Fault(Exception):
    """Something outside the pipeline failed."""


class Transient(Fault):
    """Nothing was committed; trying again may help."""


class Broken(Fault):
    """The store in a directory cannot be used, and why."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"{directory}: {reason}")
        self.directory = directory
        self.reason = reason


class Terminal(Fault):
    """Going on could lose or double something; the process must end."""

"""What can go wrong on one machine.

LocalError               said to people as it is, without a traceback
├── Refused              before anything runs: a port, the data directory, the disk, Java, a download; exit code 2
└── DidNotStart          a process ended, or never answered; its last lines are in the message; exit code 1
"""


class LocalError(Exception):
    """Base of everything this package raises; the message says what to do."""


class Refused(LocalError):
    """Nothing was started, and trying again changes nothing until a person acts."""


class DidNotStart(LocalError):
    """A process ended before it was ready, or was not ready in time."""

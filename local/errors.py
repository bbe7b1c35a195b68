"""The errors of Penstock on one machine.

LocalError               shown to the user as it is, without a traceback
├── Refused              before anything runs: a port, the data directory, the disk, Java, a download; exit code 2
└── DidNotStart          a process ended, or never answered; its last lines are in the message; exit code 1
"""


class LocalError(Exception):
    """Base of all errors of this package; the message says what to do."""


class Refused(LocalError):
    """Nothing was started, and a retry fails too until the user acts."""


class DidNotStart(LocalError):
    """A process ended before it was ready, or was not ready in time."""

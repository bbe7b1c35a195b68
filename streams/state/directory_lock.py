"""A lock that allows one worker per directory: one process owns the tables and the id that the directory is named after.

Acquired at startup, before the transactional id is fenced: a second worker in one directory must not stop the first.
"""

from pathlib import Path
from typing import IO

from config import process_lock
from streams.errors import Fatal
from streams.state.rocksdb_store import judging

LOCK = "worker.lock"


def claim(directory: Path) -> IO[str]:
    """Lock a worker's directory, created if missing, until the returned file is closed or this process exits.

    Raises `Fatal` if another process holds the lock. The kernel releases the lock of a killed worker.
    """
    try:
        with judging(directory):
            directory.mkdir(parents=True, exist_ok=True)
            return process_lock.claim(directory / LOCK)
    except process_lock.Held as error:
        raise Fatal(
            f"another worker (process {error.holder}) has this --worker-id and --data-dir, and holds {directory}: "
            "give each worker an id of its own"
        ) from error

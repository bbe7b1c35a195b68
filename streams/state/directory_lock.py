"""A lock that allows one worker per directory: one process owns the tables and the id that the directory is named after.

Acquired at startup, before the transactional id is fenced: a second worker in one directory must not stop the first.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

from streams.errors import Fatal
from streams.state.rocksdb_store import judging

LOCK = "worker.lock"


def claim(directory: Path) -> IO[str]:
    """Lock a worker's directory, created if missing, until the returned file is closed or this process exits.

    Raises `Fatal` if another process holds the lock. The kernel releases the lock of a killed worker.
    """
    with judging(directory):
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / LOCK).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise Fatal(
            f"another worker (process {holder}) has this --worker-id and --data-dir, and holds {directory}: "
            "give each worker an id of its own"
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock

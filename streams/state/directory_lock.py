"""One worker per directory: its tables are those of one process, and so is the id that the directory is named after.

Decided at the start, before the id is taken over on Kafka: the second of two workers in one directory must not stop the first.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

from streams.errors import Fatal
from streams.state.rocksdb_store import judging

LOCK = "worker.lock"


def claim(directory: Path) -> IO[str]:
    """Hold a worker's directory, made if it is not there, until the returned file is closed or this process ends.

    Raises `Fatal` when another process holds it. The lock is the kernel's, so a killed worker holds nothing.
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

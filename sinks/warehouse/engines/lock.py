"""A lock that allows one writer per warehouse: two on one catalogue corrupt it (sipcapture/homer#810)."""

import fcntl
import os
from pathlib import Path
from typing import IO

from sinks.warehouse.errors import Unusable

LOCK = "loader.lock"


def claim(folder: Path) -> IO[str]:
    """Lock a warehouse's folder, created if missing, until the returned file is closed or this process ends, however it does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise Unusable(f"{folder}: expected a folder that can be written: {error.strerror or error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise Unusable(
            f"{folder}: process {holder} writes to this warehouse, and only one may; end it first"
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock

"""A file that one process holds at a time, with the id of that process in it.

The kernel releases the lock however the process ends, so a file that is left behind locks nothing.
"""

import fcntl
import os
from pathlib import Path
from typing import IO


class Held(Exception):
    """Another process holds the file; `holder` is its id as text, or `unknown`."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"process {holder} holds it")
        self.holder = holder


def claim(file: Path) -> IO[str]:
    """Lock a file, created if missing, until the returned file is closed or this process ends.

    Raises `Held` if another process holds it, OSError if it cannot be opened.
    """
    lock = file.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise Held(holder) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock

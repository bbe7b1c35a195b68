"""The directory with all files of `penstock up`: claimed by one process at a time, and never another program's directory."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from config import process_lock
from local.errors import Refused

LOCK = "penstock.lock"  # Also marks the directory as Penstock's; it stays when penstock ends.
SPOOL = "spool"  # A `penstock ingress` started before the first `penstock up` has created its spool here.
LEAST_FREE_BYTES = 500_000_000  # Kafka stops hard when its disk is full; this leaves time to notice.


@contextlib.contextmanager
def claim(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process, created if missing; `Refused` says why it cannot be used.

    The kernel holds the lock, so it ends with this process in every case.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(data_dir)
        lock = process_lock.claim(data_dir / LOCK)
    except process_lock.Held as error:
        raise Refused(
            f"{data_dir} is in use by another penstock (process {error.holder}). Stop that one, or choose another --data-dir."
        ) from error
    except OSError as error:
        raise Refused(f"{data_dir} cannot be used: {error.strerror}. Choose another with --data-dir.") from error
    with lock:
        _refuse_full(data_dir)
        yield


def _refuse_foreign(data_dir: Path) -> None:
    if not (data_dir / LOCK).exists() and any(entry.name != SPOOL for entry in data_dir.iterdir()):
        raise Refused(
            f"{data_dir} has files in it that are not penstock's (there is no {LOCK}). "
            "Choose an empty or a new directory with --data-dir."
        )


def _refuse_full(data_dir: Path) -> None:
    free_bytes = shutil.disk_usage(data_dir).free
    if free_bytes < LEAST_FREE_BYTES:
        raise Refused(
            f"The disk of {data_dir} has {free_bytes / 1e6:.0f} MB left; penstock starts with {LEAST_FREE_BYTES / 1e6:.0f} "
            "MB or more. Make room, or choose a directory on another disk with --data-dir."
        )

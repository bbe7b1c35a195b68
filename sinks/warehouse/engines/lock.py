"""A lock that allows one writer per warehouse: two on one catalogue corrupt it (sipcapture/homer#810)."""

from pathlib import Path
from typing import IO

from config import process_lock
from sinks.warehouse.errors import Unusable

LOCK = "loader.lock"


def claim(folder: Path) -> IO[str]:
    """Lock a warehouse's folder, created if missing, until the returned file is closed or this process ends, however it does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return process_lock.claim(folder / LOCK)
    except process_lock.Held as error:
        raise Unusable(
            f"{folder}: process {error.holder} writes to this warehouse, and only one may; end it first"
        ) from error
    except OSError as error:
        raise Unusable(f"{folder}: expected a folder that can be written: {error.strerror or error}") from error

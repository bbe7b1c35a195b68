"""The progress of a worker's restores, written to its log and to a file for processes that wait for the worker."""

import json
import threading
import time
from pathlib import Path

import structlog
from msgspec import Struct

LOG_EVERY_S = 5.0
WRITE_EVERY_S = 1.0

log = structlog.get_logger()


class _Share(Struct):
    """One partition's share, in changelog offsets, some without a record (compacted, or a transaction marker)."""

    total: int | None = None  # None until its restore has begun
    done: int = 0
    is_over: bool = False


class Progress:
    """Totals over all partitions that are being restored; several threads advance it.

    During a restore `file` holds one JSON object: partitions, done and total offsets, rate and seconds left.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._shares: dict[int, _Share] = {}
        self._began_s = self._logged_s = self._written_s = 0.0

    def expect(self, partition: int) -> None:
        """Add a partition whose restore will begin when a thread is free."""
        with self._lock:
            self._share(partition)
            self._write()

    def begin(self, partition: int, total: int) -> None:
        """Set the number of offsets that a partition has to read."""
        with self._lock:
            self._share(partition).total = total

    def advance(self, partition: int, offsets: int) -> None:
        """Count offsets read from a partition."""
        with self._lock:
            self._shares[partition].done += offsets
            now_s = time.monotonic()
            if now_s - self._logged_s > LOG_EVERY_S:
                self._logged_s = now_s
                log.info("restoring", **self.figures())
            if now_s - self._written_s > WRITE_EVERY_S:
                self._write()

    def end(self, partition: int) -> None:
        """Mark a partition's restore as ended, successful or not; the last one deletes the file."""
        with self._lock:
            if partition in self._shares:
                self._shares[partition].is_over = True
            if all(share.is_over for share in self._shares.values()):
                self._shares.clear()
                if self._file is not None:
                    self._file.unlink(missing_ok=True)

    def figures(self) -> dict[str, float | int | None]:
        """Return the total progress; `seconds_left` is None while it is unknown."""
        shares = self._shares.values()
        done, total = sum(share.done for share in shares), sum(share.total or 0 for share in shares)
        rate = done / max(1e-3, time.monotonic() - self._began_s)
        is_known = done > 0 and all(share.total is not None for share in shares)
        return {
            "partitions": sum(not share.is_over for share in shares),
            "waiting": sum(share.total is None for share in shares),
            "done": done,
            "total": total,
            "per_s": round(rate),
            "seconds_left": round((total - done) / rate) if is_known else None,
        }

    def _share(self, partition: int) -> _Share:
        if not self._shares:
            self._began_s = self._logged_s = time.monotonic()
        return self._shares.setdefault(partition, _Share())

    def _write(self) -> None:
        self._written_s = time.monotonic()
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(self.figures()))
        draft.replace(self._file)

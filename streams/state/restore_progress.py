"""How far the restores of a worker are: for its log, and in a file for whoever waits for the worker."""

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
    """One partition's part, in changelog offsets: some of them hold no record (compacted, or a transaction's mark)."""

    total: int | None = None  # None until its restore has begun
    done: int = 0
    is_over: bool = False


class Progress:
    """Counts over all partitions that are being restored; several threads advance it.

    While anything is restored `file` holds one JSON object: partitions, done and total offsets, rate and seconds left.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._shares: dict[int, _Share] = {}
        self._began_s = self._logged_s = self._written_s = 0.0

    def expect(self, partition: int) -> None:
        """Take in a partition whose restore will begin when a thread is free."""
        with self._lock:
            self._share(partition)
            self._write()

    def begin(self, partition: int, total: int) -> None:
        """Take in how much a partition has to read."""
        with self._lock:
            self._share(partition).total = total

    def advance(self, partition: int, offsets: int) -> None:
        """Count what was read of a partition."""
        with self._lock:
            self._shares[partition].done += offsets
            now_s = time.monotonic()
            if now_s - self._logged_s > LOG_EVERY_S:
                self._logged_s = now_s
                log.info("restoring", **self.figures())
            if now_s - self._written_s > WRITE_EVERY_S:
                self._write()

    def end(self, partition: int) -> None:
        """Note that a partition's restore is over, however it ended; with the last one the file goes."""
        with self._lock:
            if partition in self._shares:
                self._shares[partition].is_over = True
            if all(share.is_over for share in self._shares.values()):
                self._shares.clear()
                if self._file is not None:
                    self._file.unlink(missing_ok=True)

    def figures(self) -> dict[str, float | int | None]:
        """Return how far all of it is; `seconds_left` is None while it cannot be told."""
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

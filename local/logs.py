"""Log files of child processes: one bounded file each, whose last lines appear in the message when the process dies."""

import shutil
from pathlib import Path

LARGEST_BYTES = 20_000_000
KEPT_BYTES = 1_000_000
_TAIL_BYTES = 16_000


def rotate(log: Path) -> None:
    """Start a new file and keep the last one as `<name>.1`, so that what a process wrote before it died stays readable."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(_older(log))


def bound(log: Path) -> None:
    """Truncate a file that has grown too large while its process runs; its last part stays in `<name>.1`.

    The process appends (O_APPEND), so it continues at the file's new end. Lines written between copy and truncation are lost.
    """
    if not log.exists() or log.stat().st_size <= LARGEST_BYTES:
        return
    with log.open("rb") as source, _older(log).open("wb") as kept:
        source.seek(-KEPT_BYTES, 2)
        shutil.copyfileobj(source, kept)
    with log.open("r+b") as grown:
        grown.truncate(0)


def last_lines(log: Path, count: int = 12) -> str:
    """Return the last lines of a log, indented; empty if there are none."""
    if not log.exists():
        return ""
    with log.open("rb") as opened:
        opened.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = opened.read().decode(errors="replace").splitlines()
    return "".join(f"    {line}\n" for line in lines[-count:])


def _older(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")

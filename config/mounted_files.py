"""Detects files whose changes cannot be seen: a file that is mounted by itself stays the file that was mounted.

Editors, `mv` and all safe writers replace the old file with a new one. A mounted folder shows the new file; a mounted file goes
on showing the old one, which no longer has a name. Polling finds no change, and SIGHUP reads the old text.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import structlog

MOUNTS = Path("/proc/self/mountinfo")
ADVICE = "mount the folder that it is in instead of the file, and start again"
_ESCAPED = re.compile(r"\\([0-7]{3})")

Frozen = Literal["mounted_alone", "replaced"]
log = structlog.get_logger("ingress")


def frozen(file: Path, mounted: frozenset[str]) -> Frozen | None:
    """Return why a file's changes cannot be seen, None if they can or it is missing; `mounted` are the mount points.

    `replaced`: the file that is read no longer has a name, so it cannot change. `mounted_alone`: changes written in place are
    seen, a replacement of the file is not.
    """
    try:
        real = file.resolve(strict=True)
        if real.stat().st_nlink == 0:
            return "replaced"
    except OSError:
        return None
    return "mounted_alone" if str(real) in mounted else None


def mount_points() -> frozenset[str]:
    """Return the mount points that this process sees; none if the system does not list them."""
    try:
        return parsed(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return frozenset()


def parsed(mountinfo: str) -> frozenset[str]:
    """Return the mount points in the kernel's list: the fifth word of each line, blanks escaped (proc_pid_mountinfo(5))."""
    words = (line.split() for line in mountinfo.splitlines())
    return frozenset(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), found[4]) for found in words if len(found) > 4)


class MountWatch:
    """Logs once for each file that its changes cannot be seen, and again when it has been replaced."""

    def __init__(self) -> None:
        self._known: dict[Path, Frozen | None] = {}

    def look(self, files: Iterable[Path]) -> None:
        """Log what has changed for these files."""
        mounted = mount_points()
        for file in files:
            found = frozen(file, mounted)
            if found is not None and found != self._known.get(file):
                _say(file, found)
            self._known[file] = found


def _say(file: Path, found: Frozen) -> None:
    if found == "mounted_alone":
        log.warning("mounted_alone", file=os.fspath(file), advice=ADVICE)
    else:
        detail = "the file has been replaced where it was mounted from, and cannot be followed; its old text is served"
        log.error("replaced_unseen", file=os.fspath(file), detail=detail, advice=ADVICE)

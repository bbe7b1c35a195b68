"""Files that do not follow a change: one that is mounted by itself stays the one that it was when it was mounted.

Editors, `mv` and whatever writes safely put a new file in the place of the old one. A mounted folder shows the new one; a
mounted file goes on showing the old one, which has no name any more. No look finds a change, and SIGHUP reads the old text.
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
    """Return why a file does not follow, None where it does or is missing; `mounted` are the mount points.

    `replaced`: what is read here has no name any more, so nobody can change it. `mounted_alone`: it follows what is written into
    it in place, and nothing that replaces it.
    """
    try:
        real = file.resolve(strict=True)
        if real.stat().st_nlink == 0:
            return "replaced"
    except OSError:
        return None
    return "mounted_alone" if str(real) in mounted else None


def mount_points() -> frozenset[str]:
    """Return where something is mounted, as this process sees it; nothing where the system does not tell."""
    try:
        return parsed(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return frozenset()


def parsed(mountinfo: str) -> frozenset[str]:
    """Return the mount points in the kernel's list: the fifth word of each line, blanks in octal (proc_pid_mountinfo(5))."""
    words = (line.split() for line in mountinfo.splitlines())
    return frozenset(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), found[4]) for found in words if len(found) > 4)


class MountWatch:
    """Says once of each file that it does not follow, and once more when it has been replaced."""

    def __init__(self) -> None:
        self._known: dict[Path, Frozen | None] = {}

    def look(self, files: Iterable[Path]) -> None:
        """Log what is news about these files."""
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

"""A disk on which a worker's writes fail until room is made, whoever runs the tests.

Root gets a small file system in memory, where the failure is the real one, ENOSPC. Others cannot mount: there each process is
forbidden to write long files (EFBIG), which fails in the same places.
"""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

DISK_BYTES = 64 * 1024 * 1024
LEFT_BYTES = 2 * 1024 * 1024


class NarrowDisk:
    """A directory with little room."""

    def __init__(self, directory: Path, *, is_mounted: bool) -> None:
        self.directory = directory
        self._ballast = directory / "ballast" if is_mounted else None

    def fill(self, pid: int) -> None:
        """Leave 2 MB; for a process that runs, where the disk is not our own."""
        if self._ballast is None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (LEFT_BYTES, resource.RLIM_INFINITY))
            return
        if self._ballast.exists():
            return
        room = os.statvfs(self.directory)
        with self._ballast.open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, room.f_bavail * room.f_frsize - LEFT_BYTES)

    def make_room(self) -> None:
        """Let what is started from now on write."""
        if self._ballast is not None:
            self._ballast.unlink()


@contextlib.contextmanager
def narrow_disk(directory: Path) -> Iterator[NarrowDisk]:
    """Give an empty directory on such a disk."""
    directory.mkdir()
    if os.geteuid() != 0:
        yield NarrowDisk(directory, is_mounted=False)
        return
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory)], check=True)
    try:
        yield NarrowDisk(directory, is_mounted=True)
    finally:
        subprocess.run(
            ["/bin/umount", "-l", str(directory)], check=True
        )  # lazily: a worker that hangs must not keep it

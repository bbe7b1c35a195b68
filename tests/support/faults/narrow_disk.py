"""A disk on which a worker's writes fail until space is freed, for root and for other users.

For root it is a small file system in memory, where the failure is the real one, ENOSPC. Other users cannot mount: there
each process is forbidden to write long files (EFBIG), which fails in the same calls.
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
    """A directory with little space."""

    def __init__(self, directory: Path, left_bytes: int, *, is_mounted: bool) -> None:
        self.directory = directory
        self._left_bytes = left_bytes
        self._ballast = directory / "ballast" if is_mounted else None

    def fill(self, pid: int) -> None:
        """Leave little space; for a running process, where the disk is not our own."""
        if self._ballast is None:
            limit_file_size(pid, self._left_bytes)
            return
        if self._ballast.exists():
            return
        room = os.statvfs(self.directory)
        with self._ballast.open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, room.f_bavail * room.f_frsize - self._left_bytes)

    def make_room(self, pid: int | None = None) -> None:
        """Let processes that are started from now on write, and a running one."""
        if self._ballast is not None:
            self._ballast.unlink()
        elif pid is not None:
            limit_file_size(pid)


def limit_file_size(pid: int, size: int = resource.RLIM_INFINITY) -> None:
    """Let a process write no file beyond a size; without one, let it write again."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextlib.contextmanager
def narrow_disk(directory: Path, disk_bytes: int = DISK_BYTES, left_bytes: int = LEFT_BYTES) -> Iterator[NarrowDisk]:
    """Give an empty directory on such a disk."""
    directory.mkdir()
    if os.geteuid() != 0:
        yield NarrowDisk(directory, left_bytes, is_mounted=False)
        return
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={disk_bytes}", "tmpfs", str(directory)], check=True)
    try:
        yield NarrowDisk(directory, left_bytes, is_mounted=True)
    finally:
        subprocess.run(
            ["/bin/umount", "-l", str(directory)], check=True
        )  # lazily: a worker that hangs must not keep it mounted

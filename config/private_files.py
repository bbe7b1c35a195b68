"""Makes files and directories private to their owner: 0600 and 0700. They hold bodies as received, and secrets of the demo.

A process sets its umask when it starts, so that files of its libraries and children (SQLite, RocksDB, Kafka) are private too.
Files that an earlier version created are tightened.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = 0o077


def create_privately() -> None:
    """Make this process and its future children create files and directories that are private to their owner."""
    os.umask(OTHERS)


def tighten(root: Path) -> list[Path]:
    """Remove other users' access to a file, or a directory and everything below; return the paths that could not be changed.

    Links below are not followed: they lead to files that are not Penstock's. Files that vanish meanwhile are ignored.
    """
    refused = []
    for path in _below(root):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & OTHERS:
                path.chmod(mode & ~OTHERS)
        except FileNotFoundError:
            continue
        except OSError:
            refused.append(path)
    return refused


def _below(root: Path) -> Iterator[Path]:
    yield root
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = Path(directory, name)
            if not path.is_symlink():
                yield path

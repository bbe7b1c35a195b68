"""Files and directories for their owner alone: 0600 and 0700. Bodies lie in them as they came, and secrets of the demo.

A process sets its umask at its start, so that what its libraries and its children create (SQLite, RocksDB, Kafka) is private,
too; what an earlier version has left is tightened.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = 0o077


def create_privately() -> None:
    """Let this process, and all that it starts from now on, create files and directories for their owner alone."""
    os.umask(OTHERS)


def tighten(place: Path) -> list[Path]:
    """Take from other users what they may do with a file, or a directory and everything below; return what was refused.

    Links below are not followed: they lead to what is not ours. What vanishes meanwhile is no matter.
    """
    refused = []
    for path in _below(place):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & OTHERS:
                path.chmod(mode & ~OTHERS)
        except FileNotFoundError:
            continue
        except OSError:
            refused.append(path)
    return refused


def _below(place: Path) -> Iterator[Path]:
    yield place
    for directory, directories, files in os.walk(place):
        for name in (*directories, *files):
            path = Path(directory, name)
            if not path.is_symlink():
                yield path

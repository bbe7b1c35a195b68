"""How this process's memory is given out."""

import contextlib
import ctypes

ARENAS = 2
_M_ARENA_MAX = -8  # glibc, malloc.h


def limit_arenas() -> None:
    """Let malloc keep two pools of memory instead of eight per core; without glibc nothing happens.

    A record is allocated by one of librdkafka's threads and freed by another; what is free in one pool is of no use to the
    others, so a worker grew to 450 MB where 300 MB are enough (`python -m bench restore --quick`). Same as the environment's
    MALLOC_ARENA_MAX=2. Only pools that do not exist yet are affected: call it before threads are started.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)

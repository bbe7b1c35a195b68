"""How this process's memory is given out, and how often it is searched for garbage."""

import contextlib
import ctypes
import gc

ARENAS = 2
_M_ARENA_MAX = -8  # glibc, malloc.h
NEW_OBJECTS = 100_000  # of a thousand deliveries


def limit_arenas() -> None:
    """Let malloc keep two pools of memory instead of eight per core; without glibc nothing happens.

    A record is allocated by one of librdkafka's threads and freed by another; what is free in one pool is of no use to the
    others, so a worker grew to 450 MB where 300 MB are enough (`python -m bench restore --quick`). Same as the environment's
    MALLOC_ARENA_MAX=2. Only pools that do not exist yet are affected: call it before threads are started.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def collect_rarely() -> None:
    """Let the collector of reference cycles look at 100,000 new objects at a time, not 700, and never again at those there are.

    Deciding makes no cycles; looking for some took 3 to 4 % of a worker's time. Call it when everything is imported.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)

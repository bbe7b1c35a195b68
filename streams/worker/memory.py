"""How this process's memory is given out, and how often it is searched for garbage."""

import contextlib
import ctypes
import gc

ARENAS = 2
LARGE_BYTES = 256 * 1024  # such a piece is the system's own again when it is freed
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # glibc, malloc.h
NEW_OBJECTS = 100_000  # of a thousand deliveries


def give_back_memory() -> None:
    """Let malloc keep two pools of memory, not eight per core, and nothing of what was large; without glibc nothing happens.

    A record is allocated by one of librdkafka's threads and freed by another; what is free in one pool is of no use to the
    others. And malloc raises the size from which memory is returned at once to that of the largest piece ever freed, a fetched
    batch of some megabytes. With a million products (`python -m bench restore`) a worker held 486 MB without the second, and
    with a queue four times as long; now it holds 380. Same as the environment's MALLOC_ARENA_MAX and MALLOC_MMAP_THRESHOLD_.
    Call it before threads are started: only pools that do not exist yet are affected.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def collect_rarely() -> None:
    """Let the collector of reference cycles look at 100,000 new objects at a time, not 700, and never again at those there are.

    Deciding makes no cycles; looking for some took 3 to 4 % of a worker's time. Call it when everything is imported.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)

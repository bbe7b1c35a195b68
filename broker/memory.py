"""Tuning of this process's memory allocator and garbage collector."""

import contextlib
import ctypes
import gc

ARENAS = 2
LARGE_BYTES = 256 * 1024  # blocks of this size return to the system when they are freed
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # glibc, malloc.h
NEW_OBJECTS = 100_000  # about a thousand deliveries


def give_back_memory() -> None:
    """Limit malloc to two arenas instead of eight per core, and return large blocks at once; without glibc, do nothing.

    One librdkafka thread allocates a record and another frees it; free memory in one arena is no use to the others. And
    malloc raises the size above which it returns memory at once to that of the largest block ever freed, a fetched batch of
    some megabytes. With a million products (`python -m bench restore`) a worker held 486 MB without the second limit and with
    a queue four times as long; now it holds 380. Same as the variables MALLOC_ARENA_MAX and MALLOC_MMAP_THRESHOLD_.
    Call it before threads are started: only arenas that do not exist yet are affected.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def collect_rarely() -> None:
    """Run the cycle collector every 100,000 new objects instead of 700, and exclude all existing objects from it.

    Deciding creates no cycles, and the search for them took 3 to 4 % of a worker's time. Call it after all imports.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)

"""What the processes on one port know about each other: memory that all of them share (Apache's word for it).

Each process has a place. Once a second it notes there that it is alive, and what it has counted. So the parent sees one that
hangs, whichever is asked for /metrics can add up all, and what a killed process counted is there for its successor.
Nobody waits for anybody.

The memory is anonymous and inherited by forking: it needs no name and no file system, and ends with the last process.
`prometheus_client`'s multiprocess mode needs a directory that can be written, and its own counters.
"""

import mmap
import struct
import time
import zlib

BUFFER_BYTES = 8 << 20  # Some thousand sources; memory that was never written to takes no room.
_ALIVE = struct.Struct("=d")  # when the process was last alive, in monotonic seconds; 0: it is not
_LATEST = struct.Struct("=I")  # which of the two buffers holds what was posted last
_HEAD = struct.Struct("=II")  # of a buffer: length, CRC-32
_PLACE_BYTES = mmap.PAGESIZE + 2 * BUFFER_BYTES
_TRIES = 3


class Scoreboard:
    """The places of `processes` processes, made by their parent before it forks them."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self._memory = mmap.mmap(-1, processes * _PLACE_BYTES)

    def post(self, place: int, numbers: bytes) -> None:
        """Write what a process has counted. More than 8 MB is not written, and what was there stays.

        Two buffers take turns, so that a process killed while it writes leaves what it posted before.
        """
        if len(numbers) > BUFFER_BYTES - _HEAD.size:
            return
        buffer = 1 - self._latest(place)
        start = _buffer_start(place, buffer)
        _HEAD.pack_into(self._memory, start, len(numbers), zlib.crc32(numbers))
        start += _HEAD.size
        self._memory[start : start + len(numbers)] = numbers
        _LATEST.pack_into(self._memory, place * _PLACE_BYTES + _ALIVE.size, buffer)

    def posted(self, place: int) -> bytes:
        """Return what was posted last at a place, by a process that may have ended; nothing before that."""
        for _ in range(_TRIES):  # While it is being written the checksum is wrong; then the other buffer is the latest.
            start = _buffer_start(place, self._latest(place))
            length, checksum = _HEAD.unpack_from(self._memory, start)
            start += _HEAD.size
            numbers = self._memory[start : start + min(length, BUFFER_BYTES)]
            if zlib.crc32(numbers) == checksum:
                return numbers
        return b""

    def exchange(self, place: int, mine: bytes) -> list[tuple[bytes, bool]]:
        """Post what a process has counted; return what all places have, each with whether its process is alive."""
        self.post(place, mine)
        return [(self.posted(other), self.alive_at(other) > 0) for other in range(self.processes)]

    def note_alive(self, place: int) -> None:
        """Note that the process of a place is alive."""
        _ALIVE.pack_into(self._memory, place * _PLACE_BYTES, time.monotonic())

    def note_dead(self, place: int) -> None:
        """Note that a place has no process; what it counted stays."""
        _ALIVE.pack_into(self._memory, place * _PLACE_BYTES, 0.0)

    def alive_at(self, place: int) -> float:
        """Return when the process of a place was last alive, in monotonic seconds; 0 before it serves and when it is dead."""
        return float(_ALIVE.unpack_from(self._memory, place * _PLACE_BYTES)[0])

    def _latest(self, place: int) -> int:
        return int(_LATEST.unpack_from(self._memory, place * _PLACE_BYTES + _ALIVE.size)[0])


def _buffer_start(place: int, buffer: int) -> int:
    return place * _PLACE_BYTES + mmap.PAGESIZE + buffer * BUFFER_BYTES

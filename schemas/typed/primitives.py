"""Avro's binary form of single values, as pieces that an encoder joins.

Source: Avro 1.12, "Binary Encoding". Every cache here is bounded; a value that is not cached only costs more time.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

NULL: Final = b"\x00"
"""The branch of null in a union of null and something, and the end of an array or a map."""
SOME: Final = b"\x02"
"""The other branch of such a union."""

MAX_CACHED: Final = 4096  # entries of each cache
MAX_CACHED_CHARACTERS: Final = 128  # of one text: a cache never pins large ones


def _pairs(mark: int) -> list[bytes]:
    """Return the two bytes of each number of 14 bits, the low byte first and marked as not the last, the high one as given."""
    both = bytearray(2 << 14)
    both[::2] = bytes(range(128, 256)) * 128
    both[1::2] = b"".join(bytes((high | mark,)) * 128 for high in range(128))
    return [pair for (pair,) in struct.iter_unpack("2s", both)]


# Seven bits go into a byte. Two bytes at a time, from a table, take half the time of one at a time (decision 0020).
_PAIR: Final = _pairs(128)
_LAST: Final = [bytes((number,)) for number in range(128)] + _pairs(0)[128:]


def long(number: int) -> bytes:
    """Return a number as Avro's long or int: zigzag, then seven bits a byte, the lowest first.

    A number beyond 64 bits is the caller's fault and gives bytes that no reader accepts.
    """
    high = number >> 27  # before the doubling of zigzag, so that all that follows is one machine word
    if high <= 0:
        return _varint(number << 1 if high == 0 else ~(number << 1))
    low = (number & 0x7FFFFFF) << 1
    return _PAIR[low & 0x3FFF] + _PAIR[low >> 14] + _upper(high)


def _varint(number: int) -> bytes:
    if number < 1 << 14:
        return _LAST[number]
    return _PAIR[number & 0x3FFF] + _varint(number >> 14)


_upper = lru_cache(MAX_CACHED)(_varint)  # the same for times of two minutes, and for many ids: two thirds of the time

time = lru_cache(64)(long)  # for one delivery: in a large cache a miss takes longer than a hit saves
"""Return a time in microseconds as Avro's long; the records of one delivery have most of their times in common."""


class Counts(dict[int, bytes]):
    """Numbers of which most are small, such as lengths, as longs after `lead`. Small ones are looked up, others computed."""

    def __init__(self, lead: bytes) -> None:
        super().__init__({number: lead + long(number) for number in range(MAX_CACHED)})
        self._lead = lead

    def __missing__(self, number: int) -> bytes:
        return self._lead + long(number)


class Texts(dict[str, bytes]):
    """Texts of which there are few, such as a source's name, each with its length: a hit takes half the time of encoding."""

    def __missing__(self, text: str) -> bytes:
        piece = framed(text)
        if len(text) > MAX_CACHED_CHARACTERS:
            return piece
        if len(self) >= MAX_CACHED:
            self.clear()
        self[text] = piece
        return piece


COUNTS: Final = Counts(b"")
SOME_COUNTS: Final = Counts(SOME)
"""The same in a union with null: what precedes the bytes of a nullable text."""
TEXTS: Final = Texts()


def framed(text: str) -> bytes:
    """Return a text after its length in bytes; UnicodeEncodeError for half a character, which the pipeline repairs."""
    content = text.encode()
    return COUNTS[len(content)] + content


def array(pieces: Sequence[bytes]) -> bytes:
    """Return an array of elements that are encoded: one block and its end."""
    return COUNTS[len(pieces)] + b"".join(pieces) + NULL if pieces else NULL


def text_map(texts: Mapping[str, bytes]) -> bytes:
    """Return a map of strings, given as UTF-8, in the mapping's order: one block and its end."""
    if not texts:
        return NULL
    pieces = [COUNTS[len(texts)]]
    for name, content in texts.items():
        pieces += (framed(name), COUNTS[len(content)], content)
    pieces.append(NULL)
    return b"".join(pieces)

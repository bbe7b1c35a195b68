"""Splits the bytes of one connection into requests, so that the parser never sees two requests at once.

    head ──no body──────────────────────────> head
      ├────Content-Length──> body ──────────> head
      └────chunked──> size ─> data ─> size … ─> trailers ──> head

llhttp validates every piece except trailers, which it never sees; this module only finds where each piece ends, and the
connection compares both views after each piece (`ingress/server/protocol.py`). This makes three things exact that a parser
of a byte stream cannot give: the size of a head, the memory that an unfinished request takes, and whether a field comes
before or after the body.

Pure: no parser, no clock, no socket. Source: RFC 9112, sections 2.2, 6 and 7.
"""

import re
from typing import Literal

Stage = Literal["head", "body", "size", "data", "trailers"]

SIZE_LINE_BYTES = 512  # 16 digits and an extension; no sender writes extensions, and RFC 9112 requires a limit on them.
FREE_CHUNKS = 1000  # Further chunks of one byte would cost 3 us each (measured), and the sender only six bytes.
LEAST_CHUNK_BYTES = 32  # on average, after the free ones; real senders write chunks of 4 to 64 kB.

_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_size_line = re.compile(rb"([0-9A-Fa-f]{1,16})(;[^\r\n]*)?\r\n")
_field_line = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")
# The parser refuses a blank before the colon and folded lines, so a name can only stand at the beginning of a line.
_UPGRADE = b"\r\nupgrade:"
_upgrade = re.compile(_UPGRADE, re.IGNORECASE)


class FramingError(Exception):
    """The bytes cannot be split into requests; the text says what was expected."""


class FramingTooLarge(FramingError):
    """The head, chunk extensions and trailers of one request together exceed the limit."""


class Framing:
    """Holds the bytes of one connection that the parser has not read, and finds the end of the next piece.

    The head, chunk extensions and trailers of a request count against `limit_bytes`; its body does not.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.stage: Stage = "head"
        self.has_blanks = False  # after a value of the last head, where llhttp leaves them
        self._got = b""  # usually one read: pieces are sliced from it, and nothing is joined
        self._at = 0  # the parser has read up to here
        self._searched = 0  # no end of a head or line before this
        self._spent_bytes = 0
        self._due_bytes = 0  # left of the body, or of the chunk and its line end
        self._chunk_count = 0
        self._data_bytes = 0

    def __len__(self) -> int:
        """Return how many bytes the parser has not read."""
        return len(self._got) - self._at

    @property
    def spent_bytes(self) -> int:
        """Return how many bytes besides its body the request has taken: at the end of its head, the bytes of the head."""
        return self._spent_bytes

    @property
    def is_between_requests(self) -> bool:
        """Return whether the last request has ended; part of the next head may have arrived."""
        return self.stage == "head"

    def add(self, data: bytes) -> None:
        """Take bytes from the socket."""
        if not self._got:
            self._got = data
            return
        self._got = self._got[self._at :] + data
        self._searched = max(0, self._searched - self._at)
        self._at = 0

    def expect_body(self, length: int) -> None:
        """Set the length of the body, at the end of a head."""
        self._due_bytes = length
        self.stage = "body" if length else "head"

    def expect_chunks(self) -> None:
        """Expect chunks after the head."""
        self.stage = "size"
        self._chunk_count = self._data_bytes = 0

    def piece(self) -> bytes:
        """Return the next piece for the parser, `b""` if it is not complete. Raises `FramingError`."""
        if self.stage == "head":
            return self._head()
        if self.stage == "body":
            return self._body()
        return self._trailers() if self.stage == "trailers" else self._chunks()

    def _head(self) -> bytes:
        """Return a whole head with Upgrade renamed: the parser would take what follows for another protocol.

        A server may ignore Upgrade (RFC 9110, section 7.8); the application sees `x-ignored`, which no signature covers.
        """
        if not self._got[self._at : self._at + 1].isupper() and not self._skip_empty_lines():
            return b""
        self._spent_bytes = 0
        head = self._until(_END)
        # Searching for one byte takes a hundredth of the instructions that three take.
        self.has_blanks = b" \r\n" in head or (b"\t" in head and b"\t\r\n" in head)
        if _UPGRADE in head.lower():  # fifty times faster than searching with the expression
            return _upgrade.sub(b"\r\nx-ignored:", head)
        return head

    def _skip_empty_lines(self) -> bool:
        """Skip empty lines (RFC 9112, section 2.2); return whether a method follows, and raise if something else does.

        It raises at once, because noise, or a client that starts TLS, never sends the end of a head.
        """
        left = self._got[self._at :].lstrip(_LINE_END)
        self._at = self._searched = len(self._got) - len(left)
        if left and not left[:1].isupper():
            raise FramingError("expected HTTP/1.1")
        return bool(left)

    def _body(self) -> bytes:
        size = len(self._got) - self._at
        if size < self._due_bytes:
            self._due_bytes -= size
            return self._take(size)
        self.stage = "head"
        return self._take(self._due_bytes)

    def _chunks(self) -> bytes:
        """Return all chunks received, perhaps with part of the last: one by one, small ones would take ten times as long."""
        start = end = self._at
        has_more = True
        while has_more and self.stage != "trailers":
            end, has_more = self._data(end) if self.stage == "data" else self._size(end)
        return self._take(end - start)

    def _data(self, start: int) -> tuple[int, bool]:
        """Return where the data of a chunk end so far, and whether they are complete."""
        size = min(self._due_bytes, len(self._got) - start)
        self._due_bytes -= size
        if self._due_bytes:
            return start + size, False
        self.stage = "size"
        return start + size, True

    def _size(self, start: int) -> tuple[int, bool]:
        """Return where the data of the next chunk begin, and whether its size line is complete."""
        line = _size_line.match(self._got, start)
        if line is None:
            self._check_half_line(start)
            return start, False
        size, extension, end = int(line[1], 16), line[2] or b"", line.end()
        # The digits are not counted: data of that size follow. Nothing follows for extensions.
        self._check_limit(len(extension))
        self._spent_bytes += len(extension)
        self._count_chunk(size)
        self._due_bytes = size + len(_LINE_END)
        self.stage = "data" if size else "trailers"
        return end, True

    def _check_half_line(self, start: int) -> None:
        if self._got.find(_LINE_END, start, start + SIZE_LINE_BYTES) >= 0:
            raise FramingError("expected the size of a chunk in hexadecimal digits")
        if len(self._got) - start >= SIZE_LINE_BYTES:
            raise FramingTooLarge(f"expected at most {SIZE_LINE_BYTES} bytes before a chunk")

    def _count_chunk(self, size: int) -> None:
        self._chunk_count += 1
        self._data_bytes += size
        if self._chunk_count > FREE_CHUNKS + self._data_bytes // LEAST_CHUNK_BYTES:
            raise FramingTooLarge(f"expected chunks of {LEAST_CHUNK_BYTES} bytes or more")

    def _trailers(self) -> bytes:
        """Drop trailers and return the empty line after them: the parser would report them as headers.

        A line that is not a field is an error: a proxy may take it for the end of the request, and read on after it.
        """
        while line := self._until(_LINE_END):
            if line == _LINE_END:
                self.stage = "head"
                return line
            if _field_line.fullmatch(line) is None:
                raise FramingError("expected a trailer field: a name, a colon, a value")
        return b""

    def _until(self, end: bytes) -> bytes:
        """Return and count the bytes up to `end`, `b""` if it has not arrived; raise if it comes after the limit."""
        found = self._got.find(end, max(self._at, self._searched - len(end) + 1))
        size = (len(self._got) if found < 0 else found + len(end)) - self._at
        self._check_limit(size)
        if found < 0:
            self._searched = len(self._got)
            return b""
        self._spent_bytes += size
        return self._take(size)

    def _take(self, size: int) -> bytes:
        got, start, end = self._got, self._at, self._at + size
        if end == len(got):
            self._got, self._at, self._searched = b"", 0, 0  # else an idle connection would hold its last read
            return got[start:]
        self._at = self._searched = end
        return got[start:end]

    def _check_limit(self, size: int) -> None:
        if self._spent_bytes + size > self.limit_bytes:
            raise FramingTooLarge(f"expected at most {self.limit_bytes} bytes of headers, extensions and trailers")

"""The HTTP answers in a stream of bytes, also where the stream is cut off or an answer was to HEAD."""

from typing import Self

from msgspec import Struct

STATUS_LINE = b"HTTP/1."


class HttpAnswer(Struct, frozen=True):
    """One final answer (no 1xx); names of headers are in lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @classmethod
    def of(cls, head: bytes, body: bytes) -> Self:
        """Return the answer with this head, without the empty line that ends it."""
        status_line, *lines = head.split(b"\r\n")
        fields = (line.partition(b":") for line in lines)
        return cls(int(status_line.split()[1]), {name.lower(): value.strip() for name, _, value in fields}, body)


def http_answers(stream: bytes) -> list[HttpAnswer]:
    """Return every final answer whose head is whole; without a Content-Length, a body ends with the stream."""
    found: list[HttpAnswer] = []
    rest = stream
    while rest.startswith(STATUS_LINE) and b"\r\n\r\n" in rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        answer = HttpAnswer.of(head, b"")
        if answer.status < 200:
            continue
        size = 0 if rest.startswith(STATUS_LINE) else int(answer.headers.get(b"content-length", len(rest)))
        found.append(HttpAnswer(answer.status, answer.headers, rest[:size]))
        rest = rest[size:]
    return found

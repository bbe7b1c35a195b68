"""Reads a captured request from a file: its headers, the exact bytes of its body, and signs that the file was altered.

It accepts all usual forms: with or without a request line, CRLF or LF, the body in a separate file. The body is everything
after the blank line, to the last byte; Content-Length is compared with it but never truncates it.
"""

import re
from dataclasses import dataclass

import h11

from console.errors import Misused
from providers.base import SignedRequest

BOM = b"\xef\xbb\xbf"
EXPECTED = "expected an optional request line, headers (Name: value), a blank line, then the exact bytes of the body"
# HTTP/1.0, because 1.1 requires a Host header, which people cut; no provider signs the method and the target.
REQUEST_LINE = b"POST / HTTP/1.0\r\n"
_GIVEN_REQUEST_LINE = re.compile(rb"[A-Z]{3,10} +[^\r\n]*(\r?\n|$)")


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured request; `notes` list the signs that it differs from what was on the wire."""

    request: SignedRequest
    notes: tuple[str, ...]


def read_captured(content: bytes, body: bytes | None = None) -> Captured:
    """Return the request in a file; `body`, if kept separately, is then the whole body.

    Raises `Misused` for an invalid request or one with two bodies; the message shows none of the content.
    """
    text = content.removeprefix(BOM).lstrip(b"\r\n")
    line = _GIVEN_REQUEST_LINE.match(text)
    head = text[line.end() :] if line else text
    connection, request, has_end = _parsed(head)
    if line is None and not request.headers:
        raise Misused(f"not an HTTP request: {EXPECTED}")
    inside = connection.trailing_data[0] if has_end else b""
    if body is not None and inside.strip():
        raise Misused("two bodies: the file has one after its headers, and --body names another; leave one out")
    notes = [*_altered(content, text[: len(text) - len(inside)]), *([] if has_end or body is not None else [NO_END])]
    if body is None:
        joined = _joined_chunks(connection, request)
        body = inside if joined is None else joined
        notes += [] if joined is None else ["the body was kept in chunks, as on the wire; they are joined here"]
    headers = _headers(request)
    return Captured(SignedRequest(headers, body), (*notes, *_miscounted(headers, body)))


NO_END = "no blank line ends the headers; the body is taken to be empty (was it kept apart? --body FILE)"


def _parsed(head: bytes) -> tuple[h11.Connection, h11.Request, bool]:
    """Return the parsed headers, and whether a blank line ends them; without one the body was kept separately."""
    for ending in (None, b"\r\n\r\n"):
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(REQUEST_LINE + (head if ending is None else head.rstrip(b"\r\n") + ending))
        try:
            event = connection.next_event()
        except h11.ProtocolError:
            raise Misused(f"not an HTTP request: {EXPECTED}") from None  # h11's own message quotes the line
        if isinstance(event, h11.Request):
            return connection, event, ending is None
    raise Misused(f"not an HTTP request: {EXPECTED}")


def _altered(content: bytes, head: bytes) -> list[str]:
    notes = []
    if content.startswith(BOM):
        notes.append("the file begins with a byte order mark: an editor saved it, and may have changed the body too")
    if re.search(rb"(?<!\r)\n", head):
        notes.append(
            "header lines end in LF, on the wire in CRLF: an editor or a tool saved it, and may have changed the body too"
        )
    return notes


def _joined_chunks(connection: h11.Connection, request: h11.Request) -> bytes | None:
    """Return a body without its `Transfer-Encoding: chunked` framing; None if it never had it or has lost it."""
    if (b"transfer-encoding", b"chunked") not in request.headers:
        return None
    chunks = []
    try:
        while isinstance(event := connection.next_event(), h11.Data):
            chunks.append(bytes(event.data))
    except h11.ProtocolError:
        return None
    return b"".join(chunks) if isinstance(event, h11.EndOfMessage) else None


def _headers(request: h11.Request) -> dict[str, str]:
    """Return the headers as the ingress reads them: names in lower case, Latin-1, repeated ones joined with a comma."""
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return {name: ", ".join(sent) for name, sent in values.items()}


def _miscounted(headers: dict[str, str], body: bytes) -> list[str]:
    said = headers.get("content-length")
    if said is None or int(said) == len(body):
        return []
    return [f"Content-Length says {int(said)} bytes, the body here has {len(body)}: it was changed after it was sent"]

"""Limits on bodies: on each one while it is read, and on all in flight together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Receive

from ingress import answers
from ingress.answers import Answer


@dataclass(slots=True)
class InFlightLimits:
    """The limits on requests and bytes in flight, and the current numbers. Counted on the event loop's one thread.

    A byte counts from its arrival until its request is answered, whether of the head, of the body, or not parsed yet.
    Above `max_bytes` a request is refused with 503 and its connection kept; above `most_bytes` connections are closed,
    because one turn of the event loop can read many sockets before any request is refused.
    """

    max_requests: int
    max_bytes: int
    requests: int = 0
    body_bytes: int = 0
    most_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.most_bytes = self.max_bytes + self.max_bytes // 4


def refused_unread(headers: Mapping[str, str], limit_bytes: int) -> Answer | None:
    """Return the refusal that the headers alone require: the declared length is too large, or the body is encoded.

    The server does not decode transfer codings other than chunked, so they are refused.
    """
    declared = headers.get("content-length", "0").lstrip("0")  # padding with zeros is valid
    if len(declared) > len(str(limit_bytes)) or (declared.isdecimal() and int(declared) > limit_bytes):
        return answers.body_too_large(limit_bytes)
    if headers.get("content-encoding", "identity").lower() != "identity":
        return answers.encoded_body()
    if headers.get("transfer-encoding", "chunked").lower() != "chunked":
        return answers.transfer_coding()
    return None


async def read_body(receive: Receive, limit_bytes: int, in_flight: InFlightLimits) -> bytes | Answer:
    """Return the whole body, or the refusal as soon as it exceeds a limit or the sender disconnects.

    The connections (`ingress.server.protocol`) limit the time and count the bytes of all bodies, because they receive
    bytes before a request reads them.
    """
    chunks: list[bytes] = []
    total_bytes = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return answers.body_cut_off()
        chunk: bytes = message.get("body", b"")
        total_bytes += len(chunk)
        if total_bytes > limit_bytes:
            return answers.body_too_large(limit_bytes)
        if in_flight.body_bytes > in_flight.max_bytes:
            return answers.too_many_bytes(in_flight.max_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)

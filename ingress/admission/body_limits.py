"""The limits on bodies: of one, read as it arrives, and of all that are in flight."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Receive

from ingress import answers
from ingress.answers import Answer


@dataclass(slots=True)
class InFlightLimits:
    """How much there is, and how much of it is taken. Counted on the event loop's one thread.

    A byte counts from its arrival until its request is answered, be it of the head, of the body, or not parsed yet.
    At `max_bytes` a request is refused with 503 and its connection kept; at `most_bytes` connections are ended, because
    before any request learns of it, many sockets can be read in one turn of the event loop.
    """

    max_requests: int
    max_bytes: int
    requests: int = 0
    body_bytes: int = 0
    most_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.most_bytes = self.max_bytes + self.max_bytes // 4


def refused_unread(headers: Mapping[str, str], limit_bytes: int) -> Answer | None:
    """Return the refusal that the headers alone call for: a body too large by its own account, or an encoded one.

    Transfer codings other than chunked are neither undone by the server nor allowed to pass as the body itself.
    """
    declared = headers.get("content-length", "0").lstrip("0")  # a padded number is one all the same
    if len(declared) > len(str(limit_bytes)) or (declared.isdecimal() and int(declared) > limit_bytes):
        return answers.body_too_large(limit_bytes)
    if headers.get("content-encoding", "identity").lower() != "identity":
        return answers.encoded_body()
    if headers.get("transfer-encoding", "chunked").lower() != "chunked":
        return answers.transfer_coding()
    return None


async def read_body(receive: Receive, limit_bytes: int, in_flight: InFlightLimits) -> bytes | Answer:
    """Return the whole body, or the refusal as soon as it passes the limit, there is no room, or the sender is gone.

    How long that may take, and how many bytes all bodies have together, is watched by the connections
    (`ingress.server.protocol`), which see bytes before anybody asks for them.
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

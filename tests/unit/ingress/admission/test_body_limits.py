"""Bodies and headers over a limit are refused before they cost anything."""

from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive

from ingress.admission.body_limits import InFlightLimits, read_body, refused_unread
from ingress.answers import Answer

LIMIT = 10


def arriving(*messages: Message) -> Receive:
    """Return the server's side of a request: these messages, then nothing more."""
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


def chunks(*bodies: bytes) -> Sequence[Message]:
    """Return a body as the server passes it on, piece by piece."""
    last = len(bodies) - 1
    return [{"type": "http.request", "body": body, "more_body": at < last} for at, body in enumerate(bodies)]


@pytest.mark.parametrize(("headers", "reason"), [
    ({}, None),
    ({"content-length": "10"}, None),
    ({"content-length": "11"}, "body_too_large"),
    ({"content-length": "0000000010"}, None),                 # padded
    ({"content-length": "0000000011"}, "body_too_large"),
    ({"content-length": "9" * 5000}, "body_too_large"),      # longer than Python turns into a number
    ({"content-encoding": "identity"}, None),
    ({"content-encoding": "Identity"}, None),
    ({"content-encoding": "gzip"}, "encoded_body"),
    ({"content-encoding": "identity, br"}, "encoded_body"),
    ({"transfer-encoding": "Chunked"}, None),
    ({"transfer-encoding": "gzip, chunked"}, "transfer_coding"),
    ({"transfer-encoding": "chunked, chunked"}, "transfer_coding"),
])  # fmt: skip
def test_headers_alone_can_refuse(headers: dict[str, str], reason: str | None) -> None:
    """An announced length over the limit and any encoding are refused without reading the body."""
    refused = refused_unread(headers, LIMIT)

    assert (refused.reason if refused else None) == reason


def in_flight(max_bytes: int = 100) -> InFlightLimits:
    """Return a limit of that many bytes."""
    return InFlightLimits(max_requests=1, max_bytes=max_bytes)


@pytest.mark.parametrize("bodies", [(b"",), (b"0123456789",), (b"01234", b"", b"56789")])
async def test_body_up_to_the_limit_is_returned_whole(bodies: tuple[bytes, ...]) -> None:
    """The exact bytes come back, in one piece or several."""
    assert await read_body(arriving(*chunks(*bodies)), LIMIT, in_flight()) == b"".join(bodies)


async def test_body_over_the_limit_is_not_read_further() -> None:
    """Reading ends with the chunk that exceeds the limit: the next one is never read."""
    refused = await read_body(arriving(*chunks(b"0123456789", b"x", b"never read")[:2]), LIMIT, in_flight())

    assert isinstance(refused, Answer)
    assert (refused.status, refused.reason) == (413, "body_too_large")


async def test_cut_off_body_is_no_delivery() -> None:
    """A sender that vanishes inside the body leaves nothing behind."""
    refused = await read_body(arriving(*chunks(b"012", b"")[:1], {"type": "http.disconnect"}), LIMIT, in_flight())

    assert isinstance(refused, Answer)
    assert (refused.status, refused.reason) == (400, "body_cut_off")


async def test_body_without_room_is_refused() -> None:
    """A body that exceeds the remaining bytes is refused with 503; the connections count the bytes."""
    taken = in_flight(max_bytes=12)
    taken.body_bytes = 13

    refused = await read_body(arriving(*chunks(b"0123", b"never read")[:1]), LIMIT, taken)

    assert isinstance(refused, Answer)
    assert (refused.status, refused.reason) == (503, "too_many_bytes")

"""Many concurrent senders: each posts over one kept connection, as providers do, and records the result of every post."""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from providers.base import Sample
from providers.shopify.provider import Shopify
from simulator.signing import http_request, signed

RETRY_S = 0.02


@dataclass
class Ledger:
    """The results of posts: ids answered 200, other statuses, and ids sent whole without any answer."""

    accepted: set[str] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


class Connection:
    """One connection, opened when it is first needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.is_hung_up = False

    async def post(self, request: bytes) -> int:
        """Return the status of the answer; raise `OSError` or `EOFError` when there is none."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        self.is_hung_up = b"connection: close" in head
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Drop the connection; the next post opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def post_request(source: str, secret: bytes, delivery_id: str) -> bytes:
    """Return a whole signed request for one product of about 2 kB."""
    body = b'{"id":%d,"title":"%b","body_html":"%b"}' % (hash(delivery_id) % 1000, delivery_id.encode(), b"x" * 2000)
    return signed_request(source, secret, Sample(body, "products/update", delivery_id, datetime.now(UTC)))


def signed_request(source: str, secret: bytes, sample: Sample) -> bytes:
    """Return a whole request as Shopify sends it."""
    return http_request(f"/v1/{source}", signed(Shopify(), sample, secret))


async def post_until_accepted(port: int, requests: Iterable[tuple[str, bytes]], clients: int, ledger: Ledger) -> None:
    """Post every request until it is accepted, repeatedly over new connections, as providers' retries do."""
    left = iter(requests)

    async def client() -> None:
        connection = Connection(port)
        for delivery_id, request in left:
            while delivery_id not in ledger.accepted:
                await attempt(connection, delivery_id, request, ledger)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))


async def attempt(connection: Connection, delivery_id: str, request: bytes, ledger: Ledger) -> None:
    """Post once and record the result."""
    try:
        status = await connection.post(request)
    except (OSError, EOFError):
        connection.close()
        await asyncio.sleep(RETRY_S)
        return
    if status == 200:
        ledger.accepted.add(delivery_id)
        return
    ledger.refused.append(status)
    await asyncio.sleep(RETRY_S)


async def post_until_hung_up(port: int, request: Callable[[str], bytes], clients: int, ledger: Ledger) -> None:
    """Post without pause over one connection per client until the server announces that it closes it."""
    numbers = itertools.count()

    async def client() -> None:
        connection = Connection(port)
        while not connection.is_hung_up:
            delivery_id = f"drain-{next(numbers)}"
            try:
                status = await connection.post(request(delivery_id))
            except (OSError, EOFError):
                ledger.unanswered.append(delivery_id)
                break
            if status == 200:
                ledger.accepted.add(delivery_id)
            else:
                ledger.refused.append(status)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))

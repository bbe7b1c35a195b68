"""The memory arithmetic holds at its limit: the maximum of connections, each in the worst case."""

import asyncio
import contextlib
import ssl
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingress.server.memory_bound import memory_bound
from ingress.settings import Settings
from tests.support.kafka.certificates import Authority
from tests.support.processes.ingress import IngressProcess, running_ingress

pytestmark = pytest.mark.kafka
KB, MB = 1024, 1024 * 1024
SETTINGS = Settings(
    {}, body_limit_bytes=MB, bodies_limit_bytes=16 * MB, max_concurrent=150, max_connections=200, spool_bytes=1
)
SOURCE = f"open-{uuid.uuid4().hex[:8]}"
CONFIGURATION = f"""
[ingress]
body_limit_bytes = {SETTINGS.body_limit_bytes}
bodies_limit_bytes = {SETTINGS.bodies_limit_bytes}
max_concurrent = {SETTINGS.max_concurrent}
max_connections = {SETTINGS.max_connections}
[[sources]]
name = "{SOURCE}"
provider = "shopify"
secrets = ["text:made-up"]
"""
HEAD = f"POST /v1/{SOURCE} HTTP/1.1\r\nhost: x\r\n".encode()
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
PIECE = 16 * KB
WORST = {
    "half a head": HEAD + b"x: " + b"a" * (64 * KB - 100),
    "many fields": HEAD + b"".join(b"x%d:\r\n" % number for number in range(8000)),
    "half a body": HEAD + b"content-length: %d\r\n\r\n" % MB + b"a" * (MB - 1),
    "half a chunk": CHUNKED + b"fffff\r\n" + b"a" * (MB - 2),
    "small chunks": CHUNKED + b"1\r\na\r\n" * 40_000,
    "endless trailers": CHUNKED + b"0\r\n" + b"t: %b\r\n" % (b"a" * 4000) * 500,
    "one endless trailer": CHUNKED + b"0\r\nt: " + b"a" * 2 * MB,
    "endless extension": CHUNKED + b"1;" + b"a" * MB,
    "a thousand requests at once": (HEAD + b"content-length: 2\r\n\r\n{}") * 1000,
    "unknown path": CHUNKED.replace(b"/v1/", b"/") + b"0\r\n" + b"t: %b\r\n" % (b"a" * 4000) * 500,
}


class Peak:
    """The largest resident memory of a process since the first sample."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.rss_bytes = 0

    async def watch(self) -> None:
        """Sample repeatedly, until cancelled."""
        while True:
            self.rss_bytes = max(self.rss_bytes, self._process.memory_info().rss)
            await asyncio.sleep(0.02)


@pytest.fixture(params=["plain", "tls"])
def attacked(
    kafka: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[IngressProcess, ssl.SSLContext | None]]:
    """Give a ready ingress with small limits, and a TLS context that trusts it where it speaks TLS."""
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n' + CONFIGURATION
    if request.param == "plain":
        with running_ingress(tmp_path, text) as process:
            process.until_ready()
            yield process, None
        return
    authority = Authority()
    certificate, key = authority.issue(tmp_path)
    with running_ingress(tmp_path, text, "--certfile", str(certificate), "--keyfile", str(key)) as process:
        yield process, authority.trusting()


def test_memory_stays_below_its_bound(attacked: tuple[IngressProcess, ssl.SSLContext | None]) -> None:
    """All connections in the worst case, and more than the maximum, stay below the sum of the limits."""
    process, trusting = attacked
    bound = memory_bound(SETTINGS, has_tls=trusting is not None)
    reasons: Counter[str] = Counter()

    peak = asyncio.run(_attack(process, trusting, reasons))

    assert peak < bound.total - bound.waiting_for_kafka  # nothing was signed, so nothing waits for Kafka
    assert reasons["too_many_bytes"] > 0  # the limit was reached
    assert reasons["header_too_large"] > 0
    assert process.child.exit_code() is None


async def _attack(process: IngressProcess, trusting: ssl.SSLContext | None, reasons: Counter[str]) -> int:
    """Let each kind attack alone, then all of them at once; return the largest memory in bytes."""
    peak = Peak(process.child.pid)
    watching = asyncio.create_task(peak.watch())
    alone = (
        [[payload] for payload in WORST.values()] if trusting is None else []
    )  # TLS changes only the cost of each connection
    for payloads in (*alone, list(WORST.values()), list(WORST.values())):
        await _connections(process.port, trusting, payloads, reasons)
    watching.cancel()
    return peak.rss_bytes


async def _connections(
    port: int, trusting: ssl.SSLContext | None, payloads: list[bytes], reasons: Counter[str]
) -> None:
    """Open a tenth more connections than the maximum, and hold each until all have sent as much as they can."""
    count, held = SETTINGS.max_connections * 11 // 10, asyncio.Event()
    left = count

    async def attack(payload: bytes) -> None:
        nonlocal left
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            try:
                await _send(writer, payload)
                left -= 1
                if left == 0:
                    held.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(held.wait(), 2)
                answered = await _answer(reader)
                reasons.update(reason for reason in REASONS if reason.encode() in answered)
            finally:
                writer.transport.abort()
            return
        left -= 1

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(attack(payloads[number % len(payloads)]))


REASONS = ("too_many_bytes", "header_too_large", "too_many_connections", "too_busy")


async def _send(writer: asyncio.StreamWriter, payload: bytes) -> None:
    """Write as much as the other side reads."""
    for start in range(0, len(payload), PIECE):
        writer.write(payload[start : start + PIECE])
        try:
            await asyncio.wait_for(writer.drain(), 1)
        except (TimeoutError, OSError):
            return


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Return the answer received so far."""
    try:
        return await asyncio.wait_for(reader.read(PIECE), 0.2)
    except (TimeoutError, OSError):
        return b""

"""The ingress in this process with a topic in memory under strange requests; its required reactions are restated here."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from random import Random

import structlog
from starlette.applications import Starlette
from starlette.types import Message, Scope

from ingress.app import IngressApp, fallback
from ingress.observability.metrics import Metrics
from ingress.receive import Receiver
from ingress.settings import Settings
from ingress.sources import Secret, Source
from providers.base import SignedRequest, Verified
from schemas.codec import raw_delivery
from tests.support.builders.provider_requests import NOW, SENDERS
from tests.support.fuzz.requests import FuzzRequest, HeaderList, fuzz_request
from tests.support.kafka.memory_topic import MemoryTopic

LIMIT_BYTES = 4096  # small, so that bodies over it cost nothing
BATCH = 500
BATCH_TIMEOUT_S = 60.0  # a batch takes 0.05 s; only a hang takes this long
KNOWN_SOURCES = frozenset(sender.name for sender in SENDERS)


class FuzzedDoor:
    """The ingress with a source for every provider. `statuses` counts its answers."""

    def __init__(self) -> None:
        sources = {
            sender.name: Source(sender.name, sender.provider, (Secret(b"old"), Secret(sender.secret, None, 1)))
            for sender in SENDERS
        }
        self.statuses: Counter[int] = Counter()
        self._topic, metrics, settings = (
            MemoryTopic(),
            Metrics(sources.values()),
            Settings({}, body_limit_bytes=LIMIT_BYTES),
        )
        receiver = Receiver(settings, sources, self._topic, metrics, lambda: NOW)
        self._door = IngressApp(receiver, fallback(_no_lifespan))

    async def check_batch(self, random: Random, cases: int) -> None:
        """Fail at the first of that many requests that is treated wrongly, or when they do not end."""
        with structlog.testing.capture_logs() as logs:
            async with asyncio.timeout(BATCH_TIMEOUT_S):
                for _ in range(cases):
                    await self.check(fuzz_request(random, NOW))
        assert [event for event in logs if event["event"] == "request_failed"] == []

    async def check(self, request: FuzzRequest) -> None:
        """Fail unless the request gets the one right answer and is on the topic once, as sent, exactly when that is 200."""
        self._topic.records.clear()
        messages = await self._messages(request)
        status = messages[0]["status"]
        assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"], request
        assert status == expected_status(request), (status, messages, request)
        assert not (request.is_forged and self._topic.records), request
        is_delivery = status == 200 and request.method == "POST" and not is_test_url(request)
        assert len(self._topic.records) == is_delivery, request
        for key, value, headers in self._topic.records:
            delivery = raw_delivery(key, value, headers, ("webhooks.raw", 0, 0))
            assert (value, delivery.source, bool(delivery.key)) == (request.body, request.sender.name, True), request
            assert "x-shopery-secret" not in delivery.headers, request
        self.statuses[status] += 1

    async def _messages(self, request: FuzzRequest) -> list[Message]:
        sent: list[Message] = []
        arriving = _arriving(request)

        async def receive() -> Message:
            return next(arriving, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            sent.append(message)

        await self._door(_scope(request), receive, send)
        return sent


async def fuzz(ingress: FuzzedDoor, random: Random, cases: int) -> None:
    """Check that many random requests, batch by batch."""
    for start in range(0, cases, BATCH):
        await ingress.check_batch(random, min(BATCH, cases - start))


def expected_status(request: FuzzRequest) -> int:
    """Return the status that the design requires, computed without the ingress's code except its verifiers."""
    name = request.path.removeprefix("/v1/").removesuffix("/")
    if not request.path.startswith("/v1/"):
        return 404
    if request.method != "POST":
        is_probe = request.method in {"GET", "HEAD"}
        return (200 if name in KNOWN_SOURCES else 404) if is_probe else 405
    headers = joined(request.headers)
    if _is_over(headers.get("content-length", "0")):
        return 413
    if headers.get("content-encoding", "identity").lower() != "identity":
        return 415
    if headers.get("transfer-encoding", "chunked").lower() != "chunked":
        return 501
    if name not in KNOWN_SOURCES:
        return 404
    return _body_status(request, headers)


def joined(headers: HeaderList) -> dict[str, str]:
    """Return the headers as text, repeated ones joined by a comma."""
    texts: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        texts[key] = f"{texts[key]}, {text}" if key in texts else text
    return texts


def _body_status(request: FuzzRequest, headers: dict[str, str]) -> int:
    if len(request.body) > LIMIT_BYTES:
        return 413
    if request.is_cut_off:
        return 400
    sender = request.sender
    verdict = sender.provider.verify(SignedRequest(headers, request.body), [b"old", sender.secret], NOW)
    return 200 if isinstance(verdict, Verified) or is_test_url(request) else 401


def is_test_url(request: FuzzRequest) -> bool:
    """Say whether this is Shopery's Test URL: an empty post without the secret, answered 200 and not kept."""
    has_secret = any(name == b"x-shopery-secret" for name, _ in request.headers)
    return request.sender.name == "shopery" and not request.body and not has_secret


def _is_over(declared: str) -> bool:
    declared = declared.lstrip("0")
    is_number = declared.isascii() and declared.isdigit()
    return len(declared) > len(str(LIMIT_BYTES)) or (is_number and int(declared) > LIMIT_BYTES)


def _arriving(request: FuzzRequest) -> Iterator[Message]:
    last = len(request.chunks) - 1
    return iter([
        {"type": "http.request", "body": chunk, "more_body": request.is_cut_off or place < last}
        for place, chunk in enumerate(request.chunks)
    ])  # fmt: skip


def _scope(request: FuzzRequest) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": request.headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def _no_lifespan(_app: Starlette) -> AbstractAsyncContextManager[None]:
    return nullcontext()

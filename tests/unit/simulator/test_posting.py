"""Posting to a real HTTP server on this machine: the requests, their rate, and the treatment of the answers."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from providers.base import SignedRequest, Verified
from providers.registry import provider
from simulator.posting import Answered, Pace, Post, Tally, post_all
from simulator.senders import Sender
from tests.support.processes.http_server import serving

SENDER = Sender("shop", provider("shopify"), b"secret")
BUSY = b'{"error": "spool_full", "detail": "try again"}'


class Receiver(ThreadingHTTPServer):
    """Answers 200, or 503 to a body that requests it, and keeps the posts."""

    daemon_threads = True
    request_queue_size = 128  # the default of 5 resets connections when 16 arrive at once

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.posted: list[tuple[str, SignedRequest]] = []

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        """Answer a post."""
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posted.append((self.path, SignedRequest(headers, body)))
        answer = BUSY if body == b"busy" else b""
        self.send_response(503 if answer else 200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a server that ends with the test."""
    server = Receiver()
    with serving(server):
        yield server


def post(body: bytes, delivery_id: str = "d-1") -> Post:
    """Return one delivery to post."""
    return Post(SENDER, body, "products/update", delivery_id)


async def sent(posts: list[Post], url: str, pace: Pace) -> tuple[Tally, list[Answered]]:
    """Post, and return the results."""
    tally, answers = Tally(), []
    await post_all(posts, url, pace, tally, lambda _post, answered: answers.append(answered))
    return tally, answers


async def test_a_post_arrives_as_the_provider_would_send_it(receiver: Receiver) -> None:
    """The exact bytes, with a signature that the provider's own rules accept."""
    tally, (answer,) = await sent([post(b'{"id":  1}')], receiver.url, Pace())

    ((path, request),) = receiver.posted
    assert (path, request.body) == ("/v1/shop", b'{"id":  1}')
    assert isinstance(SENDER.provider.verify(request, [b"secret"], now=None), Verified)  # type: ignore[arg-type]  # unused
    assert (answer.status, answer.delivery_id, tally.accepted) == (200, "d-1", 1)


async def test_a_refusal_is_counted_with_what_the_receiver_said(receiver: Receiver) -> None:
    """503 is no acceptance; its reason is kept."""
    tally, _ = await sent([post(b"busy"), post(b"{}")], receiver.url, Pace())

    assert (tally.posted, tally.accepted) == (2, 1)
    assert tally.statuses == {"503": 1, "200": 1}
    assert list(tally.details) == ["503: spool_full: try again"]


async def test_nobody_there_ends_the_load_at_once() -> None:
    """A million posts to a closed port would give the same message a million times."""
    tally, answers = await sent([post(b"{}")] * 1000, "http://127.0.0.1:1", Pace(concurrency=4))

    assert tally.is_hopeless
    assert len(answers) <= 8
    assert tally.percentile_ms(50) is None


async def test_everything_is_posted_once_however_many_at_a_time(receiver: Receiver) -> None:
    """Concurrency neither loses nor doubles posts."""
    posts = [post(b"{}", str(number)) for number in range(200)]

    tally, answers = await sent(posts, receiver.url, Pace(concurrency=16))

    assert tally.accepted == 200
    assert {answer.delivery_id for answer in answers} == {str(number) for number in range(200)}


async def test_a_rate_is_kept(receiver: Receiver) -> None:
    """20 posts at 100 a second take at least 0.19 s."""
    started_s = time.monotonic()

    await sent([post(b"{}")] * 20, receiver.url, Pace(concurrency=4, rate=100))

    assert time.monotonic() - started_s >= 0.19


def test_percentiles_are_of_the_answered_posts() -> None:
    """p50 of 1 to 100 ms is 51 ms, p99 is 100 ms."""
    tally = Tally()
    for latency_ms in range(1, 101):
        tally.add(Answered(200, "", latency_ms / 1000, "d"))

    assert (tally.percentile_ms(50), tally.percentile_ms(99)) == (51.0, 100.0)

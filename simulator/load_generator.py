"""Posts over persistent connections and times the answers: raw sockets on uvloop, prebuilt requests, one process.

Closed loop: every connection posts again as soon as it is answered, which finds the highest rate. Open loop: posts are
due at a given rate, independent of the answers; simulator/load_figures.py explains the effect on latencies.
Times are `time.monotonic()`, one clock for all processes of a machine.
"""

import asyncio
import contextlib
import gc
import resource
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

import psutil
import uvloop

from simulator.load_figures import CUT, Phase, Posts, due_offsets_s

CLOSED_CONNECTIONS = 64
OPEN_CONNECTIONS = 256  # at 5,000/s enough for answers that take 50 ms; beyond that posts wait, and the wait counts
OUTAGE_CONNECTIONS = 2_560  # at 1,000/s enough for the 2 s that an ingress waits for an unresponsive Kafka
DRAIN_S = 60.0  # an overloaded server must still answer all posts, or posts and records could not be compared
SPARE_FILES = 256

Request = Callable[[int], bytes]  # by the post's number
Meanwhile = Callable[[float], Awaitable[None]]  # called with the time when the posts began, monotonic seconds

Now = time.monotonic


def closed_loop(port: int, request: Request, duration_s: float) -> Posts:
    """Post as fast as 64 connections are answered, for a time."""
    return _run(_closed_loop(port, request, duration_s))


def open_loop(
    port: int,
    request: Request,
    phases: Sequence[Phase],
    connections: int = OPEN_CONNECTIONS,
    meanwhile: Sequence[Meanwhile] = (),
) -> Posts:
    """Post at the rates of the phases, one after another; `meanwhile` runs concurrently and is awaited."""
    return _run(_open_loop(port, request, phases, connections, meanwhile))


def allow_files(connections: int = OUTAGE_CONNECTIONS) -> None:
    """Raise the open file limit as far as permitted, for this process and for the servers that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + SPARE_FILES
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard < 0 else min(needed, hard), hard))


class Line(Protocol):
    """A connection that carries one post at a time; `number` is the post in flight, -1 when the connection is free."""

    number: int
    is_open: bool

    def send(self, number: int, request: bytes) -> None:
        """Post."""


class Books:
    """The state that both loops share: the requests in turn and the recorded posts. `now` is the clock."""

    def __init__(self, request: Request, now: Callable[[], float] = Now) -> None:
        self.posts = Posts()
        self.in_flight = 0
        self._request = request
        self._now = now

    def post(self, line: Line, number: int) -> None:
        """Send a recorded post."""
        request = self._request(number)
        self.posts.sent_s[number] = self._now()
        self.in_flight += 1
        line.send(number, request)

    def answered(self, line: Line, status: int) -> None:
        """Record an answer, or that there will be none."""
        number, line.number = line.number, -1
        self.in_flight -= 1
        self.posts.status[number] = status
        if status != CUT:
            self.posts.answered_s[number] = self._now()


class ClosedLoop(Books):
    """Posts again at once after each answer, until the time is over."""

    until_s = 0.0

    def answered(self, line: Line, status: int) -> None:
        """Record an answer and post the next."""
        super().answered(line, status)
        now_s = self._now()
        if now_s < self.until_s and line.is_open:
            self.post(line, self.posts.enter(now_s, now_s))


class OpenLoop(Books):
    """Posts at the due times; posts that find no free connection wait in a queue, and their clock runs."""

    def __init__(self, request: Request, now: Callable[[], float] = Now) -> None:
        super().__init__(request, now)
        self.free: deque[Line] = deque()
        self.waiting: deque[int] = deque()

    def due(self, due_s: float) -> None:
        """Take up a post that is due by now."""
        number = self.posts.enter(due_s, self._now())
        while self.free:
            line = self.free.popleft()
            if line.is_open:
                self.post(line, number)
                return
        self.waiting.append(number)

    def answered(self, line: Line, status: int) -> None:
        """Record an answer; the connection is free for the post that has waited longest."""
        super().answered(line, status)
        if not line.is_open:
            return
        if self.waiting:
            self.post(line, self.waiting.popleft())
        else:
            self.free.append(line)


class Connection(asyncio.Protocol):
    """One persistent HTTP/1.1 connection."""

    def __init__(self, books: Books) -> None:
        self.number = -1
        self.is_open = True
        self._books = books
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport for writing."""
        self._transport = transport

    def send(self, number: int, request: bytes) -> None:
        """Post."""
        self.number = number
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Pass an answer on once it is complete."""
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found or len(rest) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0):
            return
        self._received = b""
        self._books.answered(self, int(head[9:12]))

    def connection_lost(self, _error: Exception | None) -> None:
        """Record that the post in flight will get no answer."""
        self.is_open = False
        if self.number >= 0:
            self._books.answered(self, CUT)

    def close(self) -> None:
        """Close the connection; posts in flight stay recorded without an answer."""
        self.number = -1
        self._transport.close()


async def _closed_loop(port: int, request: Request, duration_s: float) -> Posts:
    loop = ClosedLoop(request)
    connections = await _connect(loop, port, CLOSED_CONNECTIONS)
    with _measured(loop.posts):
        loop.until_s = loop.posts.began_s + duration_s
        for connection in connections:
            now_s = Now()
            loop.post(connection, loop.posts.enter(now_s, now_s))
        await asyncio.sleep(duration_s)
    await _drain(loop, connections)
    return loop.posts


async def _open_loop(
    port: int, request: Request, phases: Sequence[Phase], count: int, meanwhile: Sequence[Meanwhile]
) -> Posts:
    loop = OpenLoop(request)
    connections = await _connect(loop, port, count)
    loop.free.extend(connections)
    with _measured(loop.posts):
        start_s = loop.posts.began_s
        beside = [asyncio.ensure_future(run(start_s)) for run in meanwhile]
        for number, offset_s in enumerate(due_offsets_s(phases)):
            while (wait_s := start_s + offset_s - Now()) > 0:  # noqa: ASYNC110 - the condition is the time itself
                await asyncio.sleep(wait_s)
            loop.due(start_s + offset_s)
            if number % 16 == 0:
                await asyncio.sleep(0)  # behind schedule, but answers must still be read
        await asyncio.gather(*beside)
    await _drain(loop, connections)
    return loop.posts


async def _connect(books: Books, port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: Connection(books), "127.0.0.1", port))[1] for _ in range(count)]


async def _drain(books: Books, connections: Sequence[Connection]) -> None:
    """Wait for the answers in flight, then close the connections."""
    deadline = Now() + DRAIN_S
    while books.in_flight and Now() < deadline:  # noqa: ASYNC110 - once, at the end: an event for each answer would cost more
        await asyncio.sleep(0.01)
    for connection in connections:
        connection.close()


@contextlib.contextmanager
def _measured(posts: Posts) -> Iterator[None]:
    """Record the time and the CPU shares; garbage collection is off, because its pauses would look like the server's."""
    gc.collect()
    gc.disable()
    psutil.cpu_percent()  # starts the measurement
    posts.began_s, cpu_s = Now(), time.process_time()
    yield
    posts.elapsed_s = Now() - posts.began_s
    posts.cpu_share = round((time.process_time() - cpu_s) / posts.elapsed_s, 2)
    posts.machine_cpu_share = round(psutil.cpu_percent() / 100, 2)
    gc.enable()


def _run(posting: Coroutine[Any, Any, Posts]) -> Posts:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(posting)

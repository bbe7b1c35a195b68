"""Posts over kept connections and times the answers: raw sockets on uvloop, requests made beforehand, one process.

Closed loop: every connection posts again as soon as it is answered, which finds the highest rate. Open loop: posts are due
at a constant rate whatever the answers do, and a latency begins when its post was due, not when a connection was free to
take it; otherwise a server that stalls would be asked less while it stalls, and look better (coordinated omission).
Times are `time.monotonic()`, one clock for all processes of a machine.
"""

import asyncio
import contextlib
import gc
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import uvloop
from msgspec import Struct

CLOSED_CONNECTIONS = 64
OPEN_CONNECTIONS = 256  # at 5,000/s enough for answers that take 50 ms; beyond that posts wait, and the wait counts
DRAIN_S = 60.0  # an overloaded server must still answer all, or posts and records could not be compared
CUT = 0  # the status of a post whose connection ended without an answer

Now = time.monotonic


class Posts(Struct):
    """What became of the posts: per post when it was due, sent and answered, and how many answers of each status."""

    due_s: list[float]
    sent_s: list[float]
    answered_s: list[float]
    statuses: Counter[int]
    elapsed_s: float = 0.0
    cpu_share: float = 0.0

    def latencies_ms(self) -> list[float]:
        """Return the latencies of the answered posts, sorted."""
        pairs = zip(self.due_s, self.answered_s, strict=True)
        return sorted(1000 * (answered - due) for due, answered in pairs if answered)

    def unanswered(self) -> int:
        """Return how many posts were sent and never answered."""
        return sum(1 for sent in self.sent_s if sent) - self.statuses.total()

    def lateness_ms(self) -> list[float]:
        """Return how late posts were sent, sorted: the generator's own part of the latencies."""
        pairs = zip(self.due_s, self.sent_s, strict=True)
        return sorted(1000 * (sent - due) for due, sent in pairs if sent)


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return a percentile of sorted figures, None when there are none."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 2) if ordered else None


def closed_loop(port: int, requests: Sequence[bytes], duration_s: float) -> Posts:
    """Post as fast as 64 connections are answered, for a time."""
    return _run(_closed_loop(port, requests, duration_s))


def open_loop(port: int, requests: Sequence[bytes], rate: int, count: int) -> Posts:
    """Post so many times at a constant rate."""
    return _run(_open_loop(port, requests, rate, count))


class _Connection(asyncio.Protocol):
    """One kept connection; `number` is the post that it waits for, -1 when it is free."""

    def __init__(self, on_answer: "Callable[[_Connection, int], None]") -> None:
        self.number = -1
        self._on_answer = on_answer
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, number: int, request: bytes) -> None:
        """Post."""
        self.number = number
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found or len(rest) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0):
            return
        self._received = b""
        self._on_answer(self, int(head[9:12]))

    def connection_lost(self, _error: Exception | None) -> None:
        if self.number >= 0:
            self._on_answer(self, CUT)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class _Loop:
    """What both loops share: the connections, the requests in turn, the books."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests
        self.posts = Posts([], [], [], Counter())
        self.connections: list[_Connection] = []
        self.in_flight = 0

    async def connect(self, port: int, count: int) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, connection = await loop.create_connection(lambda: _Connection(self.answered), "127.0.0.1", port)
            self.connections.append(connection)

    def post(self, connection: _Connection, number: int) -> None:
        """Send a post that is in the books."""
        self.posts.sent_s[number] = Now()
        self.in_flight += 1
        connection.send(number, self._requests[number % len(self._requests)])

    def enter(self, due_s: float) -> int:
        """Put a post into the books and return its number."""
        self.posts.due_s.append(due_s)
        self.posts.sent_s.append(0.0)
        self.posts.answered_s.append(0.0)
        return len(self.posts.due_s) - 1

    def answered(self, connection: _Connection, status: int) -> None:
        """Note an answer."""
        number, connection.number = connection.number, -1
        self.in_flight -= 1
        self.posts.statuses[status] += 1
        if status != CUT:
            self.posts.answered_s[number] = Now()

    async def drain(self) -> None:
        """Wait for the answers still under way, then hang up."""
        deadline = Now() + DRAIN_S
        while self.in_flight and Now() < deadline:  # noqa: ASYNC110 - once, at the end: an event for each answer would cost more
            await asyncio.sleep(0.01)
        for connection in self.connections:
            connection.number = -1
            connection.close()


class _ClosedLoop(_Loop):
    until_s = 0.0

    def answered(self, connection: _Connection, status: int) -> None:
        super().answered(connection, status)
        now = Now()
        if now < self.until_s and status != CUT:
            self.post(connection, self.enter(now))


class _OpenLoop(_Loop):
    def __init__(self, requests: Sequence[bytes]) -> None:
        super().__init__(requests)
        self.free: deque[_Connection] = deque()
        self.waiting: deque[int] = deque()

    def answered(self, connection: _Connection, status: int) -> None:
        super().answered(connection, status)
        if status == CUT:
            return
        if self.waiting:
            self.post(connection, self.waiting.popleft())
        else:
            self.free.append(connection)

    def due(self, due_s: float) -> None:
        """Take a post that is due now."""
        number = self.enter(due_s)
        if self.free:
            self.post(self.free.popleft(), number)
        else:
            self.waiting.append(number)


async def _closed_loop(port: int, requests: Sequence[bytes], duration_s: float) -> Posts:
    loop = _ClosedLoop(requests)
    await loop.connect(port, CLOSED_CONNECTIONS)
    with _measured(loop.posts):
        loop.until_s = Now() + duration_s
        for connection in loop.connections:
            loop.post(connection, loop.enter(Now()))
        await asyncio.sleep(duration_s)
    await loop.drain()
    return loop.posts


async def _open_loop(port: int, requests: Sequence[bytes], rate: int, count: int) -> Posts:
    loop = _OpenLoop(requests)
    await loop.connect(port, OPEN_CONNECTIONS)
    loop.free.extend(loop.connections)
    with _measured(loop.posts):
        start_s = Now()
        for number in range(count):
            due_s = start_s + number / rate
            while (wait_s := due_s - Now()) > 0:  # noqa: ASYNC110 - the fact waited for is the time
                await asyncio.sleep(wait_s)
            loop.due(due_s)
            if number % 16 == 0:
                await asyncio.sleep(0)  # behind the clock, answers must still be read
    await loop.drain()
    return loop.posts


@contextlib.contextmanager
def _measured(posts: Posts) -> Iterator[None]:
    """Note the time and the processor's share; without collections, whose pauses would look like the server's."""
    gc.collect()
    gc.disable()
    started_s, started_cpu_s = Now(), time.process_time()
    yield
    posts.elapsed_s = Now() - started_s
    posts.cpu_share = round((time.process_time() - started_cpu_s) / posts.elapsed_s, 2)
    gc.enable()


def _run(posting: Coroutine[Any, Any, Posts]) -> Posts:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(posting)

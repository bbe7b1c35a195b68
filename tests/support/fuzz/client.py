"""Connections that send a case's bytes and fail unless they are answered or closed in time, never with a fault."""

import asyncio
import contextlib
import re
from collections import Counter
from datetime import UTC, datetime
from random import Random

from tests.support.fuzz.wire import WireCase, stalled_case, wire_case

DOCUMENTED = frozenset({100, 200, 400, 401, 404, 405, 408, 413, 415, 501})
BUSY = (b'"ack_timeout"', b'"queue_full"')  # 503 on purpose: Kafka is slower than the machine allows
DEADLINE_S = 15.0  # an answer takes 5 ms; a busy machine may take long, a hang never ends
STALL_DEADLINE_S = 60.0  # the ingress gives a request 20 s
QUIET_S = 0.05  # silence that ends the answers to bytes with an unknown number of requests
PAUSE_S = 0.001  # between pieces, so that they arrive as several
CONNECTIONS = 64

_status_line = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class WireClient:
    """Sends cases to one port and records `statuses`, `kinds`, `accepted` and `allowed` (both body bytes)."""

    def __init__(self, port: int, run: str, random: Random) -> None:
        self._port, self._run, self._random = port, run, random
        self._number = 0
        self.statuses: Counter[int] = Counter()
        self.kinds: Counter[str] = Counter()
        self.accepted: set[bytes] = set()
        self.allowed: set[bytes] = set()

    async def send_many(self, cases: int) -> None:
        """Send that many random cases, some dozens at a time."""
        left = iter(range(cases))

        async def work() -> None:
            for _ in left:
                await self._check(wire_case(self._random, self._run, self._next(), datetime.now(UTC)))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(work())

    async def send_stalled(self, cases: int) -> None:
        """Send that many requests that stop half-way, all at once, and wait for the ingress to end them."""
        now = datetime.now(UTC)
        stalled = [stalled_case(self._random, self._run, self._next(), now) for _ in range(cases)]
        async with asyncio.TaskGroup() as tasks:
            for case in stalled:
                tasks.create_task(self._check(case))

    def _next(self) -> int:
        self._number += 1
        return self._number

    async def _check(self, case: WireCase) -> None:
        self.allowed.update(case.bodies)
        try:
            async with asyncio.timeout(STALL_DEADLINE_S if case.kind == "stalled" else DEADLINE_S):
                answer = await self._exchange(case)
        except TimeoutError as error:
            raise AssertionError(f"neither answered nor closed: {case}") from error
        statuses = [int(status) for status in _status_line.findall(answer)]
        self.statuses.update(statuses)
        self.kinds[case.kind] += 1
        if 503 in statuses and any(reason in answer for reason in BUSY):
            return
        assert set(statuses) <= DOCUMENTED, (case, answer)
        assert case.statuses is None or _is_expected(tuple(statuses), case), (case, answer)
        if case.statuses is not None and 200 in case.statuses:
            self.accepted.update(case.bodies)

    async def _exchange(self, case: WireCase) -> bytes:
        """Return all answers until the ingress closes the connection or, with a known number, has sent that many."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        answer = bytearray()
        try:
            # A reset counts as closed: the ingress closes the connection on malformed HTTP while the rest is still on its way.
            with contextlib.suppress(OSError):
                await _send(writer, case.pieces)
                if case.is_half_closed:
                    writer.write_eof()
                await _read(reader, writer, case, answer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return bytes(answer)


def _is_expected(statuses: tuple[int, ...], case: WireCase) -> bool:
    """Say whether the answers are right. A refusal that closes the connection may not reach a sender that still writes."""
    expected = case.statuses or ()
    is_lost = len(case.pieces) > 1 and expected[-1:] == (400,) and statuses == expected[:-1]
    return statuses == expected or is_lost


async def _send(writer: asyncio.StreamWriter, pieces: tuple[bytes, ...]) -> None:
    for place, piece in enumerate(pieces):
        if place:
            await asyncio.sleep(PAUSE_S)
        writer.write(piece)
        await writer.drain()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, case: WireCase, answer: bytearray) -> None:
    while case.statuses is not None and len(_status_line.findall(answer)) < len(case.statuses):
        chunk = await reader.read(65536)
        if not chunk:
            return
        answer += chunk
    if case.kind != "stalled":
        with contextlib.suppress(TimeoutError):
            while case.statuses is None and (chunk := await asyncio.wait_for(reader.read(65536), QUIET_S)):
                answer += chunk
        if not case.is_half_closed:
            writer.write_eof()
    while chunk := await reader.read(65536):
        answer += chunk

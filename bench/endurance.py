"""Ten minutes at 1,000/s with Kafka away for twenty seconds in the middle: checks acceptance, losses and memory.

It runs twice, each time with a fresh ingress: once Kafka is frozen (SIGSTOP: connections stay open but get no answer, as with a
dead machine or a long pause), and once it is stopped cleanly and started again (connections are refused, as in a deployment).
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from bench.arrived import arrived
from bench.fill import create_raw
from bench.ingress import PATH
from bench.stack import KAFKA_OPTIONS, Process, Stack, memory_mb, running_ingress, spooled
from local.kafka import RunningKafka, start_kafka
from schemas.topics import RAW
from simulator.load_figures import Phase, Posts, Series, by_second, latency_row, percentiles, within
from simulator.load_generator import OUTAGE_CONNECTIONS, open_loop
from simulator.shop_deliveries import LARGE, Numbered, body_bytes

RATE = 1_000
Away = Callable[[RunningKafka, float], Awaitable[None]]


class Span(Struct):
    """The time when Kafka was away, in seconds after the first post; 0 before that."""

    begin_s: float = 0.0
    end_s: float = 0.0


def endurance(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return the results of the posts and the memory, for both kinds of outage."""
    create_raw(stack)
    duration_s, away_s = (60.0, 10.0) if is_quick else (600.0, 20.0)
    series: dict[str, Series] = {}
    ways: dict[str, Away] = {"frozen": freeze, "restarted": restart}
    rows = {name: _run(stack, name, away, Phase(RATE, duration_s), away_s, series) for name, away in ways.items()}
    return {
        "body_bytes": body_bytes(LARGE),
        "connections": OUTAGE_CONNECTIONS,
        "rate": RATE,
        "duration_s": duration_s,
        "kafka_away_s": away_s,
        "runs": rows,
        "series": series,
    }


async def freeze(kafka: RunningKafka, away_s: float) -> None:
    """Freeze Kafka for a time."""
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(away_s)
    finally:
        os.kill(kafka.pid, signal.SIGCONT)


async def restart(kafka: RunningKafka, away_s: float) -> None:
    """Stop Kafka cleanly and start it again on the same port and directory; it is away until it accepts requests again.

    It runs in a thread, because the posts continue meanwhile.
    """
    back_s = time.monotonic() + away_s
    await asyncio.to_thread(kafka.stop)
    await asyncio.sleep(back_s - time.monotonic())
    port = int(kafka.bootstrap_servers.rpartition(":")[2])
    await asyncio.to_thread(start_kafka, kafka.data_dir, port, KAFKA_OPTIONS)


def _run(stack: Stack, name: str, away: Away, phase: Phase, away_s: float, series: dict[str, Series]) -> dict[str, Any]:
    print(f"  Kafka {name}: {phase.duration_s:.0f} s at {phase.per_s:,}/s", file=sys.stderr)
    begin, span, memory = stack.ends(RAW), Span(), Memory(phase.duration_s)
    request = Numbered(PATH, name)

    async def absence(start_s: float) -> None:
        await asyncio.sleep(start_s + (phase.duration_s - away_s) / 2 - time.monotonic())
        span.begin_s = time.monotonic() - start_s
        await away(stack.broker, away_s)
        span.end_s = time.monotonic() - start_s

    with running_ingress(stack, name) as (process, port):
        posts = open_loop(port, request, [phase], OUTAGE_CONNECTIONS, [absence, memory.sampling(process)])
        raw = arrived(stack, begin, map(request.delivery_id, posts.accepted()))
        through_spool = spooled(process)
    series[name] = seconds_with_memory(posts, memory.mb)
    row = latency_row(posts)
    print(f"  Kafka {name}: answers {row['answers']}, missing {raw.missing}", file=sys.stderr)
    return {
        "kafka_away": [round(span.begin_s, 1), round(span.end_s, 1)],
        **row,
        "spans": _spans(posts, span, phase.duration_s),
        "rss_mb": memory.row(span),
        "raw_topic": {**raw.row(), "through_spool": through_spool},
    }


class Memory:
    """The memory of a process, sampled once a second."""

    def __init__(self, duration_s: float) -> None:
        self.mb: dict[int, float] = {}
        self._duration_s = duration_s

    def sampling(self, process: Process) -> Callable[[float], Awaitable[None]]:
        """Return a coroutine function that samples a process while it receives posts.

        Its workers are looked up once: searching all processes of a machine for children takes milliseconds, every second, and
        delays the posts by as much.
        """
        family = process.family()

        async def sample(start_s: float) -> None:
            for second in range(int(self._duration_s)):
                await asyncio.sleep(max(0.0, start_s + second - time.monotonic()))
                self.mb[second] = round(memory_mb(family), 1)

        return sample

    def row(self, span: Span) -> dict[str, float]:
        """Return the memory at the moments that matter; a leak would show between them."""
        before = [mb for second, mb in self.mb.items() if second < span.begin_s]
        away = [mb for second, mb in self.mb.items() if span.begin_s <= second <= span.end_s]
        return {
            "first": self.mb[0],
            "before": before[-1],
            "largest_while_away": max(away),
            "largest": max(self.mb.values()),
            "last": list(self.mb.values())[-1],
        }


def seconds_with_memory(posts: Posts, memory_mb: dict[int, float]) -> Series:
    """Return a row for each second of a run."""
    rows: Series = [("second", "due", "answered", "p50_ms", "p99_ms", "rss_mb")]
    rows.extend((second, *row, memory_mb.get(second)) for second, row in by_second(posts).items())
    return rows


def _spans(posts: Posts, span: Span, duration_s: float) -> dict[str, dict[str, float | None]]:
    spans = {
        "before": (0.0, span.begin_s),
        "while Kafka was away": (span.begin_s, span.end_s),
        "after": (span.end_s, duration_s),
    }
    return {name: percentiles(within(posts, *limits)) for name, limits in spans.items()}

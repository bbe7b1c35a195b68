"""The record of a load generator's run, and every figure computed from it. Pure: values in, values out.

A latency starts when its post was due, not when it could be sent: otherwise a stalling server would get fewer posts while it
stalls, and look better than it is (coordinated omission). Percentiles are exact: all latencies are kept, without buckets.
Lateness has one of two reasons, recorded separately: the generator itself was late (`taken_s`), or it was on time and no
connection was free, because the server still owed answers on all of them (`sent_s`).
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct, field

CUT = 0  # the status of a post whose connection ended without an answer
NO_ANSWER = -1
OK = 200

LATE_MS = (
    5.0  # p99, half of the limit for the ingress at 1,000/s; uvloop's timers tick once a millisecond, so 1 ms is usual
)
FULL = 0.9  # of a core, or of all: beyond that no time is to spare

Series = list[tuple[object, ...]]  # the first row names the columns


class Phase(Struct, frozen=True):
    """A number of posts a second, evenly spaced, for a time."""

    per_s: int
    duration_s: float

    @property
    def posts(self) -> int:
        """Return the number of posts in the phase."""
        return round(self.per_s * self.duration_s)


def due_offsets_s(phases: Sequence[Phase]) -> Iterator[float]:
    """Yield when each post is due, in seconds after the beginning."""
    begin_s = 0.0
    for phase in phases:
        for number in range(phase.posts):
            yield begin_s + number / phase.per_s
        begin_s += phase.duration_s


class Posts(Struct):
    """One row per post: when it was due, taken up, sent and answered (monotonic seconds, 0 for never), and its status."""

    due_s: "array[float]" = field(default_factory=lambda: array("d"))
    taken_s: "array[float]" = field(default_factory=lambda: array("d"))
    sent_s: "array[float]" = field(default_factory=lambda: array("d"))
    answered_s: "array[float]" = field(default_factory=lambda: array("d"))
    status: "array[int]" = field(default_factory=lambda: array("h"))
    began_s: float = 0.0
    elapsed_s: float = 0.0
    cpu_share: float = 0.0
    machine_cpu_share: float = 0.0

    def enter(self, due_s: float, taken_s: float) -> int:
        """Record a post and return its number."""
        self.due_s.append(due_s)
        self.taken_s.append(taken_s)
        self.sent_s.append(0.0)
        self.answered_s.append(0.0)
        self.status.append(NO_ANSWER)
        return len(self.due_s) - 1

    def statuses(self) -> dict[str, int]:
        """Return the number of answers by status; `cut` and `none` count posts without an answer."""
        names = {CUT: "cut", NO_ANSWER: "none"}
        return {names.get(status, str(status)): count for status, count in sorted(Counter(self.status).items())}

    def accepted(self) -> list[int]:
        """Return the numbers of the posts answered 200."""
        return [number for number, status in enumerate(self.status) if status == OK]

    def accepted_per_s(self) -> float:
        """Return the rate of posts answered 200, per second."""
        return len(self.accepted()) / self.elapsed_s

    def latencies_ms(self) -> list[float]:
        """Return the sorted latencies of the answered posts, from when they were due."""
        return _spans_ms(self.due_s, self.answered_s)

    def lateness_ms(self) -> list[float]:
        """Return how late the generator took posts up, sorted: its own part of the latencies."""
        return _spans_ms(self.due_s, self.taken_s)

    def waits_ms(self) -> list[float]:
        """Return how long posts waited for a free connection, sorted: caused by the server, but outside its own measurements."""
        return _spans_ms(self.taken_s, self.sent_s)

    def timed(self) -> list[tuple[float, float]]:
        """Return, for each answered post, when it was due in seconds after the beginning, and its latency in ms."""
        pairs = zip(self.due_s, self.answered_s, strict=True)
        return [(due - self.began_s, 1000 * (answered - due)) for due, answered in pairs if answered]


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return a percentile of sorted figures by the nearest rank, None for no figures."""
    if not ordered:
        return None
    rank = math.ceil(round(len(ordered) * percent / 100, 6))  # rounded: 99.9 % of 1,000 is exactly 999
    return round(ordered[max(0, rank - 1)], 2)


def percentiles(ordered: Sequence[float]) -> dict[str, float | None]:
    """Return the percentiles shown in every table."""
    return {
        name: percentile(ordered, percent) for name, percent in (("p50_ms", 50), ("p99_ms", 99), ("p99_9_ms", 99.9))
    }


def latency_row(posts: Posts) -> dict[str, Any]:
    """Return the answers, the latency percentiles and the generator's own figures, which belong in every row."""
    ordered = posts.latencies_ms()
    return {
        "posts": len(posts.due_s),
        "answers": posts.statuses(),
        **percentiles(ordered),
        "max_ms": percentile(ordered, 100),
        "generator": generator_row(posts),
    }


def generator_row(posts: Posts) -> dict[str, Any]:
    """Return the generator's lateness, its own and the whole machine's usage, and what they mean for the row."""
    late_ms = percentile(posts.lateness_ms(), 99) or 0.0
    return {
        "late_p99_ms": late_ms,
        "late_max_ms": percentile(posts.lateness_ms(), 100),
        "waited_for_connection_p99_ms": percentile(posts.waits_ms(), 99),
        "cpu_share": posts.cpu_share,
        "machine_cpu_share": posts.machine_cpu_share,
        "verdict": verdict(late_ms, posts.cpu_share, posts.machine_cpu_share),
    }


def verdict(late_p99_ms: float, cpu_share: float, machine_cpu_share: float) -> str:
    """Say whether the figures describe the server, or the generator and the machine: shares are of one core and of all."""
    if cpu_share >= FULL:
        return "generator is the limit"
    if late_p99_ms <= LATE_MS:
        return "kept up"
    return "machine is full" if machine_cpu_share >= FULL else "late"


def curve(ordered: Sequence[float]) -> list[tuple[float, float]]:
    """Return (percentile, latency) in ten steps per nine, as far as the number of posts allows."""
    points = []
    step = 0
    while 10 ** (step / 10) <= len(ordered):
        percent = 100 * (1 - 10 ** (-step / 10))
        points.append((round(percent, 5), percentile(ordered, percent) or 0.0))
        step += 1
    return points


def by_second(posts: Posts) -> dict[int, tuple[int, int, float | None, float | None]]:
    """Return for each second after the beginning: posts due, posts answered, and p50 and p99 ms of those due in it."""
    due = Counter(int(at_s - posts.began_s) for at_s in posts.due_s)
    answered = Counter(int(at_s - posts.began_s) for at_s in posts.answered_s if at_s)
    latencies: dict[int, list[float]] = {}
    for at_s, latency_ms in posts.timed():
        latencies.setdefault(int(at_s), []).append(latency_ms)
    rows = {}
    for second in range(max([*due, *answered, -1]) + 1):
        ordered = sorted(latencies.get(second, []))
        rows[second] = (due[second], answered[second], percentile(ordered, 50), percentile(ordered, 99))
    return rows


def within(posts: Posts, begin_s: float, end_s: float) -> list[float]:
    """Return the latencies, sorted, of the posts due in a span of seconds after the beginning."""
    return sorted(latency_ms for due_s, latency_ms in posts.timed() if begin_s <= due_s < end_s)


def back_after_s(posts: Posts, from_s: float, bound_ms: float, window_s: float = 1.0) -> float | None:
    """Return the time after `from_s` until latency has recovered: a whole window from then on has its p99 within the bound.

    The resolution is a tenth of a second; None if it never recovers.
    """
    timed = [(due_s, latency_ms) for due_s, latency_ms in posts.timed() if due_s >= from_s]
    last_s = max((due_s for due_s, _ in timed), default=from_s)
    for step in range(int((last_s - from_s - window_s) * 10) + 2):
        begin_s = from_s + step / 10
        ordered = sorted(latency_ms for due_s, latency_ms in timed if begin_s <= due_s < begin_s + window_s)
        if ordered and (percentile(ordered, 99) or 0.0) <= bound_ms:
            return round(step / 10, 1)
    return None


def _spans_ms(from_s: Sequence[float], to_s: Sequence[float]) -> list[float]:
    return sorted(1000 * (end - begin) for begin, end in zip(from_s, to_s, strict=True) if end)

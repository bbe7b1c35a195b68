"""The largest rate that the ingress holds for a minute, and the latencies on the way there.

Held means: every post answered 200, 99 % within 100 ms of when they were due, and the generator not late. A search by short
runs (doubling, then halving the gap) finds a candidate; a run of a minute confirms it, or the next lower rate. Every run uses a
freshly started ingress, so that none inherits the queue of the one before, and a short run that is not held is repeated once:
a single pause of the machine must not halve the result.
"""

import sys
from collections.abc import Callable
from typing import Any

from bench.arrived import arrived, wait_calm
from bench.fill import create_raw
from bench.ingress import PATH, warm
from bench.stack import Stack, running_ingress
from schemas.topics import RAW
from simulator.load_figures import Phase, Posts, Series, by_second, latency_row
from simulator.load_generator import OPEN_CONNECTIONS, open_loop
from simulator.shop_deliveries import LARGE, Numbered, body_bytes

P99_BOUND_MS = 100.0  # far below every provider's 5 s, and no growing queue stays under it for long
FIRST_RATE = 1_000
LOWEST_RATE = 50
RESOLUTION = 0.05
STEP_BACK = 0.95  # a minute includes more than five seconds do: pauses of the garbage collector, log segments
CONFIRMATIONS = 4

IsHeld = Callable[[int], bool]


def sustained(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return the largest rate held, every run of the search, and the ids answered compared with the ids on the topic."""
    create_raw(stack)
    step_s, confirm_s = (2.0, 10.0) if is_quick else (5.0, 60.0)
    runs = Runs(stack)
    with running_ingress(stack, "warm") as (_, port):
        warm(port, runs.answered, 4.0 if is_quick else 25.0)
    candidate = search(lambda rate: runs.is_held(rate, step_s) or runs.is_held(rate, step_s), FIRST_RATE)
    rate = confirmed(lambda rate: runs.is_held(rate, confirm_s), candidate)
    return {
        "body_bytes": body_bytes(LARGE),
        "connections": OPEN_CONNECTIONS,
        "held_means": {"answers": "all 200", "p99_ms_at_most": P99_BOUND_MS, "generator": "kept up"},
        "held_per_s": rate,
        "held_for_s": confirm_s,
        "runs": runs.rows,
        "raw_topic": arrived(stack, {}, runs.answered).row(),
        "series": {"seconds": runs.seconds},
    }


def search(is_held: IsHeld, first: int, resolution: float = RESOLUTION) -> int:
    """Return the largest rate that is held, to within 5 % below it; 0 when not even 50/s are.

    Doubles from `first` until a rate is not held (or halves until one is), then halves the gap between the two.
    """
    low, high, rate = 0, 0, first
    while not (low and high):
        if is_held(rate):
            low, rate = rate, rate * 2
            continue
        if rate <= LOWEST_RATE:
            return 0
        high, rate = rate, max(LOWEST_RATE, rate // 2)
    while high - low > max(1, resolution * low):
        middle = (low + high) // 2
        if is_held(middle):
            low = middle
        else:
            high = middle
    return low


def confirmed(is_held: IsHeld, candidate: int) -> int:
    """Return the first of the candidate and the rates below it, 5 % apart, that is held; 0 when none of four is."""
    for step in range(CONFIRMATIONS):
        rate = round(candidate * STEP_BACK**step)
        if rate and is_held(rate):
            return rate
    return 0


def lost_by(row: dict[str, Any]) -> list[str]:
    """Return the reasons why a run was not held; empty if it was."""
    reasons = []
    if row["answers"].keys() != {"200"}:
        reasons.append("answers other than 200")
    if row["p99_ms"] is None or row["p99_ms"] > P99_BOUND_MS:
        reasons.append(f"p99 over {P99_BOUND_MS:.0f} ms")
    if row["generator"]["verdict"] != "kept up":
        reasons.append(row["generator"]["verdict"])
    return reasons


class Runs:
    """The runs of a search, as rows, and the ids answered 200 in them."""

    def __init__(self, stack: Stack) -> None:
        self.rows: list[dict[str, Any]] = []
        self.answered: list[str] = []
        self.seconds: Series = []
        self._stack = stack

    def is_held(self, rate: int, duration_s: float) -> bool:
        """Post at a rate to a fresh ingress and say whether it was held; the last run's rows by second are kept."""
        name = f"held-{len(self.rows)}"
        request = Numbered(PATH, name)
        begin = self._stack.ends(RAW)
        with running_ingress(self._stack, name) as (_, port):
            posts = open_loop(port, request, [Phase(rate, duration_s)])
            accepted = posts.accepted()
            self.answered.extend(map(request.delivery_id, accepted))
            wait_calm(self._stack, begin, len(accepted))
        row = latency_row(posts)
        reasons = lost_by(row)
        self.rows.append({"rate": rate, "duration_s": duration_s, "is_held": not reasons, "lost_by": reasons, **row})
        self.seconds = seconds(posts)
        print(f"  {rate:,}/s for {duration_s:.0f} s: {', '.join(reasons) or 'held'}", file=sys.stderr)
        return not reasons


def seconds(posts: Posts) -> Series:
    """Return a row for each second of a run."""
    rows: Series = [("second", "due", "answered", "p50_ms", "p99_ms")]
    rows.extend((second, *row) for second, row in by_second(posts).items())
    return rows

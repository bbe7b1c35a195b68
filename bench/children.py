"""The cost of children: products with 40 variants in 5.9 kB, decided by the worker with and without `[worker] children`.

Both runs read the same deliveries: each product is created, which makes 43 events with children and one without; then two of
its variants change in every version, which makes three events or one. Rates are in deliveries and in events.
"""

import sys
from statistics import median
from typing import Any

from msgspec import Struct

from bench.families import VARIANTS, body_bytes, expected_events, families
from bench.fill import create_raw, fill
from bench.outcomes import Decided, decided
from bench.peer_job import PARTITIONS
from bench.rounds import BROKER_TIME, Used, spread, watched
from bench.stack import Stack, running_worker
from schemas.topics import OUTCOMES, described

PRODUCTS, VERSIONS = 2_000, 20
ROUNDS = 2


class Turn(Struct, frozen=True):
    """One run of the worker."""

    decided: Decided
    used: Used


def children(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return rates with and without children."""
    products, rounds = (PRODUCTS // 5, 1) if is_quick else (PRODUCTS, ROUNDS)
    create_raw(stack)
    fill(stack, families(products, VERSIONS))
    stack.create(OUTCOMES, PARTITIONS, {**described(OUTCOMES).settings, **BROKER_TIME})
    turns: dict[bool, list[Turn]] = {False: [], True: []}
    for turn in range(rounds):
        for has_children in sorted(turns, reverse=bool(turn % 2)):
            turns[has_children].append(_turn(stack, has_children, turn))
            print(f"  {_name(has_children)}: {turns[has_children][-1].decided.per_s:,.0f}/s", file=sys.stderr)
    return {
        "deliveries": products * VERSIONS,
        "products": products,
        "variants": VARIANTS,
        "body_bytes": body_bytes(),
        "partitions": PARTITIONS,
        "runs": {_name(name): _row(rows, expected_events(products, VERSIONS, name)) for name, rows in turns.items()},
    }


def _turn(stack: Stack, has_children: bool, turn: int) -> Turn:
    app = f"{'with' if has_children else 'without'}{turn}"
    begin = stack.ends(OUTCOMES)
    with running_worker(stack, app, has_children=has_children) as process:
        used = watched(stack, process, OUTCOMES, f"penstock.{app}")
    return Turn(decided(stack, OUTCOMES, begin), used)


def _row(turns: list[Turn], expected: int) -> dict[str, Any]:
    events = turns[0].decided.events
    share = events / max(1, turns[0].decided.deliveries)
    cpu_us = median(turn.used.cpu_us for turn in turns)
    return {
        "per_s": spread([turn.decided.per_s for turn in turns]),
        "events_per_s": spread([turn.decided.per_s * share for turn in turns]),
        "events": events,
        "expected_events": expected,
        "cpu_us_per_delivery": round(cpu_us),
        "cpu_us_per_event": round(cpu_us / share),
        "memory_mb": round(median(turn.used.memory_mb for turn in turns)),
    }


def _name(has_children: bool) -> str:
    return "with children" if has_children else "without children"

"""The small job: one table, one output, one changelog, for comparison with published figures of stream processors.

The bare loop, Quix Streams and Kafka Streams read the same `webhooks.raw` as in the pipeline benchmark and write JSON events.
The worker does not take part: it records an outcome for every delivery and keeps two tables, and no option turns that off.
"""

import sys
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from bench.fill import fill_mixed
from bench.outcomes import Decided, emitted
from bench.peer_job import PARTITIONS, Entry
from bench.peer_processes import BARE, PENSTOCK, SMALL_JOB, command, left_out, peers, tell_left_out
from bench.rounds import BROKER_TIME, Used, in_turn, put_beside, spread, watched
from bench.small_job import OUTPUT, TABLE
from bench.stack import Stack, running
from schemas.topics import RAW
from simulator.shop_deliveries import SMALL, body_bytes

COMPACTED = {"cleanup.policy": "compact"}


class Heat(Struct, frozen=True):
    """One contestant's turn in one round."""

    emitted: Decided
    used: Used


def small(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return rates, ratios and counts of every contestant."""
    tell_left_out()
    mix, expected = fill_mixed(stack, is_quick)
    heats: dict[str, list[Heat]] = {name: [] for name in peers() if name != PENSTOCK}
    for turn in range(1 if is_quick else 3):
        for name in in_turn(heats, turn):
            heats[name].append(_heat(stack, name, turn))
            print(f"  {name}: round {turn + 1} done", file=sys.stderr)
    rows = {name: _row(turns, mix.deliveries) for name, turns in heats.items()}
    put_beside(BARE, rows)
    return {
        "deliveries": mix.deliveries,
        "products": mix.resources,
        "body_bytes": body_bytes(SMALL),
        "partitions": PARTITIONS,
        "expected_events": expected["changed"]
        + expected["unchanged"],  # a newer version is an event, whatever its content
        "are_all_events_equal": len({heat.emitted.digest for turns in heats.values() for heat in turns}) == 1,
        "contestants": rows,
        "left_out": left_out(),
    }


def _heat(stack: Stack, name: str, turn: int) -> Heat:
    short = name.partition(" ")[0] + str(turn)
    entry = Entry(short, stack.kafka, RAW, str(stack.directory / short))
    output = entry.topic(OUTPUT)
    stack.create(output, PARTITIONS, BROKER_TIME)
    if name == BARE:
        stack.create(entry.topic(f"{TABLE}-changelog"), PARTITIONS, COMPACTED)
    begin = stack.ends(output)
    with running(entry.name, command(name, entry, SMALL_JOB), Path(entry.directory)) as process:
        used = watched(stack, process, output, entry.group)
    return Heat(emitted(stack, output, begin), used)


def _row(turns: list[Heat], deliveries: int) -> dict[str, Any]:
    """Return a contestant's row; events are counted, so rates and costs are converted to deliveries."""
    share = deliveries / turns[0].emitted.events
    return {
        "per_s": spread([heat.emitted.per_s * share for heat in turns]),
        "second_half_per_s": round(median(heat.emitted.warm_per_s * share for heat in turns)),
        "cpu_us_per_delivery": round(median(heat.used.cpu_us / share for heat in turns), 1),
        "memory_mb": round(median(heat.used.memory_mb for heat in turns)),
        "events": turns[0].emitted.events,
    }

"""The worker beside the bare loop, Quix Streams and Kafka Streams: the same deliveries and full job, one process each, in turns.

All read one `webhooks.raw` from its beginning and write their own topics and tables. A rate counts outcomes from the first
to the last by the broker's clock, so start-up is not counted; a contestant has finished when its group has committed the
whole topic. Rounds rotate the order, so that no contestant always gets the warmest broker.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from bench.fill import fill_mixed
from bench.outcomes import Decided, changes_digest, decided
from bench.peer_job import CHANGELOGS, OUTPUTS, PARTITIONS, Entry
from bench.peer_processes import BARE, FULL_JOB, PENSTOCK, command, left_out, peers, tell_left_out
from bench.rounds import BROKER_TIME, Used, in_turn, put_beside, spread, watched
from bench.stack import Process, Stack, running, running_worker
from broker.schema_registry import Registry
from providers.shopify.types import RESOURCE_TYPES
from schemas.codec import SchemaName
from schemas.topics import OUTCOMES, RAW, changes_topic, described
from simulator.shop_deliveries import SMALL, body_bytes

CHANGES = changes_topic("shopify", "product", RESOURCE_TYPES)
SCHEMAS: dict[str, SchemaName] = {"changes": "change", "state": "state", "outcomes": "outcome"}


class Heat(Struct, frozen=True):
    """One contestant's turn in one round; changes are compared only in the first round, which is enough and takes long."""

    decided: Decided
    changes: str | None
    used: Used


def pipeline(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return rates, ratios and counts of every contestant."""
    tell_left_out()
    mix, expected = fill_mixed(stack, is_quick)
    stack.create(OUTCOMES, PARTITIONS, {**described(OUTCOMES).settings, **BROKER_TIME})
    heats: dict[str, list[Heat]] = {name: [] for name in peers()}
    for turn in range(1 if is_quick else 3):
        for name in in_turn(heats, turn):
            heats[name].append(_heat(stack, name, turn))
            print(f"  {name}: {heats[name][-1].decided.per_s:,.0f}/s in round {turn + 1}", file=sys.stderr)
    rows = {name: _row(turns) for name, turns in heats.items()}
    put_beside(BARE, rows)
    digests = {heat.decided.digest for turns in heats.values() for heat in turns}
    changes = {turns[0].changes for turns in heats.values()}
    return {
        "deliveries": mix.deliveries,
        "products": mix.resources,
        "body_bytes": body_bytes(SMALL),
        "partitions": PARTITIONS,
        "expected_outcomes": dict(sorted(expected.items())),
        "are_all_decisions_equal": len(digests) == 1,
        "are_all_changes_equal": len(changes) == 1,
        "contestants": rows,
        "left_out": left_out(),
    }


def _heat(stack: Stack, name: str, turn: int) -> Heat:
    entry = _entry(stack, name, turn)
    is_worker = name == PENSTOCK
    topic, changes = (OUTCOMES, CHANGES) if is_worker else (entry.topic("outcomes"), entry.topic("changes"))
    group = f"penstock.{entry.name}" if is_worker else entry.group
    begin, changes_begin = stack.ends(topic), stack.ends(changes)
    with _peer(stack, name, entry) as process:
        used = watched(stack, process, topic, group)
    digest = None if turn else changes_digest(stack, changes, changes_begin)
    return Heat(decided(stack, topic, begin), digest, used)


def _entry(stack: Stack, name: str, turn: int) -> Entry:
    short = name.partition(" ")[0] + str(turn)
    directory = stack.directory / short
    directory.mkdir()
    entry = Entry(short, stack.kafka, RAW, str(directory))
    if name == PENSTOCK:
        return entry
    registry = Registry(stack.registry)
    for output in OUTPUTS:
        settings = BROKER_TIME if output == "outcomes" else described(f"{output}.").settings
        stack.create(entry.topic(output), PARTITIONS, settings)
    if name == BARE:
        for table in CHANGELOGS:
            stack.create(entry.topic(table), PARTITIONS, described(f".{table}").settings)
    prefixes: dict[str, str] = {
        schema: registry.prefix(entry.topic(output), schema).hex() for output, schema in SCHEMAS.items()
    }
    return Entry(short, stack.kafka, RAW, str(directory), prefixes)


@contextmanager
def _peer(stack: Stack, name: str, entry: Entry) -> Iterator[Process]:
    if name == PENSTOCK:
        with running_worker(stack, entry.name) as process:
            yield process
        return
    with running(entry.name, command(name, entry, FULL_JOB), Path(entry.directory)) as process:
        yield process


def _row(turns: list[Heat]) -> dict[str, Any]:
    return {
        "per_s": spread([heat.decided.per_s for heat in turns]),
        "second_half_per_s": round(median(heat.decided.warm_per_s for heat in turns)),
        "deliveries_per_transaction": round(median(heat.decided.per_transaction for heat in turns)),
        "cpu_us_per_delivery": round(median(heat.used.cpu_us for heat in turns), 1),
        "memory_mb": round(median(heat.used.memory_mb for heat in turns)),
        "outcomes": turns[0].decided.counts,
    }

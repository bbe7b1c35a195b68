"""One contestant's turn, measured from its first output record until it has read everything; and its row of a table."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from msgspec import Struct

from bench.stack import Process, Stack
from schemas.topics import RAW

TIMEOUT_S = 300.0
BROKER_TIME = {"message.timestamp.type": "LogAppendTime"}  # so that rates use the broker's clock


class Used(Struct, frozen=True):
    """The usage of a process: CPU time per output record, and memory at the end."""

    cpu_us: float
    memory_mb: float


def in_turn(names: Iterable[str], turn: int) -> list[str]:
    """Return the order of one round: each starts with another name, so that no contestant always follows the same one."""
    order = list(names)
    first = turn % len(order)
    return order[first:] + order[:first]


def watched(stack: Stack, process: Process, output: str, group: str) -> Used:
    """Wait until a group has read all of `webhooks.raw`, and return the usage of its process, without its start."""
    begin = stack.ends(output)
    process.wait_until(lambda: stack.ends(output) != begin, "its first record out")
    cpu_s, started = process.cpu_s(), sum(stack.ends(output).values())
    stack.wait_committed(group, RAW, TIMEOUT_S, process)
    cpu_s, ended = process.cpu_s() - cpu_s, sum(stack.ends(output).values())
    return Used(1e6 * cpu_s / max(1, ended - started), process.memory_mb())


def spread(figures: Sequence[float]) -> dict[str, int]:
    """Return the median of some rounds, the lowest and the highest."""
    return {"median": round(median(figures)), "min": round(min(figures)), "max": round(max(figures))}


def put_beside(limit: str, rows: Mapping[str, dict[str, Any]]) -> None:
    """Add to every row its rate as a share of the rate of the bare loop, whose row is `limit`."""
    for row in rows.values():
        row["of_bare_loop"] = round(row["per_s"]["median"] / rows[limit]["per_s"]["median"], 3)

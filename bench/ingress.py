"""The door beside the same server doing nothing: highest rates in alternated rounds, then latencies at constant rates.

Every 200 must be a record on `webhooks.raw`; the two counts stand in the results.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench.contest import PARTITIONS
from bench.deliveries import LARGE, SOURCE, body_bytes, requests
from bench.load import CLOSED_CONNECTIONS, OPEN_CONNECTIONS, Posts, closed_loop, open_loop, percentile
from bench.stack import Stack, running, running_ingress
from local import ports
from streams.topics import RAW, described

PATH = f"/v1/{SOURCE}"
RATES = (200, 1_000, 5_000)
BARE, PENSTOCK = "bare server", "penstock ingress"
DISTINCT = 256  # requests, each about a product of its own, so that all partitions are written


def ingress(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return rates, the ratio, latencies, and posts beside records."""
    stack.create(RAW, PARTITIONS, described(RAW).settings)
    built = requests(PATH, DISTINCT, DISTINCT)
    answered: Counter[int] = Counter()
    closed = _closed(stack, built, answered, is_quick)
    opened = [_open(stack, built, rate, answered, is_quick) for rate in RATES]
    rates = {name: row["per_s"]["median"] for name, row in closed.items()}
    return {
        "body_bytes": body_bytes(LARGE),
        "connections": {"closed": CLOSED_CONNECTIONS, "open": OPEN_CONNECTIONS},
        "closed_loop": closed,
        "of_bare_server": round(rates[PENSTOCK] / rates[BARE], 3),
        "open_loop": opened,
        "answers": {str(status): count for status, count in sorted(answered.items())},
        "records_on_raw": sum(stack.ends(RAW).values()),
    }


def _closed(stack: Stack, built: list[bytes], answered: Counter[int], is_quick: bool) -> dict[str, Any]:
    """Return both servers' highest rates; both run all the time, and only one of them is posted to."""
    duration_s, rounds = (2.0, 2) if is_quick else (5.0, 5)
    runs: dict[str, list[Posts]] = {BARE: [], PENSTOCK: []}
    cpu_us: dict[str, list[float]] = {BARE: [], PENSTOCK: []}
    with _bare_server(stack) as (bare, bare_port), running_ingress(stack, "ingress") as (door, door_port):
        for _ in range(rounds):
            for name, process, port in ((BARE, bare, bare_port), (PENSTOCK, door, door_port)):
                before_s = process.cpu_s()
                posts = closed_loop(port, built, duration_s)
                cpu_us[name].append(1e6 * (process.cpu_s() - before_s) / max(1, posts.statuses.total()))
                runs[name].append(posts)
                print(f"  {name}: {_rate(posts):,.0f}/s", file=sys.stderr)
    for posts in runs[PENSTOCK]:
        answered.update(posts.statuses)
    return {name: _closed_row(runs[name], cpu_us[name]) for name in runs}


def _open(stack: Stack, built: list[bytes], rate: int, answered: Counter[int], is_quick: bool) -> dict[str, Any]:
    """Return latencies at a constant rate, from the first post to a freshly started door on."""
    with running_ingress(stack, f"ingress-{rate}") as (_, port):
        posts = open_loop(port, built, rate, rate * (5 if is_quick else 20))
    answered.update(posts.statuses)
    ordered = posts.latencies_ms()
    print(f"  open loop, {rate}/s: p99 {percentile(ordered, 99)} ms", file=sys.stderr)
    return {
        "rate": rate,
        "posts": len(posts.due_s),
        "statuses": {str(status): count for status, count in posts.statuses.items()},
        "unanswered": posts.unanswered(),
        "p50_ms": percentile(ordered, 50),
        "p99_ms": percentile(ordered, 99),
        "p99_9_ms": percentile(ordered, 99.9),
        "max_ms": percentile(ordered, 100),
        "sent_late_p99_ms": percentile(posts.lateness_ms(), 99),
        "generator_cpu_share": posts.cpu_share,
    }


@contextmanager
def _bare_server(stack: Stack) -> Iterator[Any]:
    port = ports.free_port()
    command = [sys.executable, "-m", "bench.bare_server", str(port)]
    with running("bare-server", command, stack.directory) as process:
        process.wait_until(lambda: ports.accepts(port), "its port")
        yield process, port


def _closed_row(runs: list[Posts], cpu_us: list[float]) -> dict[str, Any]:
    rates = [_rate(posts) for posts in runs]
    ordered = sorted(latency for posts in runs for latency in posts.latencies_ms())
    return {
        "per_s": {"median": round(median(rates)), "min": round(min(rates)), "max": round(max(rates))},
        "rounds": len(runs),
        "p50_ms": percentile(ordered, 50),
        "p99_ms": percentile(ordered, 99),
        "cpu_us_per_post": round(median(cpu_us), 1),
        "generator_cpu_share": round(median(posts.cpu_share for posts in runs), 2),
    }


def _rate(posts: Posts) -> float:
    return posts.statuses[200] / posts.elapsed_s

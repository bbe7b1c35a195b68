"""The ingress beside the same server doing nothing: highest rates in alternating rounds, then latencies at constant rates.

Every delivery answered 200 must be on `webhooks.raw`; the ids are compared.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from bench.arrived import arrived, wait_calm
from bench.fill import create_raw
from bench.rounds import in_turn
from bench.stack import Process, Stack, running, running_ingress
from local import ports
from schemas.topics import RAW
from simulator.load_figures import Phase, Posts, Series, curve, latency_row, percentile, within
from simulator.load_generator import CLOSED_CONNECTIONS, OPEN_CONNECTIONS, closed_loop, open_loop
from simulator.shop_deliveries import LARGE, SOURCE, Numbered, body_bytes

PATH = f"/v1/{SOURCE}"
RATES = (200, 1_000, 5_000)
BARE, PENSTOCK, PENSTOCK_2 = "bare server", "penstock ingress", "penstock ingress, 2 instances"
Peers = dict[str, tuple[list[Process], int]]


def ingress(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return rates, ratios, latencies with their curves, and the ids answered compared with the ids on the topic."""
    create_raw(stack)
    answered: list[str] = []
    closed = _closed(stack, answered, is_quick)
    series: Series = [("rate_per_s", "percentile", "latency_ms")]
    opened = [_open(stack, rate, answered, series, is_quick) for rate in RATES]
    rates = {name: row["per_s"]["median"] for name, row in closed.items()}
    return {
        "body_bytes": body_bytes(LARGE),
        "connections": {"closed": CLOSED_CONNECTIONS, "open": OPEN_CONNECTIONS},
        "closed_loop": closed,
        "of_bare_server": round(rates[PENSTOCK] / rates[BARE], 3),
        "two_processes_of_one": round(rates[PENSTOCK_2] / rates[PENSTOCK], 3),
        "open_loop": opened,
        "raw_topic": arrived(stack, {}, answered).row(),
        "series": {"percentiles": series},
    }


def _closed(stack: Stack, answered: list[str], is_quick: bool) -> dict[str, Any]:
    """Return the servers' highest rates; all run all the time, but only one at a time receives posts."""
    duration_s, rounds = (2.0, 2) if is_quick else (5.0, 5)
    runs: dict[str, list[Posts]] = {}
    cpu_us: dict[str, list[float]] = {}
    with _peers(stack) as peers:
        warm(peers[PENSTOCK][1], answered, duration_s * rounds)
        for turn in range(rounds):
            for name in in_turn(peers, turn):
                processes, port = peers[name]
                before_s = _cpu_s(processes)
                request = Numbered(PATH, f"closed-{port}-{turn}")
                posts = closed_loop(port, request, duration_s)
                cpu_us.setdefault(name, []).append(1e6 * (_cpu_s(processes) - before_s) / max(1, len(posts.accepted())))
                runs.setdefault(name, []).append(posts)
                if name != BARE:
                    answered.extend(map(request.delivery_id, posts.accepted()))
                print(f"  {name}: {posts.accepted_per_s():,.0f}/s", file=sys.stderr)
    return {name: _closed_row(runs[name], cpu_us[name]) for name in sorted(runs)}


def warm(port: int, answered: list[str], duration_s: float) -> None:
    """Post, uncounted, while Kafka's JVM compiles its hot code; a Kafka in service has long done so."""
    request = Numbered(PATH, "warm")
    answered.extend(map(request.delivery_id, closed_loop(port, request, duration_s).accepted()))


def _open(stack: Stack, rate: int, answered: list[str], series: Series, is_quick: bool) -> dict[str, Any]:
    """Return latencies at a constant rate, from the first post to a freshly started ingress on; add their curve."""
    request = Numbered(PATH, f"open-{rate}")
    begin = stack.ends(RAW)
    with running_ingress(stack, f"ingress-{rate}") as (_, port):
        posts = open_loop(port, request, [Phase(rate, 5 if is_quick else 20)])
        wait_calm(stack, begin, len(posts.accepted()))
    answered.extend(map(request.delivery_id, posts.accepted()))
    series.extend((rate, *point) for point in curve(posts.latencies_ms()))
    row = latency_row(posts)
    print(f"  open loop, {rate}/s: p99 {row['p99_ms']} ms, generator {row['generator']['verdict']}", file=sys.stderr)
    return {"rate": rate, **row, "first_second_p99_ms": percentile(within(posts, 0, 1), 99)}


@contextmanager
def _peers(stack: Stack) -> Iterator[Peers]:
    with ExitStack() as running_all:
        bare, bare_port = running_all.enter_context(_bare_server(stack))
        alone, port = running_all.enter_context(running_ingress(stack, "ingress"))
        shared_port = ports.free_port()
        both = [running_all.enter_context(running_ingress(stack, f"ingress-{n}", shared_port))[0] for n in (1, 2)]
        yield {BARE: ([bare], bare_port), PENSTOCK: ([alone], port), PENSTOCK_2: (both, shared_port)}


@contextmanager
def _bare_server(stack: Stack) -> Iterator[tuple[Process, int]]:
    port = ports.free_port()
    command = [sys.executable, "-m", "bench.bare_server", str(port)]
    with running("bare-server", command, stack.directory) as process:
        process.wait_until(lambda: ports.accepts(port), "its port")
        yield process, port


def _cpu_s(processes: list[Process]) -> float:
    return sum(process.cpu_s() for process in processes)


def _closed_row(runs: list[Posts], cpu_us: list[float]) -> dict[str, Any]:
    rates = [posts.accepted_per_s() for posts in runs]
    ordered = sorted(latency for posts in runs for latency in posts.latencies_ms())
    return {
        "per_s": {"median": round(median(rates)), "min": round(min(rates)), "max": round(max(rates))},
        "rounds": len(runs),
        "p50_ms": percentile(ordered, 50),
        "p99_ms": percentile(ordered, 99),
        "cpu_us_per_post": round(median(cpu_us), 1),
        "generator_cpu_share": round(median(posts.cpu_share for posts in runs), 2),
        "machine_cpu_share": round(median(posts.machine_cpu_share for posts in runs), 2),
    }

"""Five times the usual rate for ten seconds: the latency of posts meanwhile, and the time to recover afterwards."""

import sys
from typing import Any

from bench.arrived import arrived
from bench.fill import create_raw
from bench.ingress import PATH
from bench.stack import Stack, running_ingress, spooled
from bench.sustained import seconds
from simulator.load_figures import Phase, back_after_s, latency_row, percentile, percentiles, within
from simulator.load_generator import OUTAGE_CONNECTIONS, open_loop
from simulator.shop_deliveries import LARGE, Numbered, body_bytes

STEADY_PER_S = 1_000
TIMES = 5
BURST_S = 10.0
BACK_TO = 1.5  # times the p99 before the burst: two quiet spans differ by that much anyway


def burst(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return the latencies before, during and after the burst, and the time until they are as before."""
    create_raw(stack)
    before_s, after_s = (5.0, 10.0) if is_quick else (20.0, 40.0)
    phases = [Phase(STEADY_PER_S, before_s), Phase(TIMES * STEADY_PER_S, BURST_S), Phase(STEADY_PER_S, after_s)]
    request = Numbered(PATH, "burst")
    with running_ingress(stack, "burst") as (process, port):
        posts = open_loop(port, request, phases, OUTAGE_CONNECTIONS)
        raw = arrived(stack, {}, map(request.delivery_id, posts.accepted()))
        through_spool = spooled(process)
    end_s = before_s + BURST_S
    usual_ms = percentile(within(posts, 1, before_s), 99) or 0.0
    spans = {"before": (0.0, before_s), "in the burst": (before_s, end_s), "after": (end_s, end_s + after_s)}
    back_s = back_after_s(posts, end_s, BACK_TO * usual_ms)
    print(f"  latency back {back_s} s after the burst", file=sys.stderr)
    return {
        "body_bytes": body_bytes(LARGE),
        "connections": OUTAGE_CONNECTIONS,
        "burst_s": [before_s, end_s],
        "rates_per_s": [phase.per_s for phase in phases],
        **latency_row(posts),
        "spans": {name: percentiles(within(posts, *span)) for name, span in spans.items()},
        "back_to_ms": round(BACK_TO * usual_ms, 2),
        "back_after_s": back_s,
        "raw_topic": {**raw.row(), "through_spool": through_spool},
        "series": {"seconds": seconds(posts)},
    }

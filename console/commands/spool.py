"""`penstock spool`: what waits on this machine's disk for Kafka."""

from typing import TYPE_CHECKING

from console.options import DATA_DIR, DataDirOption, JsonOption

if TYPE_CHECKING:
    from console.spools import SpoolDepth


def spool(data_dir: DataDirOption = DATA_DIR, as_json: JsonOption = False) -> None:
    """Show how many deliveries wait in the spool for Kafka, since when, and from which sources. Only reads."""
    import time

    from console.spools import spool_depths
    from local.screen import output

    now = time.time()
    found = spool_depths(data_dir / "spool")
    for depth in found:
        _print_json(depth, now) if as_json else _print(depth, now)
    if not found and not as_json:
        output(f"no spool in {data_dir}: no ingress with a spool has run with this --data-dir")


def _age_s(depth: "SpoolDepth", now: float) -> float:
    return 0.0 if depth.oldest_at is None else max(0.0, now - depth.oldest_at)


def _print(depth: "SpoolDepth", now: float) -> None:
    from console.screen import results

    screen = results()
    age = f", the oldest for {_age_s(depth, now):,.0f} s" if depth.deliveries else ""
    screen.line(f"{depth.file}: {depth.deliveries:,} deliveries, {depth.bytes:,} bytes{age}")
    for source, deliveries in sorted(depth.sources.items()):
        screen.line(f"  {source}: {deliveries:,}")
    if depth.refused:
        screen.line(f"  put aside, because Kafka does not take them: {depth.refused:,}", style="red")


def _print_json(depth: "SpoolDepth", now: float) -> None:
    import json
    from dataclasses import asdict

    from local.screen import output_json

    output_json(json.dumps({**asdict(depth), "oldest_age_s": round(_age_s(depth, now), 1)}))

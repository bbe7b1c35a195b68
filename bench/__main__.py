"""`python -m bench [NAME ...] [--quick]`: run, print the tables, write bench/results/<name>.json, draw the plots."""

import argparse
import logging
import signal
import sys
from functools import partial
from types import FrameType

import structlog

from bench.burst import burst
from bench.children import children
from bench.endurance import endurance
from bench.hydrate import hydrate
from bench.ingress import ingress
from bench.latency import latency
from bench.loader import loader
from bench.machine import NOTEWORTHY, Neighbours
from bench.outage import outage
from bench.pipeline import pipeline
from bench.report import draw, made, show, write
from bench.restore import restore
from bench.scaling import scaling
from bench.small import small
from bench.stack import Failed, running_stack
from bench.sustained import sustained
from local.errors import LocalError
from simulator.load_generator import allow_files

BENCHMARKS = {
    "ingress": ingress,
    "sustained": sustained,
    "burst": burst,
    "pipeline": pipeline,
    "small": small,
    "children": children,
    "scaling": scaling,
    "latency": latency,
    "restore": restore,
    "hydrate": hydrate,
    "loader": loader,
    "outage": outage,
    "endurance": endurance,
}
LONG = {"loader", "outage", "endurance"}  # a quarter of an hour, half an hour, twenty minutes: they run only when named
INTERRUPTED = 130
_DEFAULT = "all but " + ", ".join(LONG)


def main() -> int:
    """Run the named benchmarks, each on its own Kafka, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Rates and latencies; asserts nothing.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; {_DEFAULT} when left out")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time or less; figures are rough")
    parser.add_argument("--markdown", action="store_true", help="tables as docs/performance.md has them")
    parser.add_argument(
        "--rows", type=int, metavar="N", help="changes of the benchmark `loader`; 500,000 when left out"
    )
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"expected {', '.join(BENCHMARKS)}, got {', '.join(sorted(unknown))}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    allow_files()
    signal.signal(signal.SIGTERM, _interrupt)  # so that every started process ends in order
    try:
        for name in chosen.names or [name for name in BENCHMARKS if name not in LONG]:
            _run(name, chosen.quick, chosen.markdown, chosen.rows if name == "loader" else None)
    except (Failed, LocalError) as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _run(name: str, is_quick: bool, is_markdown: bool, rows: int | None) -> None:
    print(f"{name}:", file=sys.stderr)
    options = f"{' --quick' if is_quick else ''}{'' if rows is None else f' --rows {rows}'}"
    how = made(name, f"python -m bench {name}{options}")
    benchmark = BENCHMARKS[name] if rows is None else partial(loader, rows=rows)
    neighbours = Neighbours()
    with running_stack() as stack:
        figures = benchmark(stack, is_quick)
    how["stolen_share"] = stolen = round(neighbours.share(), 4)
    path = write(f"{name}-quick" if is_quick else name, figures, how)
    show(name, figures, is_markdown)
    draw(path, name)
    hint = "; measure again on a quieter host" if stolen > NOTEWORTHY else ""
    print(f"the host gave {stolen:.1%} of the processor time to others{hint}", file=sys.stderr)
    print(f"written to {path.relative_to(path.parents[2])}", file=sys.stderr)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

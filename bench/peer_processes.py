"""The contestants of the pipeline benchmark, and how to run each. A peer takes part if its environment exists."""

import shutil
import sys
from typing import NamedTuple

from bench.peer_job import Entry
from bench.stack import REPOSITORY

PENSTOCK, BARE, QUIX, STREAMS = "penstock worker", "bare loop", "quix streams", "kafka streams"
PEERS = REPOSITORY / "bench" / "peers"
QUIX_PYTHON = REPOSITORY / ".venv-bench" / "bin" / "python"
STREAMS_BUILT = PEERS / "streams" / "target"
STREAMS_HEAP = "512m"
BUILD_TOOLS = ("java", "javac", "mvn")


class Programs(NamedTuple):
    """The programs for a job: a module, a file below peers/, a Java class."""

    bare: str
    quix: str
    streams: str


FULL_JOB = Programs("bench.bare_loop", "quix.py", "Streams")
SMALL_JOB = Programs("bench.small_loop", "quix_small.py", "Small")


def peers() -> list[str]:
    """Return the names of the contestants."""
    away = left_out()
    return [name for name in (BARE, PENSTOCK, QUIX, STREAMS) if name not in away]


def left_out() -> dict[str, str]:
    """Return the peers that do not take part, with the reason and what to do, in one line each."""
    away = {}
    if not QUIX_PYTHON.exists():
        away[QUIX] = "its environment .venv-bench has not been made; `make bench` makes it"
    missing = [tool for tool in BUILD_TOOLS if shutil.which(tool) is None]
    if missing:
        away[STREAMS] = (
            f"no {', '.join(missing)} on the PATH; with a JDK of 17 or newer and Maven, `make bench` builds it"
        )
    elif not (STREAMS_BUILT / "built").exists():
        away[STREAMS] = "it is not built; `make bench` builds it, or shows why it cannot"
    return away


def tell_left_out() -> None:
    """Print one line for each peer that does not take part."""
    for name, reason in left_out().items():
        print(f"  {name} is left out: {reason}", file=sys.stderr)


def command(name: str, entry: Entry, programs: Programs) -> list[str]:
    """Return the command that runs a contestant other than the worker."""
    if name == QUIX:
        return [str(QUIX_PYTHON), str(PEERS / programs.quix), entry.argument()]
    if name == STREAMS:
        return [*_java(programs.streams), entry.argument(), str(REPOSITORY / "schemas")]
    return [sys.executable, "-m", programs.bare, entry.argument()]


def _java(main_class: str) -> list[str]:
    classes = f"{STREAMS_BUILT / 'classes'}:{STREAMS_BUILT / 'libraries'}/*"
    heap = [f"-Xms{STREAMS_HEAP}", f"-Xmx{STREAMS_HEAP}"]
    log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *heap, log, "-cp", classes, f"penstock.bench.{main_class}"]

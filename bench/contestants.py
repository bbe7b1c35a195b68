"""Who takes part in the pipeline benchmark, and how each is run. A peer takes part where its environment has been made."""

import shutil
import sys

from bench.contest import Entry
from bench.stack import REPOSITORY

PENSTOCK, BARE, QUIX, STREAMS = "penstock worker", "bare loop", "quix streams", "kafka streams"
PEERS = REPOSITORY / "bench" / "peers"
QUIX_PYTHON = REPOSITORY / ".venv-bench" / "bin" / "python"
STREAMS_BUILT = PEERS / "streams" / "target"
STREAMS_HEAP = "512m"
BUILD_TOOLS = ("java", "javac", "mvn")


def contestants() -> list[str]:
    """Return who takes part."""
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


def command(name: str, entry: Entry) -> list[str]:
    """Return what runs a contestant other than the worker."""
    if name == QUIX:
        return [str(QUIX_PYTHON), str(PEERS / "quix.py"), entry.argument()]
    if name == STREAMS:
        return [*_java(), entry.argument(), str(REPOSITORY / "schemas")]
    return [sys.executable, "-m", "bench.bare_loop", entry.argument()]


def _java() -> list[str]:
    classes = f"{STREAMS_BUILT / 'classes'}:{STREAMS_BUILT / 'libraries'}/*"
    heap = [f"-Xms{STREAMS_HEAP}", f"-Xmx{STREAMS_HEAP}"]
    log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *heap, log, "-cp", classes, "penstock.bench.Streams"]

"""Several instances of the ingress that share a port: `penstock ingress --reuse-port`, each with a data directory of its own."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.ports import free_port
from tests.support.processes.ingress import IngressProcess

REUSE_PORT = "--reuse-port"


@contextmanager
def instances(directory: Path, configuration: str, count: int, *arguments: str) -> Iterator[list[IngressProcess]]:
    """Give running instances that end with the block."""
    port = free_port()
    made = [instance(directory / str(number), configuration, port, *arguments) for number in range(count)]
    with ExitStack() as running:
        for each in made:
            each.start()
            running.callback(_stop, each)
        yield made


def instance(directory: Path, configuration: str, port: int, *arguments: str) -> IngressProcess:
    """Return an instance that is not started yet."""
    directory.mkdir(exist_ok=True)
    made = IngressProcess(directory, configuration, REUSE_PORT, *arguments)
    made.port = port
    return made


def metric(process: IngressProcess, name: str, labels: str = "") -> float:
    """Return the sum of a metric's samples whose labels contain a text, as one instance shows it."""
    found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", process.get("/metrics").text, re.MULTILINE)
    return sum(float(value) for shown, value in found if labels in shown)


def _stop(each: IngressProcess) -> None:
    each.child.stop(10)  # which may be another child than at the start

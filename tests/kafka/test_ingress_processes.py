"""Several processes on one port: real `penstock ingress --workers 2`, killed, asked to end, orphaned."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes.ingress import DoorProcess, door
from tests.support.waiting import is_running, until, until_gone

pytestmark = pytest.mark.kafka
TIMEOUT_S = 30.0
CONFIGURATION = """
[kafka]
bootstrap_servers = "{kafka}"
[[sources]]
name = "acme"
provider = "shopify"
secrets = ["text:made-up"]
"""
REFUSED = re.compile(r'penstock_ingress_answers_total\{.*reason="missing_signature".*\} (\S+)')


@pytest.fixture
def crew(kafka: str, tmp_path: Path) -> Iterator[DoorProcess]:
    """Give an ingress of two processes that both serve."""
    with door(tmp_path, CONFIGURATION.format(kafka=kafka), "--workers", "2") as process:
        until(lambda: metric(process, "penstock_ingress_processes") == 2, TIMEOUT_S, "both processes serve")
        yield process


def metric(process: DoorProcess, name: str) -> float:
    """Return one metric without labels, as whichever process answers shows it."""
    return float(re.findall(rf"^{name} (\S+)$", process.get("/metrics").text, re.MULTILINE)[0])


def refused(process: DoorProcess) -> float:
    """Return how many deliveries were refused, as whichever process answers shows it."""
    return sum(map(float, REFUSED.findall(process.get("/metrics").text)))


def test_each_process_has_its_own_spool(crew: DoorProcess, tmp_path: Path) -> None:
    """A spool belongs to port and slot, and the bound of the spool is shared out."""
    names = {path.name for path in (tmp_path / "data" / "spool").glob("*.sqlite")}

    assert names == {f"{crew.port}.sqlite", f"{crew.port}-1.sqlite"}
    assert metric(crew, "penstock_spool_limit_bytes") == 1 << 30
    assert metric(crew, "penstock_ingress_workers") == 2


def test_metrics_are_the_sum_of_all_and_survive_a_death(crew: DoorProcess) -> None:
    """Whichever process is asked shows the posts to all; what a killed one had shown stays counted when it is back."""
    for _ in range(20):
        crew.post("/v1/acme")
    until(lambda: refused(crew) == 20, TIMEOUT_S, "all refusals are counted")
    before = crew.slots()

    os.kill(before[0], signal.SIGKILL)

    until(lambda: len(set(crew.slots()) - set(before)) == 1, TIMEOUT_S, "the killed process was started again")
    until(lambda: metric(crew, "penstock_ingress_processes") == 2, TIMEOUT_S, "both processes serve again")
    assert refused(crew) == 20
    died = next(event for event in crew.events() if event["event"] == "process_died")
    assert (died["signal"], died["starts_again_in_s"]) == ("SIGKILL", 0.1)


def test_sigterm_ends_all(crew: DoorProcess) -> None:
    """The exit code tells that both drained."""
    slots = crew.slots()

    crew.child.terminate()

    assert crew.child.wait(TIMEOUT_S) == 0, crew.log_text()
    assert not any(map(is_running, slots))
    assert sorted(event["slot"] for event in crew.events() if event["event"] == "ingress_stopped") == [0, 1]


def test_ctrl_c_ends_all_in_order(crew: DoorProcess) -> None:
    """Ctrl-C reaches parent and processes at once, and still all drain."""
    os.killpg(crew.child.pid, signal.SIGINT)

    assert crew.child.wait(TIMEOUT_S) == 0, crew.log_text()
    assert sorted(event["slot"] for event in crew.events() if event["event"] == "ingress_stopped") == [0, 1]


def test_killed_parent_leaves_nobody_behind(crew: DoorProcess) -> None:
    """Processes whose parent was killed drain and end, and the next parent gets port and spools."""
    slots = crew.slots()

    os.kill(crew.child.pid, signal.SIGKILL)
    crew.child.wait(TIMEOUT_S)
    crew.start()

    until_gone(slots, TIMEOUT_S)
    until(lambda: metric(crew, "penstock_ingress_processes") == 2, TIMEOUT_S, "the next two serve")


def test_process_that_never_served_ends_all(tmp_path: Path) -> None:
    """A mistake that every start would repeat is said once, and ends with its own exit code."""
    process = DoorProcess(
        tmp_path,
        CONFIGURATION.format(kafka="127.0.0.1:1") + '[kafka.options]\n"linger.ms" = "soon"\n',
        "--workers",
        "2",
    )
    try:
        process.start()

        assert process.child.wait(TIMEOUT_S) == 1
        assert "[kafka.options] are not accepted" in process.log_text()
    finally:
        process.child.stop(10)

"""`penstock spool drain` publishes the deliveries that a removed ingress left in its spool, with a real Kafka."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ingress.delivery.spool_drain import BATCH
from ingress.delivery.spool_file import Row, SpoolFile
from local.guard import spawn
from local.kafka import RunningKafka, start_kafka
from tests.support.builders.deliveries import spooled_headers
from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
TIMEOUT_S = 60.0
DELIVERIES = 40
MANY = 20 * BATCH
CONFIGURATION = """
[kafka]
bootstrap_servers = "{kafka}"
[[sources]]
name = "{source}"
provider = "generic"
verify = "none"
"""


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[RunningKafka]:
    """Give a Kafka that a test may kill; the Kafka that later runs on its directory also ends with the block."""
    running = start_kafka(tmp_path / "kafka")
    yield running
    with suppress(ProcessLookupError):
        running.stop()


def command(directory: Path) -> list[str]:
    """Return the command line."""
    places = ["--data-dir", str(directory / "data"), "--config", str(directory / "penstock.toml")]
    return [sys.executable, "-m", "console.entry", "spool", "drain", *places]


def drained(directory: Path, *options: str) -> tuple[int, str]:
    """Return the exit code and the output of the command."""
    done = subprocess.run(
        [*command(directory), *options], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def post_all(process: IngressProcess) -> list[bytes]:
    """Post deliveries one after the other and return their bodies; each is answered 200."""
    bodies = [b'{"id":"%d"}' % number for number in range(DELIVERIES)]
    assert {process.post("/v1/acme", body).status_code for body in bodies} == {200}
    return bodies


def test_scaled_away_spool_is_published_once(own_kafka: RunningKafka, tmp_path: Path) -> None:
    """Kafka away, deliveries spooled, the ingress killed: all are published; a second run finds nothing to do."""
    kafka, port = own_kafka.bootstrap_servers, int(own_kafka.bootstrap_servers.rpartition(":")[2])
    with running_ingress(tmp_path, CONFIGURATION.format(kafka=kafka, source="acme")) as process:
        process.until_ready()
        own_kafka.child.kill()
        bodies = post_all(process)
        assert drained(tmp_path)[0] == 2, "Kafka is away, and an ingress uses the spool"
        process.child.kill()

    code, said = drained(tmp_path)
    assert (code, "is penstock running" in said) == (2, True), "Kafka is away: nothing is done"
    again = start_kafka(own_kafka.data_dir, port)
    try:
        with RawReader(kafka) as reader:
            code, said = drained(tmp_path)

            assert (code, f"{process.port}.sqlite: {DELIVERIES} deliveries published, nothing left" in said) == (
                0,
                True,
            )
            assert Counter(delivery.body for delivery in reader.deliveries("acme")) == Counter(bodies)
            assert drained(tmp_path)[0] == 0
            code, said = drained(tmp_path, "--json")
            assert json.loads(said) == {
                "file": f"{process.port}.sqlite", "published": 0, "left": 0, "refused": 0, "reason": "", "in_use": False,
            }  # fmt: skip
            assert len(reader.deliveries("acme")) == DELIVERIES
    finally:
        again.stop()


def test_spool_in_use_is_left_alone(kafka: str, tmp_path: Path) -> None:
    """A running ingress publishes its spool by itself; the command says so, with a code of its own."""
    with running_ingress(tmp_path, CONFIGURATION.format(kafka=kafka, source="acme")) as process:
        process.until_ready()

        code, said = drained(tmp_path)

    assert (code, f"{process.port}.sqlite: in use by an ingress" in said) == (2, True)


def test_killed_drain_doubles_one_batch_at_most(kafka: str, tmp_path: Path) -> None:
    """Killed midway and run again: every delivery is there, in order per resource, once repetitions are removed."""
    source = f"drained-{os.getpid()}"
    with running_ingress(tmp_path, CONFIGURATION.format(kafka=kafka, source=source)) as process:
        process.until_ready()  # creates the topic to read
    file = SpoolFile(tmp_path / "data" / "spool" / "left.sqlite")
    headers = spooled_headers("generic", source)
    file.change([Row(seq, b"%d" % (seq % 20), b"%d" % seq, headers, 1000.0) for seq in range(1, MANY + 1)], [])
    file.close()
    with RawReader(kafka) as reader:
        child = spawn(command(tmp_path), log=tmp_path / "log", environment=os.environ)
        until(lambda: len(reader.deliveries(source)) > BATCH, TIMEOUT_S, "it has begun", poll_s=0.001)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(TIMEOUT_S)
        file = SpoolFile(tmp_path / "data" / "spool" / "left.sqlite")
        left = file.depth().deliveries
        file.close()
        assert 0 < left < MANY, "it was killed in the middle"

        code, said = drained(tmp_path)

        assert (code, f"left.sqlite: {left:,} deliveries published, nothing left" in said) == (0, True)
        found = [int(delivery.body) for delivery in reader.deliveries(source)]
    assert set(found) == set(range(1, MANY + 1))
    assert len(found) - MANY <= BATCH
    firsts: dict[int, list[int]] = {}
    for number in dict.fromkeys(found):
        firsts.setdefault(number % 20, []).append(number)
    assert all(numbers == sorted(numbers) for numbers in firsts.values())

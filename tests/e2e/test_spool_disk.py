"""The disk under the spool is nearly full, or fails, while Kafka is away: the ingress says so, and recovers by itself."""

import os
from pathlib import Path

import pytest

from tests.support.faults.narrow_disk import limit_file_size, narrow_disk
from tests.support.processes.ingress import KAFKA_AWAY, IngressProcess, running_ingress
from tests.support.waiting import until

DISK_BYTES, LEFT_BYTES = 400_000_000, 100_000_000  # the spool requires 200 MB of free space
FILE_BYTES = 64 * 1024  # an empty spool fits, a large delivery does not
TIMEOUT_S = 30.0


def post(process: IngressProcess, body_bytes: int = 10) -> tuple[int, str]:
    """Return status and error of the answer to a delivery."""
    answer = process.post("/v1/acme", b'{"id":1,"text":"%b"}' % (b"x" * body_bytes))
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["error"]


def wait_for_state(process: IngressProcess, state: str) -> None:
    """Return once /readyz says so."""
    until(lambda: process.get("/readyz").json() == {"status": state}, TIMEOUT_S, f"/readyz says {state}")


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can mount a small disk; tests/unit/ingress/delivery/test_spool.py needs none"
)
def test_short_disk_is_used_again_without_kafka_and_restart(tmp_path: Path) -> None:
    """Short at the start or later: 503 spool_full, and /readyz says so; with space again 200, and /readyz is ready."""
    with narrow_disk(tmp_path / "data", DISK_BYTES, LEFT_BYTES) as disk:
        disk.fill(0)
        with running_ingress(tmp_path, KAFKA_AWAY) as process:
            assert post(process) == (503, "spool_full")
            assert process.get("/readyz").json() == {"status": "spool_full"}

            disk.make_room()
            wait_for_state(process, "ready")
            assert post(process) == (200, "")

            disk.fill(0)
            wait_for_state(process, "spool_full")
            assert post(process) == (503, "spool_full")

            disk.make_room()
            wait_for_state(process, "ready")
            assert post(process) == (200, "")


def test_failing_disk_is_used_again_without_a_delivery_that_tries(tmp_path: Path) -> None:
    """A failed write: 503 spool_failed, and /readyz keeps balancers away; it recovers without a delivery."""
    with running_ingress(tmp_path, KAFKA_AWAY) as process:
        assert post(process) == (200, "")
        limit_file_size(process.child.pid, FILE_BYTES)
        assert post(process, 4 * FILE_BYTES) == (503, "spool_failed")
        wait_for_state(process, "spool_failed")

        limit_file_size(process.child.pid)

        wait_for_state(process, "ready")
        assert post(process, 4 * FILE_BYTES) == (200, "")

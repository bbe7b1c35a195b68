"""A real worker's log: one JSON object a line, in every case. Kafka is away."""

import json
import os
import sys
from pathlib import Path

from local.guard import spawn
from tests.support.processes.ingress import KAFKA_AWAY
from tests.support.waiting import until

TIMEOUT_S = 60.0


def test_log_is_json_from_the_first_byte(tmp_path: Path) -> None:
    """No cursor codes or banner from Faust, no plain lines from librdkafka, and only the owner can read its files."""
    configuration, log, data_dir = tmp_path / "penstock.toml", tmp_path / "worker.log", tmp_path / "data"
    configuration.write_text(KAFKA_AWAY)
    command = [str(Path(sys.executable).parent / "penstock"), "worker", "--data-dir", str(data_dir)]
    command += ["--operations-port", "0"]
    worker = spawn([*command, "--config", str(configuration)], log=log, environment=os.environ)
    try:
        until(lambda: log.read_bytes().count(b"not_connected") > 1, TIMEOUT_S, "it has tried twice to reach Kafka")
    finally:
        worker.kill()

    events = [json.loads(line) for line in log.read_bytes().decode().splitlines()]
    assert {"event", "level", "timestamp"} <= set.intersection(*(set(event) for event in events))
    modes = [path.stat().st_mode & 0o777 for path in (data_dir, *data_dir.rglob("*"))]
    assert {mode & 0o077 for mode in modes} == {0}

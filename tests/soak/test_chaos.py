"""Five minutes of faults on three brokers and three workers; PENSTOCK_CHAOS_SECONDS and PENSTOCK_CHAOS_SEED vary them."""

import os
from pathlib import Path

import pytest

from tests.support.faults.chaos import seed_of_run
from tests.support.faults.outage import assert_outlasted
from tests.support.faults.storm import weather
from tests.support.kafka.cluster import Cluster

pytestmark = [pytest.mark.soak, pytest.mark.kafka, pytest.mark.timeout(3600)]
SECONDS = float(os.environ.get("PENSTOCK_CHAOS_SECONDS", "300"))
PER_S = 300


def test_minutes_of_faults_lose_nothing_double_nothing_keep_order(
    cluster: Cluster, registry: str, tmp_path: Path
) -> None:
    """Killed, paused, added and removed workers, killed and paused brokers, broken links: every 200 has one outcome."""
    weather(cluster, registry, tmp_path, seed_of_run(), seconds=SECONDS, per_s=PER_S)


def test_idle_worker_outlasts_a_minute_without_kafka(cluster: Cluster, registry: str, tmp_path: Path) -> None:
    """All brokers unreachable for 60 s: the idle worker continues afterwards, it does not end."""
    assert_outlasted(cluster, registry, tmp_path, away_s=60, fed_s=1)

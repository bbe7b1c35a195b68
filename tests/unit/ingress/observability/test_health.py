"""/readyz reflects the known state of Kafka."""

import json

from ingress.delivery.spool import NotSpooled
from ingress.observability.health import WARM_UP_S, Health
from ingress.settings import Settings


def test_a_fresh_process_is_warming_up() -> None:
    """Before Kafka has answered and given a producer id, nothing is ready."""
    assert Health(Settings({})).state() == "warming_up"


def test_statistics_are_read_whatever_they_say() -> None:
    """librdkafka's statistics, with and without the part about idempotence, do not make the process ready on their own."""
    health = Health(Settings({}))

    health.notice(json.dumps({"name": "x", "brokers": {}}))
    health.notice(json.dumps({"eos": {"idemp_state": "Assigned", "producer_id": 7}}))

    assert health.state() == "warming_up"


def test_usable_spool_makes_ready_without_kafka() -> None:
    """Started while Kafka is away, a process is ready after ten seconds, as long as the spool is usable."""
    now, spool = [0.0], list[NotSpooled | None]([None])
    health = Health(Settings({}), lambda: now[0], lambda: spool[0])
    assert health.state() == "warming_up"

    now[0] = WARM_UP_S + 1
    assert health.state() == "ready"

    spool[0] = NotSpooled("spool_full", "")
    assert health.state() == "spool_full"

    spool[0] = None
    assert health.state() == "ready"


def test_refused_deliveries_count_for_more_than_kafkas_answers() -> None:
    """While the spool refuses deliveries that Kafka does not acknowledge, the process is not ready; afterwards it is."""
    refused = list[NotSpooled | None]([NotSpooled("spool_failed", "")])
    health = Health(Settings({}), lambda: WARM_UP_S + 1, lambda: None, lambda: refused[0])
    assert health.state() == "spool_failed"

    refused[0] = None
    assert health.state() == "warming_up"

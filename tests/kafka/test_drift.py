"""Fields that leave their columns, from a delivery to the log, the metric and `penstock schema drift`."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.records import RawDelivery
from tests.support.builders.deliveries import START
from tests.support.builders.noisy_products import feed
from tests.support.processes.shop import opened
from tests.support.processes.workers import wait_until

pytestmark = pytest.mark.kafka
PRODUCT = {"id": 7, "title": "Lamp", "vendor": "Nike"}
FIELDS: list[dict[str, Any]] = [
    {},
    {"colour": "red"},
    {"colour": "red", "title": 5},
    {"colour": "blue", "title": "Lamp", "vendor": ...},
]
DRIFTED = [("new", "colour", "d-1"), ("retyped", "title", "d-2"), ("vanished", "vendor", "d-3")]


def delivery(source: str, number: int) -> RawDelivery:
    """Return a delivery of one product, the tables' columns and what leaves them."""
    fields = {**PRODUCT, **FIELDS[number], "updated_at": (START + timedelta(seconds=number)).isoformat()}
    body = msgspec.json.encode({name: value for name, value in fields.items() if value is not ...})
    headers = {"x-shopify-topic": "products/update"}
    return RawDelivery(
        f"d-{number}",
        "shopify",
        source,
        "products/update",
        START + timedelta(seconds=number),
        f"shopify|{source}||product|7",
        body,
        api_version="2026-07",
        headers=headers,
    )


def test_drift_is_logged_counted_and_listed(kafka: str, registry: str, tmp_path: Path) -> None:
    """Each field once, with the delivery that showed it first; a restart does not tell it again."""
    with opened(kafka, registry, tmp_path) as (source, _, outcomes, workers):
        sent = feed(kafka, (delivery(source, number) for number in range(3)))
        workers.start(0)
        wait_until(lambda: outcomes() >= sent, "an outcome for each")
        metrics = workers.get(0, "/metrics").text
        assert workers.children[0].stop(20) == 0
        sent += feed(kafka, iter([delivery(source, 3)]))
        workers.start(0)
        wait_until(lambda: outcomes() >= sent, "an outcome for each")
        later = workers.get(0, "/metrics").text
        log = workers.log(0).read_text()

        command = [str(Path(sys.executable).parent / "penstock"), "schema", "drift", "--source", source]
        environment = {**os.environ, "PENSTOCK_CONFIG": str(workers.configuration)}
        shown, listed = (
            subprocess.run([*command, *form], env=environment, capture_output=True, text=True, check=True).stdout
            for form in ((), ("--json",))
        )

    counted = [
        f'penstock_schema_drift_total{{kind="{kind}",resource="product",source="{source}"}} 1.0'
        for kind in ("new", "retyped", "vanished")
    ]
    assert [line in metrics for line in counted] == [True, True, False]
    assert [line in later for line in counted] == [False, False, True]
    found = [json.loads(line) for line in listed.splitlines()]
    assert [(row["kind"], row["field"], row["delivery_id"]) for row in found] == DRIFTED
    assert {(row["source"], row["resource"], row["api_version"]) for row in found} == {(source, "product", "2026-07")}
    assert found[0]["resource_key"] == f"shopify|{source}||product|7"
    assert f"{source}  product  2026-07  new       colour  since 2026-01-31 12:00:01 UTC, delivery d-1" in shown
    assert log.count('"event": "schema_drift"') == len(DRIFTED)

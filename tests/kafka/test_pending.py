"""What people see of deliveries that wait, and do about them, with a real worker and a fake BigCommerce."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from broker import topic_reader
from schemas.fetches import decode_request
from schemas.topics import DELAYS_S, delay_topic, fetches_topic, standings_topic
from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.serving import serving
from tests.support.builders.noisy_products import ensure_raw, feed
from tests.support.builders.store_callbacks import callbacks
from tests.support.oracle.ledger import OutcomeCount
from tests.support.processes.workers import Workers, running, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]
STORE, TOKEN = "s1abc", "token-of-the-store"
OPENED = datetime.now(UTC)


class Shop:
    """A source with a worker, the fake that it reads, and the command line beside them."""

    def __init__(
        self, fake: FakeBigCommerce, workers: Workers, kafka: str, source: str, outcomes: OutcomeCount
    ) -> None:
        self.fake = fake
        self.workers = workers
        self.kafka = kafka
        self.source = source
        self.app = source
        self.outcomes = outcomes
        self._posted = 0

    def call(self, *numbers: int) -> list[str]:
        """Change products, and let the callback of each wait or be read; return their delivery ids."""
        notices = [
            notice
            for number in numbers
            for notice in self.fake.put(STORE, "product", product(number, self.fake.clock.now()))[:1]
        ]
        deliveries = [
            replace(one, delivery_id=f"{self.source}-{self._posted + index}")
            for index, one in enumerate(callbacks(self.source, notices))
        ]
        self._posted += feed(self.kafka, iter(deliveries))
        return [one.delivery_id for one in deliveries]

    def penstock(self, *arguments: str, code: int = 0) -> str:
        """Return a command's output and check its exit code."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "penstock"), *arguments],
            env=os.environ | {"PENSTOCK_CONFIG": str(self.workers.configuration)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Return a command's records."""
        return [json.loads(line) for line in self.penstock(*arguments, "--json", code=code).splitlines()]

    def waiting(self) -> dict[str, dict[str, Any]]:
        """Return what waits, by resource id."""
        return {one["resource_id"]: one for one in self.json("pending", "list", "--source", self.source)}


@pytest.fixture
def shop(kafka: str, registry: str, tmp_path: Path) -> Iterator[Shop]:
    """Give a shop whose provider is away from the start."""
    source = f"pending-{uuid.uuid4().hex[:8]}"
    fake = FakeBigCommerce(Clock(OPENED, speed=1.0))
    fake.add_store(STORE, TOKEN)
    fake.faults.outage()
    ensure_raw(kafka, source)
    with serving(bigcommerce_app(fake), fake.faults) as server:
        text = f"""
[kafka]
bootstrap_servers = "{kafka}"
[registry]
url = "{registry}"
[worker]
app = "{source}"
[[sources]]
name = "{source}"
provider = "bigcommerce"
secrets = ["text:made-up"]
api_tokens = {{ {STORE} = "text:{TOKEN}" }}
api_url = "{server.url}"
"""
        with running(tmp_path, text) as workers, closing(OutcomeCount(kafka, registry, source)) as outcomes:
            workers.start(0)
            yield Shop(fake, workers, kafka, source, outcomes)


def test_waiting_deliveries_are_seen_hastened_and_given_up(shop: Shop) -> None:
    """From an outage to its end: what waits is listed with its tries, read at once, or ended by a person."""
    one, _, three = shop.call(7, 8, 9)
    wait_until(lambda: {n["tries"] >= 2 for n in shop.waiting().values()} == {True}, "two reads failed", 200)
    assert_listed(shop, one)
    assert_given_up(shop, three)

    shop.penstock("pending", "now", one, "--wait", "5", code=1)  # the provider is still away
    shop.fake.faults.outage(None)
    assert "what waited has ended" in shop.penstock("pending", "now", "--source", shop.source, "--yes", "--wait", "100")
    assert shop.waiting() == {}
    assert_story(shop, one)
    assert_one_partition(shop)

    shop.json("dead", "retry", three, "--wait", "0")
    wait_until(lambda: shop.json("explain", three)[-1]["outcome"] is not None, "it is read again", 100)
    # The request of what was given up is still read once; where that came first, there is nothing new.
    assert shop.json("explain", three)[-1]["outcome"]["reason"] in {"created", "no_difference"}


def assert_listed(shop: Shop, delivery_id: str) -> None:
    """Three products wait, with what was tried; `explain` says so of a delivery."""
    listed = shop.waiting()
    assert set(listed) == {"7", "8", "9"}
    assert listed["7"]["deliveries"] == 1
    assert "503" in listed["7"]["why"]
    assert listed["7"]["next_try"] is not None
    text = shop.penstock("pending", "list", "--source", shop.source, "--limit", "2")
    assert "… and 1 more resources" in text
    assert "3  deliveries wait for 3 resources" in text
    (held,) = shop.json("explain", delivery_id)
    assert (held["outcome"], held["waits"]["resource_key"]) == (None, listed["7"]["resource_key"])
    assert "waits     since" in shop.penstock("explain", delivery_id)


def assert_given_up(shop: Shop, delivery_id: str) -> None:
    """It ends as a dead letter that says who, when and why."""
    given_up = shop.penstock("pending", "give-up", delivery_id, "--because", "not sold any more", "--by", "ann")
    assert "1  resources: what waited has ended" in given_up
    (dead,) = shop.json("dead", "list", "--source", shop.source)
    assert (dead["delivery_id"], dead["reason"]) == (delivery_id, "not_read")
    (ended,) = shop.json("explain", delivery_id)
    assert ended["outcome"]["detail"].startswith("given up by ann at 20")
    assert ended["outcome"]["detail"].endswith(": not sold any more")


def assert_story(shop: Shop, delivery_id: str) -> None:
    """`explain` shows both sides: the delivery with the read that answered it, and the read with what it answered."""
    (story,) = shop.json("explain", delivery_id)
    assert (story["outcome"]["outcome"], story["outcome"]["reason"]) == ("changed", "created")
    read_id = story["read"]["outcome"]["delivery_id"]
    assert story["outcome"]["cause"] == read_id
    assert {one["change"]["event_id"] for one in story["changes"]} == set(story["read"]["outcome"]["event_ids"])
    assert f"read by   {read_id}: changed (created)" in shop.penstock("explain", delivery_id)

    (read,) = shop.json("explain", read_id)
    assert [answer["delivery_id"] for answer in read["answers"]] == [delivery_id]
    shown = shop.penstock("explain", read_id)
    assert f"answers   {delivery_id}: changed (created)" in shown
    assert "brought   found product" in shown


def assert_one_partition(shop: Shop) -> None:
    """An account's requests, from worker and command line, are on one partition, so that one worker counts its quota."""
    topics = [fetches_topic(shop.app), *(delay_topic(shop.app, delay) for delay in DELAYS_S)]
    with topic_reader.consumer({"bootstrap.servers": shop.kafka}) as reader:
        assert len(topic_reader.ranges(reader, standings_topic(shop.app))) > 1
        messages = [
            message for topic in topics for message in topic_reader.read(reader, topic_reader.ranges(reader, topic))
        ]
    assert {message.partition() for message in messages} == {messages[0].partition()}
    assert any(decode_request(message.value() or b"").is_urgent for message in messages)
    assert len(messages) > 3


def test_nothing_selected_is_said(shop: Shop) -> None:
    """Nothing is given up by mistake: a selection is needed, and one that selects nothing fails."""
    shop.penstock("pending", "now", code=2)
    shop.penstock("pending", "give-up", "--because", "x", code=2)
    shop.penstock("pending", "now", "absent", code=1)
    assert shop.json("pending", "list", "--source", shop.source) == []

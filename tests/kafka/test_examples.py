"""The example consumers in docs/examples do what docs/data-teams.md says, on a real Kafka with a real worker."""

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from confluent_kafka import IsolationLevel, Message

from local.guard import Child
from tests.support.builders.collections import collections, titles
from tests.support.builders.noisy_products import feed
from tests.support.kafka.half_visible import HalfVisible, Name
from tests.support.oracle.ledger import Ledger, grouped
from tests.support.processes import shop
from tests.support.processes.examples import faust_command, java_command, loaded, python_command, start
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
COLLECTIONS = 100
GROWN = 1_500  # while the mirror is killed
TOPIC, RESOURCE = "changes.shopify.collection", "shopify.collection"
TIMEOUT_S = 120.0
KILLS = 6
PRINTED = re.compile(r"([0-9a-f-]{36}) ([cudr]) (\S+)")


@dataclass(frozen=True)
class Services:
    """A Kafka and a registry with a worker that decides the deliveries of one source."""

    kafka: str
    registry: str
    shop: shop.Shop

    def feed(self, first: int, count: int, per_s: int | None = None) -> int:
        """Publish the deliveries of some collections; return their number."""
        return feed(self.kafka, collections(self.shop.source, first, count), per_s)

    def start(self, command: list[str], log: Path, **environment: str) -> Child:
        """Start an example."""
        return start(command, self.kafka, self.registry, log, environment)


@pytest.fixture(scope="module")
def services(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Give a worker that has decided the first collections."""
    with shop.opened(kafka, registry, tmp_path_factory.mktemp("examples")) as opened:
        opened.workers.start(0)
        found = Services(kafka, registry, opened)
        sent = found.feed(0, COLLECTIONS)
        until(lambda: opened.outcomes() >= sent, TIMEOUT_S, "every outcome of the first collections")
        yield found


@pytest.mark.parametrize(
    "command",
    [
        lambda _folder: python_command("changes.py", TOPIC),
        lambda folder: faust_command("faust_changes", folder),
        lambda _folder: java_command("Changes.java", TOPIC),
    ],
    ids=["confluent-kafka", "faust", "java"],
)
def test_consumer_prints_every_change_once(
    services: Services, command: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    """Each change of the source that a read_committed consumer sees, in the order of its resource, with its operation."""
    log, source = tmp_path / "example.log", services.shop.source
    changes = Ledger.read(services.kafka, services.registry, source).changes
    known = {change["event_id"] for change in changes}

    def printed() -> list[tuple[str, str, str]]:
        return [found for found in PRINTED.findall(log.read_text()) if found[0] in known]

    example = services.start(command(tmp_path), log, GROUP=f"example-{uuid.uuid4().hex[:8]}", TOPIC=TOPIC)
    try:
        until(lambda: len(printed()) >= len(known) or example.exit_code() is not None, TIMEOUT_S, "all changes")
        assert example.exit_code() is None, log.read_text()
    finally:
        example.stop(10)

    assert grouped((resource_id, f"{event_id} {op}") for event_id, op, resource_id in printed()) == grouped(
        (change["resource_id"], f"{change['event_id']} {change['op']}") for change in changes
    )


def test_mirror_loses_and_repeats_nothing_when_killed(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Collections are created, renamed and deleted while it bootstraps, is killed there and later, and starts again."""
    file, log, source = tmp_path / "collection.duckdb", tmp_path / "mirror.log", services.shop.source
    command = python_command("mirror.py", RESOURCE, str(file))
    monkeypatch.setenv("KAFKA", services.kafka)
    decided = services.shop.outcomes()
    sent: list[int] = []
    traffic = threading.Thread(target=lambda: sent.append(services.feed(COLLECTIONS, GROWN, per_s=150)))
    traffic.start()

    for number in range(KILLS):
        mirror = services.start(command, log)
        if number == 0:  # killed as soon as it has its tables, mostly before it has bootstrapped
            until(file.exists, TIMEOUT_S, "a database")
        else:
            _await_line(mirror, log)
        mirror.kill()
    traffic.join(TIMEOUT_S)
    until(lambda: services.shop.outcomes() >= decided + sent[0], TIMEOUT_S, "every outcome")
    with closing(loaded("mirror.py").Mirror(RESOURCE, ":memory:")) as reader:
        end = sum(reader.ends(TOPIC, IsolationLevel.READ_COMMITTED).values())
    mirror = services.start(command, log)
    try:
        until(lambda: f", at {end}\n" in log.read_text() or mirror.exit_code() is not None, TIMEOUT_S, f"offset {end}")
    finally:
        mirror.stop(10)

    assert rows(file, source) == titles(source, COLLECTIONS + GROWN), log.read_text()


@pytest.mark.parametrize("later", ["state", "change"])
def test_bootstrap_waits_for_what_is_not_decided(
    kafka: str, registry: str, later: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that ends while `state.*` is read is missed neither if its state is hidden nor if its change is."""
    monkeypatch.setenv("KAFKA", kafka)
    monkeypatch.setenv("REGISTRY", registry)
    topics = HalfVisible(kafka, registry, f"generic.{uuid.uuid4().hex[:8]}")
    example = loaded("mirror.py")

    class Interrupted(example.Mirror):  # type: ignore[name-defined,misc]  # loaded from a file
        """Ends the transaction as soon as it has found an end of `state.*`."""

        def apply(self, messages: list[Message]) -> Any:
            if any(example.is_end(message) and message.topic() == self.state for message in messages):
                topics.end()
            return super().apply(messages)

    topics.begin(later)
    with closing(Interrupted(topics.resource, ":memory:")) as mirror:
        mirror.bootstrap()

        assert mirror.database.execute("SELECT document->>'title' FROM resource").fetchall() == [("right",)]


def _await_line(mirror: Child, log: Path) -> None:
    """Wait until a mirror has committed something since it was started."""
    before = log.read_text().count("\n")
    until(lambda: log.read_text().count("\n") > before or mirror.exit_code() is not None, TIMEOUT_S, "a commit")
    assert mirror.exit_code() is None, log.read_text()


def rows(file: Path, source: str) -> dict[str, str]:
    """Return the titles in the table of a mirror that has ended."""
    select = "SELECT resource_key, document->>'title' FROM resource WHERE resource_key LIKE ?"
    with duckdb.connect(file, read_only=True) as database:
        found = database.execute(select, [f"shopify|{source}|%"]).fetchall()
    assert len(found) == len(dict(found)), "a row is doubled"
    return dict(found)

"""A storm over a source whose deliveries have to be read: failures, outages, a refused token, killed workers; then the sums."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from starlette.types import ASGIApp

from broker import topic_reader
from broker.schema_registry import Registry
from local.screen import say
from schemas import codec
from schemas.records import Document, RawDelivery
from schemas.topics import state_topic
from simulator.providers.faults import Faults
from simulator.providers.serving import serving
from tests.support.builders.noisy_products import feed
from tests.support.oracle.endings import Endings
from tests.support.processes.reading_store import Store, assert_adds_up, reading
from tests.support.processes.workers import Workers, wait_until

LONGEST_OUTAGE_S = 5.0
ANSWERED_S = 300.0

Shown = Any
"""What is compared of a document."""


class Storm(Struct, frozen=True):
    """How much of it: deliveries in all, resources, how long they come, and how often a worker is killed."""

    deliveries: int
    resources: int
    seconds: float
    kills: int


class Scene(Protocol):
    """A fake provider, and what happens there."""

    provider: str
    lines: str
    """Of the source in `penstock.toml`, without its address."""
    types: Sequence[str]
    """The resource types that are compared."""
    app: ASGIApp
    faults: Faults

    def happenings(self, source: str, storm: Storm, rng: random.Random) -> Iterator[RawDelivery]:
        """Yield the deliveries of what happens."""

    def shown(self, resource_type: str, document: Document) -> Shown:
        """Return what is compared of a document."""

    def truth(self, source: str) -> Mapping[str, Shown]:
        """Return what the provider has in the end, by resource key."""

    def refused(self) -> int:
        """Return how many requests the provider refused because the quota was used up."""

    def requests(self) -> int:
        """Return how many requests were made."""


def weather(storm: Storm, scene: Scene, kafka: str, registry: str, directory: Path) -> None:
    """Let it pass, and compare what consumers have with what the provider has."""
    scene.faults.shares({"error": 0.04, "reset": 0.01})
    with (
        serving(scene.app, scene.faults) as server,
        reading(directory, kafka, registry, scene.lines, server.url) as store,
    ):
        for slot in range(2):
            store.workers.start(slot)
        endings = Endings(kafka, registry, store.source, store.app)
        with endings.watched():
            count = _pass(storm, scene, store, kafka)
            wait_until(store.answered(), "every delivery answered", ANSWERED_S)
        ledger = store.ledger()

    assert_adds_up(ledger)
    ends = Counter((outcome["origin"], outcome["outcome"]) for outcome in ledger.outcomes)
    say(
        f"{scene.provider}: {count} deliveries, {scene.requests()} requests ({scene.requests() / count:.3f} each), "
        f"{dict(ends)}; looked {endings.looks} times, {endings.most_waiting} waited at most"
    )
    assert ends["webhook", "dead"] == 0
    assert sum(number for (origin, _), number in ends.items() if origin == "webhook") == count
    assert scene.refused() == 0, "the quota was exceeded"
    assert endings.looks > 0
    assert (endings.in_neither, endings.in_both) == (set(), set()), "a delivery had neither ended nor waited, or both"
    assert _states(scene, kafka, registry, store.source) == dict(scene.truth(store.source))
    _assert_in_order(scene, ledger.changes)


def _pass(storm: Storm, scene: Scene, store: Store, kafka: str) -> int:
    """Let everything happen and everything go wrong; return the number of deliveries."""
    rng, stopping = random.Random(7), threading.Event()  # noqa: S311 - reproducible
    with ThreadPoolExecutor(1) as thread:
        troubles = thread.submit(_trouble, storm, scene.faults, store.workers, stopping)
        rate = round(storm.deliveries / storm.seconds)
        count = feed(kafka, scene.happenings(store.source, storm, rng), rate)
        stopping.set()
        troubles.result()
    scene.faults.heal()
    return count


def _trouble(storm: Storm, faults: Faults, workers: Workers, stopping: threading.Event) -> None:
    """Kill workers, end the provider twice and the token once, one after the other."""
    pause_s = storm.seconds / (storm.kills + 4)
    for turn in range(storm.kills):
        stopping.wait(pause_s)
        workers.kill(turn % 2)
        time.sleep(1.0)  # how long it is away is part of the storm, not a wait for anything
        workers.restart_the_dead()
    for _ in range(2):
        faults.outage()
        stopping.wait(min(pause_s, LONGEST_OUTAGE_S))
        faults.outage(None)
        stopping.wait(1.0)
    faults.has_expired_token = True
    stopping.wait(1.0)
    faults.has_expired_token = False


def _states(scene: Scene, kafka: str, registry: str, source: str) -> dict[str, Shown]:
    """Return what consumers have, by resource key."""
    mark, found = f"|{source}|".encode(), dict[str, Shown]()
    with closing(Registry(registry)) as schemas, topic_reader.consumer({"bootstrap.servers": kafka}) as reader:
        for resource_type in scene.types:
            topic = state_topic(scene.provider, resource_type, frozenset(scene.types))
            for message in topic_reader.read(reader, topic_reader.ranges(reader, topic)):
                key, value = message.key() or b"", message.value()
                if mark not in key:
                    continue
                if value is None:
                    found.pop(key.decode(), None)
                else:
                    document = msgspec.json.decode(schemas.decode(value)["document"])
                    found[key.decode()] = scene.shown(resource_type, document)
    return found


def _assert_in_order(scene: Scene, changes: list[dict[str, Any]]) -> None:
    """Each change begins where the one before ended."""
    last: dict[str, Shown] = {}
    for change in changes:
        if change["resource_type"] in scene.types:
            key = change["resource_key"]
            assert _of(scene, change, "before") == last.get(key), (key, change["op"])
            last[key] = _of(scene, change, "after")


def _of(scene: Scene, change: dict[str, Any], name: str) -> Shown:
    text = change[name]
    return None if text is None else scene.shown(change["resource_type"], codec.document(text.encode()))

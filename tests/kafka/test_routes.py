"""Routes with a real worker: passthrough, lanes and state, each exactly once although the worker is killed."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message
from msgspec import Struct

from broker.schema_registry import Registry
from config import loading
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import RAW
from streams.worker.settings import compiled_routes
from tests.support.builders.noisy_products import ensure_raw, feed, noisy_products
from tests.support.oracle.ledger import (
    Ledger,
    OutcomeCount,
    Recomputation,
    assert_adds_up,
    committed,
    raw_delivery,
    recompute,
)
from tests.support.processes.workers import configured, running, wait_until

pytestmark = pytest.mark.kafka
DELIVERIES, RESOURCES = 3_000, 300
VENDORS = ("Nike", "Puma", "Other")  # high, low, nowhere
LANES = [f"changes.shopify.product{end}" for end in (".high", "", ".low")]
COMMAND_TIMEOUT_S = 60
ROOT = Path(__file__).parents[2]


class Run(Struct):
    """A worker's output for a noisy shop, beside the expected one."""

    configuration: Path
    source: str
    copies: str
    ledger: Ledger
    expected: Recomputation


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, kafka: str, registry: str) -> Iterator[Run]:
    """Run a worker over a noisy shop, kill it midway, and give the books."""
    unique = uuid.uuid4().hex[:8]
    source, copies, directory = f"shop-{unique}", f"copies-{unique}", tmp_path_factory.mktemp("routes")
    text = configured(kafka, registry, source, f"routes-{unique}") + _routes(copies)
    ensure_raw(kafka, f"routes-{unique}")
    outcomes = OutcomeCount(kafka, registry, source)
    with closing(outcomes), running(directory, text) as workers:
        assert feed(kafka, _noisy_vendors(source)) == DELIVERIES
        workers.start(0)
        wait_until(lambda: outcomes() >= DELIVERIES // 3, "a third of the outcomes")
        workers.kill(0)
        workers.restart_the_dead()
        wait_until(lambda: outcomes() >= DELIVERIES, f"{DELIVERIES} outcomes", 120)
        ledger = Ledger.read(kafka, registry, source)
        routes = compiled_routes(loading.load(workers.configuration, {}))
        yield Run(workers.configuration, source, copies, ledger, recompute(ledger.raw, routes))


def _routes(copies: str) -> str:
    return f"""
[[routes]]
name = "urgent"
resource = "product"
filter = "vendor:Nike"
priority = "high"
[[routes]]
name = "later"
resource = "product"
filter = "vendor:Puma"
priority = "low"
[[routes]]
name = "new-pumas"
resource = "product"
filter = "vendor:Puma"
event_type = "products/*"
operations = ["c"]
[[routes]]
name = "copies"
mode = "raw"
event_type = "products/*"
topic = "{copies}"
"""


def _noisy_vendors(source: str) -> Iterator[RawDelivery]:
    """Yield noisy deliveries of products that keep their vendor, every fiftieth unreadable."""
    for number, shown in enumerate(noisy_products(source, DELIVERIES, RESOURCES)):
        document = codec.document(shown.body)
        if "vendor" in document:
            document["vendor"] = VENDORS[document["id"] % len(VENDORS)]
        body = b"{" if number % 50 == 0 else codec.document_json(document)
        yield msgspec.structs.replace(shown, body=body)


def test_books_balance_with_every_kind_of_route(run: Run) -> None:
    """Passthrough records and states come in addition to the outcomes; the order of a resource holds within each lane."""
    lanes: dict[tuple[str, bool], list[int]] = {}  # a Puma's creations take another lane than its other changes
    for change in run.ledger.changes:
        lanes.setdefault((change["resource_key"], change["op"] == "c"), []).append(change["source"]["offset"])
    assert all(offsets == sorted(offsets) for offsets in lanes.values())

    decided = sorted(run.ledger.changes, key=lambda change: (change["source"]["partition"], change["source"]["offset"]))
    assert_adds_up(msgspec.structs.replace(run.ledger, changes=decided), run.expected)
    assert set(run.ledger.by_outcome()) == {"changed", "duplicate", "stale", "unchanged", "filtered", "dead"}
    assert run.ledger.by_outcome().total() == DELIVERIES


def test_raw_route_gets_every_record_of_the_raw_topic_once_as_it_was(run: Run, kafka: str) -> None:
    """Dead, duplicate and stale ones too: key, body, headers, and the order of each resource."""
    received = [m for m in committed(kafka, RAW) if raw_delivery(m).source == run.source]
    copied = list(committed(kafka, run.copies))

    missing = Counter(map(content, received)) - Counter(map(content, copied))
    assert not missing, f"at a second look there are {len(list(committed(kafka, run.copies)))} of {len(received)}"
    assert len(copied) == len(received) == DELIVERIES
    assert by_key(copied) == by_key(received)
    assert {o["detail"].rpartition("; ")[2] for o in run.ledger.outcomes} == {f"copied as received to {run.copies}"}


def content(message: Message) -> tuple[Any, ...]:
    """Return all contents of a record."""
    headers: Any = message.headers()
    return message.key(), message.value(), tuple(sorted(headers))


def by_key(messages: list[Message]) -> dict[Any, list[Any]]:
    """Return the bodies of each key in order."""
    found: dict[Any, list[Any]] = {}
    for message in messages:
        found.setdefault(message.key(), []).append(message.value())
    return found


def test_state_is_the_stored_document_of_every_resource_routed_or_not(run: Run, kafka: str, registry: str) -> None:
    """Also of resources whose changes no route takes; only the update time may be older."""
    mark = f"|{run.source}|".encode()
    newest = {m.key(): m.value() for m in committed(kafka, "state.shopify.product") if mark in (m.key() or b"")}
    with closing(Registry(registry)) as schemas:
        shown = {key: value and _timeless(schemas.decode(value)["document"].encode()) for key, value in newest.items()}

    stored = {key: codec.decode_latest(row).document for key, row in run.expected.latest.items()}
    assert shown == {key: text and _timeless(text) for key, text in stored.items()}
    assert {document["vendor"] for document in shown.values() if document} == set(VENDORS)
    assert None in shown.values(), "the noise must contain deletions"


def _timeless(text: bytes) -> dict[str, Any]:
    return {name: value for name, value in codec.document(text).items() if name != "updated_at"}


def test_each_change_is_on_one_lane(run: Run, kafka: str, registry: str) -> None:
    """High for Nike, low for Puma, except that a Puma's creation takes the higher lane of its two routes."""
    vendors = {(lane, change_vendor(change), change["op"] == "c") for lane, change in on_lanes(run, kafka, registry)}

    assert {found for found in vendors if found[1]} == {
        (LANES[0], "Nike", True), (LANES[0], "Nike", False), (LANES[1], "Puma", True), (LANES[2], "Puma", False),
    }  # fmt: skip
    assert {lane for lane, vendor, _ in vendors if not vendor} <= {LANES[0]}, "unseen deletions pass every filter"
    events = Counter(change["event_id"] for _, change in on_lanes(run, kafka, registry))
    assert set(events.values()) == {1}


def test_tail_reads_the_lanes_in_the_order_of_their_priority(run: Run, kafka: str, registry: str) -> None:
    """All of high, then all of default, then low, though they were written side by side."""
    lanes = {change["event_id"]: lane for lane, change in on_lanes(run, kafka, registry)}

    printed = penstock(run, "tail", "--from-beginning", "--source", run.source, "--json", "--max", str(len(lanes)))

    order = [LANES.index(lanes[json.loads(line)["event_id"]]) for line in printed.splitlines()]
    assert len(order) == len(lanes)
    assert order == sorted(order)


def test_documented_recipe_reads_every_change_of_all_lanes(run: Run, kafka: str, registry: str, tmp_path: Path) -> None:
    """The code in docs/routes.md, verbatim except for addresses and names."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "routes.md").read_text(), re.DOTALL)
    for documented, ours in (("127.0.0.1:9092", kafka), ("changes.shopify.order", LANES[1]), ("orders.", run.source)):
        assert documented in code
        code = code.replace(documented, ours)
    expected = Counter(f"{lane} {change['resource_key']}" for lane, change in on_lanes(run, kafka, registry))
    recipe, log, read = tmp_path / "recipe.py", tmp_path / "recipe.log", Counter[str]()
    recipe.write_text(code)

    with log.open("w") as out, subprocess.Popen([sys.executable, str(recipe)], stdout=out, stderr=out) as process:
        try:
            mark = f"|{run.source}|"
            wait_until(lambda: log.read_text().count(mark) >= expected.total(), "all changes read")
        finally:
            process.kill()

    read.update(line for line in log.read_text().splitlines() if mark in line)
    assert read == expected


def test_check_names_fields_that_no_document_has(run: Run, tmp_path: Path) -> None:
    """Each with a suggestion; existing fields and routes without fields are not mentioned."""
    path = tmp_path / "penstock.toml"
    source = f'name = "{run.source}"'
    text = run.configuration.read_text().replace(source, f'{source}\npaused = ["prodct"]')
    path.write_text(
        text.replace('filter = "vendor:Nike"', 'filter = "vender:Nike title:*"\ninclude_fields = ["titel", "vendor"]')
        + '[[routes]]\nname = "typo"\nprovider = "shopify"\nresource = "produkt"\n'
        + f'[[routes]]\nname = "unseen"\nsource = "quiet-{run.source}"\nfilter = "a:1"\n'
        + f'[[sources]]\nname = "quiet-{run.source}"\nprovider = "stripe"\nsecrets = ["text:whsec_made-up"]\n'
    )

    found = [json.loads(line) for line in penstock(run, "check", "--online", "--json", "-c", str(path)).splitlines()]

    told = [finding["text"].partition(": ")[2] for finding in found if finding["level"] == "warning"]
    warnings = [re.sub(r"newest \d{3} documents", "newest N documents", text) for text in told]
    assert [text for text in warnings if "seen yet" in text or "no field" in text] == [
        "sources[0].paused[0]: no prodct was seen yet; did you mean 'product'?",
        "routes[0].filter: no field vender in the newest N documents of its kind; did you mean vendor?",
        "routes[0].include_fields: no field titel in the newest N documents of its kind; did you mean title?",
        "routes[4].resource: no produkt was seen yet; did you mean 'product'?",
        "routes[5]: unseen: nothing was seen yet that its fields could be compared with",
    ]


def on_lanes(run: Run, kafka: str, registry: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the run's changes with the topic of each."""
    with closing(Registry(registry)) as schemas:
        found = [(lane, schemas.decode(m.value() or b"")) for lane in LANES for m in committed(kafka, lane)]
    return [(lane, change) for lane, change in found if change["source"]["source"] == run.source]


def change_vendor(change: dict[str, Any]) -> str:
    """Return the product's vendor, none where the content is empty."""
    text = change["after"] or change["before"]
    return str(json.loads(text)["vendor"]) if text else ""


def penstock(run: Run, *arguments: str) -> str:
    """Return a command's output; it must succeed."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "penstock"), *arguments],
        env={**os.environ, "PENSTOCK_CONFIG": str(run.configuration)},
        capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

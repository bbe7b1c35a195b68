"""One captured body under many names, through a real ingress, Kafka and worker: few topics, and nothing is lost."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import AdminClient

from config import loading
from console.check.reachable_topics import reachable
from providers.base import Sample
from providers.registry import provider
from schemas.records import key_parts
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import Ledger, OutcomeCount, committed
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import running, wait_until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
APP = f"finite-{uuid.uuid4().hex[:8]}"
SECRET = b"whsec_bWFkZXVw"
NAMES = [f"evil_{RUN}_{number}" for number in range(40)]
LISTED = f"listed_{RUN}"
BODY = b'{"action":"opened","number":1,"repository":{"id":1},"sender":{"id":2}}'
TICKET = b'{"id":7,"updated_at":"2026-01-31T12:00:00Z"}'
COMMAND_TIMEOUT_S = 60  # a loaded machine takes 20 s to start a command

# The unsigned header that names the event, its values, and the body that is signed once.
SENDERS = {
    "github": ("x-github-event", "{}", BODY),
    "shopify": ("x-shopify-topic", "{}/update", TICKET),
    "generic": ("x-webhook-event", "{}.updated", TICKET),
}


def configured(kafka: str, registry: str, more: str = "") -> str:
    """Return a penstock.toml with a source of each provider."""
    listed = f'options = {{ resource_types = ["{LISTED}"] }}\n'
    tables = [
        f'[[sources]]\nname = "{name}-{RUN}"\nprovider = "{name}"\nsecrets = ["text:{SECRET.decode()}"]\n'
        + (listed if name == "generic" else "")
        for name in SENDERS
    ]
    head = f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n[worker]\napp = "{APP}"\n'
    return head + "".join(tables) + more


def topics(kafka: str) -> set[str]:
    """Return the names of all topics with changes or states."""
    listed = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=10).topics
    return {name for name in listed if name.startswith(("changes.", "state."))}


def post_under(shop: IngressProcess, name: str, names: list[str]) -> list[str]:
    """Post one body, signed once, under many names; return the sender's delivery ids."""
    header, form, body = SENDERS[name]
    signed = provider(name).sign(Sample(body, "captured", "captured", datetime.now(UTC)), SECRET)
    id_header = {"github": "x-github-delivery", "shopify": "x-shopify-webhook-id", "generic": "x-webhook-delivery"}[
        name
    ]
    ids = [str(uuid.uuid4()) for _ in names]
    with httpx.Client(trust_env=False, timeout=30) as client:
        for text, delivery_id in zip(names, ids, strict=True):
            headers = signed | {header: form.format(text), id_header: delivery_id}
            assert client.post(f"{shop.url}/v1/{name}-{RUN}", content=body, headers=headers).status_code == 200
    return ids


class Decided:
    """The posted and decided deliveries, and the commands that inspect them."""

    def __init__(self, kafka: str, registry: str, path: Path) -> None:
        self.kafka, self.registry, self.path = kafka, registry, path
        self.ids: dict[str, list[str]] = {}
        self.before: set[str] = set()
        self.after: set[str] = set()

    def ledger(self, name: str) -> Ledger:
        """Return all visible records of a source."""
        return Ledger.read(self.kafka, self.registry, f"{name}-{RUN}")

    def run(self, *arguments: str, config: Path | None = None) -> list[str]:
        """Return the lines that a command prints; it must end with 0."""
        command = [str(Path(sys.executable).parent / "penstock"), *arguments]
        environment = {**os.environ, "PENSTOCK_CONFIG": str(config or self.path)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def decided(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    """Give 40 deliveries of each provider, and one of a listed type, once all are decided."""
    ensure_raw(kafka, APP)
    text = configured(kafka, registry)
    path = tmp_path_factory.mktemp("commands") / "penstock.toml"
    path.write_text(text)
    found = Decided(kafka, registry, path)
    with (
        running_ingress(tmp_path_factory.mktemp("ingress"), text) as shop,
        running(tmp_path_factory.mktemp("workers"), text) as workers,
    ):
        shop.until_ready()
        found.before = topics(kafka)
        for name in SENDERS:
            found.ids[name] = post_under(shop, name, NAMES)
        post_under(shop, "generic", [LISTED])
        workers.start(0)
        for name in SENDERS:
            with closing(OutcomeCount(kafka, registry, f"{name}-{RUN}")) as outcomes:
                wait_until(lambda: outcomes() >= len(NAMES), f"the outcomes of {name}", 120)  # called at once
        wait_until(lambda: len(found.ledger("generic").outcomes) > len(NAMES), "the outcome of the listed type")
        found.after = topics(kafka)
        yield found


def test_names_in_unsigned_headers_make_no_topics(decided: Decided) -> None:
    """120 posts would have made 240 topics; every topic that exists now was known before the first post."""
    made = decided.after - decided.before

    assert [topic for topic in made if NAMES[0][:-2] in topic] == []
    assert made <= reachable(loading.load(decided.path, {})).topics
    assert len(made) <= 2 * (len(SENDERS) + 1)


@pytest.mark.parametrize("name", SENDERS)
def test_every_delivery_is_decided_under_its_name(decided: Decided, name: str) -> None:
    """The record carries the name: in the change, in its key, and in the key of the state."""
    ledger = decided.ledger(name)

    assert ledger.by_outcome() == {"changed": len(NAMES) + (name == "generic")}
    assert {change["resource_type"] for change in ledger.changes} == {*NAMES, *([LISTED] if name == "generic" else [])}
    mark = f"{name}|{name}-{RUN}|".encode()
    for topic in (f"changes.{name}.other", f"state.{name}.other"):
        keys = [message.key() or b"" for message in committed(decided.kafka, topic)]
        assert {key_parts(bytes(key).decode()).resource_type for key in keys if bytes(key).startswith(mark)} == set(
            NAMES
        )


def test_listed_type_has_its_topics(decided: Decided) -> None:
    """Listed types keep topics of their own, as before."""
    changes, states = (len(list(committed(decided.kafka, f"{kind}.generic.{LISTED}"))) for kind in ("changes", "state"))

    assert (changes, states) == (1, 1)


def test_commands_find_what_shares_a_topic(decided: Decided) -> None:
    """A resource is found by its type, as if it had a topic of its own; a replay finds no difference."""
    of_type = ("--source", f"github-{RUN}", "--resource", NAMES[3])
    (attempt,) = map(json.loads, decided.run("explain", decided.ids["github"][3], "--json"))
    (change,) = map(json.loads, decided.run("tail", "--from-beginning", "-n", "1", "--json", *of_type))
    (row,) = map(json.loads, decided.run("state", "list", "--json", *of_type))
    (count,) = map(json.loads, decided.run("state", "count", "--json", *of_type))

    assert [found["topic"] for found in attempt["changes"]] == ["changes.github.other"]
    assert attempt["changes"][0]["change"]["resource_type"] == change["resource_type"] == row["resource"] == NAMES[3]
    assert count["live"] == 1
    decided.run("replay", "--since", "1h", "--source", f"github-{RUN}", "--dry-run")


def test_check_compares_routes_with_what_shares_a_topic(decided: Decided, tmp_path: Path) -> None:
    """Only events of one type are shown, not all in the shared topic; an absent type is named."""
    route = f'[[routes]]\nname = "{{}}"\nsource = "github-{RUN}"\nresource = "{{}}"\ninclude_fields = ["{{}}"]\n'
    routes = route.format("right", NAMES[3], "action") + route.format("wrong", NAMES[4], "acton")
    routes += route.format("gone", f"{NAMES[5]}_gone", "action")
    path = tmp_path / "penstock.toml"
    path.write_text(configured(decided.kafka, decided.registry, routes))

    found = [line for line in decided.run("check", "--online", config=path) if "routes[" in line]

    assert [line.rpartition("routes[")[2] for line in found if "no topic is named after" not in line] == [
        "1].include_fields: no field acton in the newest 1 documents of its kind; did you mean action?",
        f"2].resource: no {NAMES[5]}_gone was seen yet; did you mean '{NAMES[5]}'?",
    ]


def test_check_names_topics_left_from_before(decided: Decided, tmp_path: Path) -> None:
    """A type that is no longer listed leaves its topics behind."""
    path = tmp_path / "penstock.toml"
    path.write_text(decided.path.read_text().replace(f'"{LISTED}"', '"another"'))

    found = [line for line in decided.run("check", "--online", config=path) if "no longer used" in line]

    assert any("changes of such types go to changes.generic.other now" in line for line in found)

"""The commands against a real Kafka, registry, ingress and worker: deliveries posted by one command are shown by the others."""

import contextlib
import json
import os
import select
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import IO, Any

import pytest

from broker import topic_reader
from config import loading
from console.queries.changes import Deployment, deployment_of
from console.sample import sample_account
from providers.registry import PROVIDERS
from schemas.topics import RAW
from simulator.senders import Sender, sender
from tests.support.builders.noisy_products import ensure_raw
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import Workers, running, wait_until

pytestmark = pytest.mark.kafka

COMMAND_TIMEOUT_S = 60  # a loaded machine takes 20 s to start a worker and restore its tables
PRODUCT = {"id": 7, "title": "Lamp", "updated_at": "2026-11-21T10:00:00Z"}


class Stack:
    """An ingress and, on request, a worker, with one source per provider; names are unique to the test run."""

    def __init__(self, directory: Path, kafka: str, registry: str) -> None:
        self.unique = uuid.uuid4().hex[:12]
        self.text = _toml(self.unique, kafka, registry)
        self.path = directory / "console.toml"
        self.path.write_text(self.text)
        self.ingress: IngressProcess
        self.workers: Workers

    def environ(self) -> dict[str, str]:
        """Return the environment of a command beside this stack."""
        return {**os.environ, "PENSTOCK_CONFIG": str(self.path), "PENSTOCK_URL": self.ingress.url}

    def run(self, *arguments: str, code: int = 0, given: str | None = None) -> str:
        """Return a command's output and check its exit code."""
        command = [str(Path(sys.executable).parent / "penstock"), *arguments]
        done = subprocess.run(
            command,
            env=self.environ(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def send(self, product: dict[str, Any], *options: str) -> None:
        """Post a product as the shop."""
        self.run("send", f"shopify-{self.unique}", "-", "-t", "products/update", *options, given=json.dumps(product))

    def start_worker(self) -> None:
        """Start the worker unless it runs already."""
        if 0 not in self.workers.children:
            self.workers.start(0)
        wait_until(lambda: self.workers.is_ready(0), "the worker has its partitions", 120)

    def deployment(self) -> AbstractContextManager[Deployment]:
        """Return where this stack's topics are."""
        return deployment_of(loading.load(self.path, {}), {})


def _toml(unique: str, kafka: str, registry: str) -> str:
    sources = "".join(
        f'[[sources]]\nname = "{name}-{unique}"\nprovider = "{name}"\nsecrets = ["text:whsec_bWFkZXVw"]\n'
        for name in PROVIDERS
    )
    return (
        f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n'
        f'[worker]\napp = "console-{unique}"\n{sources}'
    )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, kafka: str, registry: str) -> Iterator[Stack]:
    """Give a stack whose worker is not started yet."""
    made = Stack(tmp_path_factory.mktemp("console"), kafka, registry)
    ensure_raw(kafka, f"console-{made.unique}")
    with (
        running_ingress(tmp_path_factory.mktemp("ingress"), made.text) as made.ingress,
        running(tmp_path_factory.mktemp("workers"), made.text) as made.workers,
    ):
        made.ingress.until_ready()
        yield made


def told(stack: Stack, delivery_id: str) -> list[dict[str, Any]]:
    """Return the output of `penstock explain` as JSON."""
    return [json.loads(line) for line in stack.run("explain", delivery_id, "--json").splitlines()]


@contextlib.contextmanager
def tailing(stack: Stack) -> Iterator[subprocess.Popen[str]]:
    """Give a `penstock tail` that waits for the shop's next change, and stop it when the block ends."""
    command = [str(Path(sys.executable).parent / "penstock"), "tail", "--json", "--max", "1"]
    command += ["--source", f"shopify-{stack.unique}"]
    with subprocess.Popen(
        command, env=stack.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tail:
        try:
            yield tail
        finally:
            tail.kill()


def read_line(stream: IO[str] | None) -> str:
    """Return the next line of a process; fail when it is late."""
    assert stream is not None
    readable, _, _ = select.select([stream], [], [], COMMAND_TIMEOUT_S)
    assert readable, f"no line within {COMMAND_TIMEOUT_S} s"
    return stream.readline()


def raw_ids(stack: Stack) -> list[str]:
    """Return the ids of the shop's deliveries on the raw topic."""
    with stack.deployment() as deployment, topic_reader.consumer(deployment.kafka) as reader:
        headers = [
            dict(topic_reader.headers_of(found))
            for found in topic_reader.read(reader, topic_reader.ranges(reader, RAW))
        ]
    ours = [found for found in headers if found.get("penstock_source") == f"shopify-{stack.unique}".encode()]
    return [(found["penstock_delivery_id"] or b"").decode() for found in ours]


def variations(stack: Stack) -> list[int]:
    """Return the variations of product 8 that made a change, in their order."""
    key = f"shopify|shopify-{stack.unique}|example.myshopify.com|product|8"
    with stack.deployment() as deployment, topic_reader.consumer(deployment.kafka) as reader:
        messages = list(topic_reader.read(reader, topic_reader.ranges(reader, "changes.shopify.product")))
        changes = [deployment.registry.decode(topic_reader.value_of(message)) for message in messages]
    return [json.loads(change["after"])["penstock_variation"] for change in changes if change["resource_key"] == key]


def test_one_delivery_is_followed_from_the_post_to_its_change(stack: Stack) -> None:
    """tail shows a change as it happens; explain says "waiting" before a worker runs and lists all attempts afterwards."""
    with tailing(stack) as tail:
        assert "following" in read_line(tail.stderr)
        stack.send(PRODUCT, "--duplicate", "1")
        (record,) = set(raw_ids(stack))
        assert [attempt["outcome"] for attempt in told(stack, record)] == [None, None]

        stack.start_worker()
        printed = read_line(tail.stdout)
        assert printed, f"tail ended: {read_line(tail.stderr)}"
        change = json.loads(printed)
        assert tail.wait(COMMAND_TIMEOUT_S) == 0

    wait_until(lambda: all(attempt["outcome"] for attempt in told(stack, record)), "both are decided")
    first, second = told(stack, record)
    assert change["after"] == PRODUCT
    assert change["source"]["delivery_id"] == record
    assert (first["outcome"]["outcome"], second["outcome"]["outcome"]) == ("changed", "duplicate")
    assert [found["change"]["event_id"] for found in first["changes"]] == [change["event_id"]]
    assert second["changes"] == []
    assert "outcome   changed (created): made the changes below" in stack.run("explain", record)


def test_a_delivery_that_never_arrived_ends_with_1(stack: Stack) -> None:
    """The message also says where else to look."""
    assert stack.run("explain", "no-such-delivery", code=1) == ""


def test_every_accepted_sample_delivery_has_its_outcome(stack: Stack) -> None:
    """The counts of `penstock up --sample` add up, also on a used data directory."""
    stack.start_worker()
    loaded = loading.load(stack.path, {})
    senders: dict[str, Sender] = {source.provider: sender(source, {}, date(2026, 11, 21)) for source in loaded.sources}

    for _run in range(2):
        with stack.deployment() as deployment:
            account = sample_account(deployment, stack.ingress.url, senders)

        outcomes = Counter(outcome["outcome"] for outcome in account.outcomes)
        assert account.pending == 0
        assert account.accepted.total() == outcomes.total() == 652
        assert outcomes["dead"] == len(PROVIDERS)
        assert min(outcomes[name] for name in ("changed", "duplicate", "stale", "unchanged")) > 0
        assert sum(account.refused.values()) == len(PROVIDERS)
        assert all(refusal.startswith("forged: 401") for refusal in account.refused)


def test_a_load_is_sent_as_asked_and_ends_with_its_last_version(stack: Stack) -> None:
    """Deliveries varied, shuffled, doubled and sent concurrently: the newest version remains."""
    stack.start_worker()
    product = {**PRODUCT, "id": 8}

    stack.send(product, *["--repeat", "200", "--vary", "--shuffle", "--duplicate", "0.2", "--concurrency", "16"])

    wait_until(lambda: 199 in variations(stack), "the newest version is decided")
    assert variations(stack)[-1] == 199


def test_check_online_finds_everything_there(stack: Stack) -> None:
    """doctor reaches brokers, topics and registry."""
    printed = stack.run("check", "--online")

    assert "fine: topic webhooks.raw" in printed
    assert "fine: schema registry" in printed


def test_check_online_names_what_cannot_be_read_or_found(stack: Stack, tmp_path: Path) -> None:
    """An update time in a notation that nothing reads, and a volatile field that no document has, each with its line."""
    stack.start_worker()
    name = f"generic-{stack.unique}"
    options = '[sources.options]\nvolatile = ["owner.seen_at",\n"owner.sen_at"]\n'
    secrets = f'name = "{name}"\nprovider = "generic"\nsecrets = ["text:whsec_bWFkZXVw"]\n'
    path = tmp_path / "volatile.toml"
    path.write_text(stack.text.replace(secrets, secrets + options))
    ticket = {"id": 7, "updated_at": "31/01/2026 12:00", "owner": {"seen_at": 1}}

    stack.run("send", name, "-", "-t", "ticket.updated", given=json.dumps(ticket))
    wait_until(lambda: "time_path" in str(_warnings(stack, path)), "the ticket is decided")

    line = 1 + path.read_text().splitlines().index('"owner.sen_at"]')
    volatile, time_path = _warnings(stack, path)
    assert volatile.startswith(f"{line}: ")
    assert "volatile[1]: no field owner.sen_at in the newest " in volatile
    assert volatile.endswith("; did you mean owner.seen_at?")
    assert ".options.time_path: updated_at was no time that can be read in 1 of the newest " in time_path


def _warnings(stack: Stack, path: Path) -> list[str]:
    """Return what is found about the options of the generic source, without the path."""
    printed = stack.run("check", "--online", "--json", "-c", str(path))
    texts = [finding["text"] for finding in map(json.loads, printed.splitlines()) if finding["level"] == "warning"]
    return [text.removeprefix(f"{path}:") for text in texts if ".options." in text]

"""Dead letters on a real Kafka: listed, shown, retried once their cause is mended, edited, dropped; nothing is emitted twice."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from broker.schema_registry import Registry
from schemas.records import RawDelivery
from schemas.topics import OUTCOMES, RAW
from tests.support.builders.noisy_products import ensure_raw
from tests.support.oracle.ledger import OutcomeCount, change_topics, committed, raw_delivery
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import Workers, running, wait_until

pytestmark = pytest.mark.kafka

RUN = uuid.uuid4().hex[:8]
APP = f"dead-{RUN}"
MISTAKEN, MENDED = "bigcommerce", "generic"
SHOPS = tuple(f"{name}-{RUN}" for name in ("kept", "once", "twice", "killed", "moved", "dropped"))
"""Sources that are configured as another provider's than their sender at first, so that all their deliveries die."""
FREE = f"free-{RUN}"
LETTERS = {"twice": 20, "killed": 30}
COMMAND_TIMEOUT_S = 90


class Stack:
    """An ingress and a worker; the sources are mended by a new configuration and a restart of the worker."""

    def __init__(self, directory: Path, kafka: str, registry: str) -> None:
        self.kafka, self.registry = kafka, registry
        self.path = directory / "penstock.toml"
        self.ingress: IngressProcess
        self.workers: Workers
        self.configure(MISTAKEN)

    def text(self, provider: str) -> str:
        """Return the configuration in which the shops are of a provider."""
        sources = [(FREE, MENDED), *((shop, provider) for shop in SHOPS)]
        listed = "".join(
            f'[[sources]]\nname = "{name}"\nprovider = "{kind}"\nverify = "none"\n' for name, kind in sources
        )
        head = f'[kafka]\nbootstrap_servers = "{self.kafka}"\n[registry]\nurl = "{self.registry}"\n'
        return f'{head}[worker]\napp = "{APP}"\n{listed}'

    def configure(self, provider: str) -> None:
        """Write the configuration that the commands read."""
        self.path.write_text(self.text(provider))

    def mend(self) -> None:
        """Give the shops their right provider, and restart the worker with it."""
        self.configure(MENDED)
        self.workers.configuration.write_text(self.text(MENDED))
        self.workers.children[0].stop(30)
        self.start_worker()

    def start_worker(self) -> None:
        """Start the worker, and wait until it decides."""
        self.workers.start(0)
        wait_until(lambda: self.workers.is_ready(0), "the worker has its partitions", 120)

    def environ(self) -> dict[str, str]:
        """Return the environment of a command beside this stack."""
        return {**os.environ, "PENSTOCK_CONFIG": str(self.path)}

    def penstock(self, *arguments: str, code: int = 0, given: str | None = None, **more: str) -> str:
        """Return a command's output and check its exit code."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "penstock"), *arguments],
            env=self.environ() | more,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Return a command's records."""
        return [json.loads(line) for line in self.penstock(*arguments, "--json", code=code).splitlines()]

    def post(self, source: str, body: bytes, delivery_id: str) -> None:
        """Post as the sender of a source."""
        headers = {"x-webhook-delivery": delivery_id, "x-webhook-event": "product.updated"}
        assert self.ingress.post(f"/v1/{source}", body, headers).status_code == 200

    def post_products(self, shop: str, count: int) -> None:
        """Post as many products, one after the other, and wait until all are decided."""
        with closing(OutcomeCount(self.kafka, self.registry, shop)) as outcomes:
            for number in range(count):
                self.post(shop, product(number, shop), f"{shop}-{number}")
            wait_until(lambda: outcomes() >= count, f"the deliveries of {shop} are decided", 120)

    def raw(self, source: str) -> list[RawDelivery]:
        """Return a source's records of `webhooks.raw`."""
        return [one for one in map(raw_delivery, committed(self.kafka, RAW)) if one.source == source]

    def outcomes(self, source: str) -> list[dict[str, Any]]:
        """Return a source's outcomes."""
        with closing(Registry(self.registry)) as registry:
            found = [registry.decode(message.value() or b"") for message in committed(self.kafka, OUTCOMES)
                     if source.encode() in (message.value() or b"")]  # fmt: skip
        return [outcome for outcome in found if outcome["source"] == source]

    def changes(self, source: str) -> list[dict[str, Any]]:
        """Return the changes that a source's deliveries made."""
        with closing(Registry(self.registry)) as registry:
            found = [registry.decode(message.value() or b"") for message in committed(self.kafka, *change_topics(self.kafka))
                     if source.encode() in (message.value() or b"")]  # fmt: skip
        return [change for change in found if change["source"]["source"] == source]


def product(number: int, shop: str = FREE, title: str = "Lamp", hour: int = 10) -> bytes:
    """Return a product as the sender of a shop posts it."""
    updated_at = f"2026-11-21T{hour}:00:00Z"
    return json.dumps({"id": f"p{number}", "shop": shop, "title": title, "updated_at": updated_at}).encode()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, kafka: str, registry: str) -> Iterator[Stack]:
    """Give a stack in which the shops' deliveries have died."""
    made = Stack(tmp_path_factory.mktemp("dead"), kafka, registry)
    ensure_raw(kafka, APP)
    with (
        running_ingress(tmp_path_factory.mktemp("ingress"), made.text(MISTAKEN)) as made.ingress,
        running(tmp_path_factory.mktemp("workers"), made.text(MISTAKEN)) as made.workers,
    ):
        made.ingress.until_ready()
        made.start_worker()
        for shop in SHOPS:
            made.post_products(shop, LETTERS.get(shop.partition("-")[0], 3))
        yield made


@pytest.fixture(scope="module")
def mended(stack: Stack) -> Stack:
    """Give the stack after its cause of death was mended."""
    stack.mend()
    return stack


def source(name: str) -> str:
    """Return a shop's source."""
    return f"{name}-{RUN}"


def assert_adds_up(stack: Stack, shop: str) -> None:
    """Every record of `webhooks.raw` has exactly one outcome, and no change is there twice."""
    raw = Counter((one.partition, one.offset) for one in stack.raw(shop))
    assert Counter((one["partition"], one["offset"]) for one in stack.outcomes(shop)) == raw
    events = Counter(change["event_id"] for change in stack.changes(shop))
    assert {event for event, count in events.items() if count > 1} == set()


def test_letters_are_listed_and_counted(stack: Stack) -> None:
    """The last that died comes first; a selection selects; the counts are of all that is selected."""
    shop = source("kept")

    listed = stack.json("dead", "list", "--source", shop)
    printed = stack.penstock("dead", "list", "--source", shop, "--limit", "1")

    assert [letter["reason"] for letter in listed] == ["unknown_shape"] * 3
    assert sorted((letter["last_at"] for letter in listed), reverse=True) == [letter["last_at"] for letter in listed]
    assert {(letter["attempts"], letter["standing"], letter["origin"]) for letter in listed} == {
        (1, "waiting", "webhook")
    }
    assert "… and 2 more; --limit 0 shows all" in printed
    assert "       3  unknown_shape\n       3  letters wait\n" in printed
    assert stack.json("dead", "list", "--source", shop, "--text", '"P1"')[0]["body_bytes"] == len(product(1, shop))
    assert stack.json("dead", "list", "--source", shop, "--reason", "unreadable") == []
    assert stack.json("dead", "list", "--source", shop, "--tenant", "other") == []
    assert len(stack.json("dead", "list", "--source", shop, "--since", "1h")) == 3


def test_letter_is_shown_with_its_exact_payload(stack: Stack) -> None:
    """As JSON where it is, and as bytes for a program; the next commands are named."""
    letter = stack.json("dead", "list", "--source", source("kept"), "--text", '"p2"')[0]

    printed = stack.penstock("dead", "show", letter["delivery_id"])
    (told,) = stack.json("dead", "show", letter["position"])

    assert '  "id": "p2",' in printed
    assert f"penstock dead retry {letter['position']}" in printed
    assert (
        told["body"].encode()
        == product(2, source("kept"))
        == stack.penstock("dead", "show", letter["position"], "--raw").encode()
    )
    assert "unknown_shape" in printed
    stack.penstock("dead", "show", "no-such-letter", code=1)


def test_retry_before_the_cause_is_mended_is_dead_again(stack: Stack) -> None:
    """The second death says so: attempts 2, the first time kept, and still one letter."""
    shop = source("moved")
    first = stack.json("dead", "list", "--source", shop)[-1]

    (sent,) = stack.json("dead", "retry", first["position"], code=1)

    again = {letter["position"]: letter for letter in stack.json("dead", "list", "--source", shop)}
    assert (sent["outcome"], sent["origin"], sent["cause"]) == ("dead", "retry", first["position"])
    assert len(again) == 3
    assert again[first["position"]]["attempts"] == 2
    assert again[first["position"]]["first_at"] == first["first_at"]
    assert again[first["position"]]["last_at"] > first["last_at"]


def test_letters_are_retried_once_the_cause_is_mended(mended: Stack) -> None:
    """The same payload, decided by today's configuration: the changes come, and the letters no longer wait."""
    shop = source("once")
    before = {one.delivery_id: one for one in mended.raw(shop)}

    sent = mended.json("dead", "retry", "--source", shop, "--yes")

    assert Counter(one["outcome"] for one in sent) == {"changed": 3}
    assert mended.json("dead", "list", "--source", shop) == []
    assert {one["standing"] for one in mended.json("dead", "list", "--source", shop, "--all")} == {"retried"}
    retried = [one for one in mended.raw(shop) if one.headers.get("penstock_origin") == "retry"]
    for one in retried:
        former = before[one.delivery_id]
        assert (one.body, one.received_at, one.content_type) == (former.body, former.received_at, former.content_type)
        assert one.headers["penstock_cause"] == f"{RAW}-{former.partition}-{former.offset}"
        assert one.headers["penstock_attempt"] == "2"
    assert {change["resource_key"] for change in mended.changes(shop)} == {
        f"generic|{shop}||unknown|p{number}" for number in range(3)
    }
    assert_adds_up(mended, shop)


def test_mended_letter_is_not_sent_again(mended: Stack) -> None:
    """Neither by a selection, nor by its name; and explain tells its story."""
    shop = source("once")
    letter = mended.json("dead", "list", "--source", shop, "--all")[0]
    count = len(mended.raw(shop))

    mended.penstock("dead", "retry", "--source", shop, "--yes")
    mended.penstock("dead", "retry", letter["delivery_id"])

    assert len(mended.raw(shop)) == count
    story = mended.penstock("explain", letter["delivery_id"])
    assert (
        story.index("outcome   dead (unknown_shape)")
        < story.index("origin    retry of")
        < story.index("changed (created)")
    )
    assert "retried by " in story


def test_provider_setting_moves_a_letter_to_its_resource(mended: Stack) -> None:
    """The key that the right provider names is the key of the resource's other deliveries: the older state stays stale."""
    shop = source("moved")
    letter = mended.json("dead", "list", "--source", shop, "--text", '"p0"')[0]
    # The ingress still has the mistaken provider, so the newer state comes as an edited copy.
    newer = product(0, shop, "Newer", hour=11).decode()
    mended.penstock("dead", "edit", letter["position"], "--body", "-", "--by", "ann", given=newer)

    sent = mended.json("dead", "retry", "--source", shop, "--yes")

    assert len(sent) == 2  # the third is mended by its edited copy
    (change,) = [change for change in mended.changes(shop) if change["resource_id"] == "p0"]
    assert json.loads(change["after"])["title"] == "Newer"
    assert change["source"]["delivery_id"].startswith(f"{letter['delivery_id']}.edited-")
    (outcome,) = [one for one in mended.outcomes(shop) if one["origin"] == "edited"]
    assert outcome["cause"] == letter["position"]
    assert outcome["detail"].startswith("edited by ann at ")
    assert_adds_up(mended, shop)


def test_two_retries_at_once_emit_once(mended: Stack) -> None:
    """Whichever comes second is a duplicate."""
    shop = source("twice")
    command = [str(Path(sys.executable).parent / "penstock"), "dead", "retry", "--source", shop, "--yes", "--json"]

    both = [subprocess.Popen(command, env=mended.environ(), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [one.communicate(timeout=COMMAND_TIMEOUT_S)[0] for one in both]

    sent = [json.loads(line) for text in printed for line in text.splitlines()]
    outcomes = Counter(one["outcome"] for one in sent)
    assert outcomes["changed"] == LETTERS["twice"]
    assert outcomes["duplicate"] == len(sent) - LETTERS["twice"]
    assert len(mended.changes(shop)) == LETTERS["twice"]
    assert_adds_up(mended, shop)


def test_killed_retry_is_run_again(mended: Stack) -> None:
    """What it had published is on its way and not sent again; the rest is. All of it is decided once."""
    shop = source("killed")
    mended.workers.children[0].stop(30)
    command = [sys.executable, "-m", "tests.support.faults.killed_retry", "2", "7"]
    command += ["dead", "retry", "--source", shop, "--yes"]

    killed = subprocess.run(command, env=mended.environ(), check=False, timeout=COMMAND_TIMEOUT_S, capture_output=True)
    waiting = mended.json("dead", "list", "--source", shop)
    sent = mended.json("dead", "retry", "--source", shop, "--yes", "--wait", "0")

    assert killed.returncode == -signal.SIGKILL
    assert len(waiting) == LETTERS["killed"] - 14
    assert len(sent) == LETTERS["killed"] - 14
    assert mended.json("dead", "retry", "--source", shop, "--yes") == []
    mended.start_worker()
    wait_until(lambda: len(mended.changes(shop)) >= LETTERS["killed"], "all are decided", 120)
    assert len(mended.raw(shop)) == 2 * LETTERS["killed"]
    assert_adds_up(mended, shop)


def test_reused_id_is_mended_by_an_edited_copy(mended: Stack) -> None:
    """Under an id of its own; a retry under the same id stays dead, and the copy emits once however often it is sent."""
    with closing(OutcomeCount(mended.kafka, mended.registry, FREE)) as outcomes:
        for title in ("Lamp", "Table"):
            mended.post(FREE, product(1, title=title), f"reused-{RUN}")
        wait_until(lambda: outcomes() >= 2, "both are decided")
    (letter,) = mended.json("dead", "list", "--source", FREE, "--reason", "reused_delivery_id")

    (retried,) = mended.json("dead", "retry", letter["position"], code=1)
    edit = ("dead", "edit", letter["position"], "--set", "/title=Table", "--by", "ann")
    (edited,) = mended.json(*edit)
    mended.penstock(*edit, code=1)

    assert (retried["outcome"], retried["reason"]) == ("dead", "reused_delivery_id")
    assert (edited["outcome"], edited["origin"]) == ("changed", "edited")
    assert [json.loads(change["after"])["title"] for change in mended.changes(FREE)] == ["Lamp", "Table"]
    assert_adds_up(mended, FREE)


def test_edited_copy_that_cannot_be_read_is_not_published(mended: Stack) -> None:
    """The message names the reason; a body is edited in the person's own editor too."""
    mended.post(FREE, b'{"id": 77, "title": broken}', f"broken-{RUN}")
    wait_until(lambda: bool(mended.json("dead", "list", "--text", "broken}", "--source", FREE)), "it is dead")
    count = len(mended.raw(FREE))

    mended.penstock("dead", "edit", f"broken-{RUN}", "--set", "/title=x", code=2)
    mended.penstock("dead", "edit", f"broken-{RUN}", "--body", "-", given="{still broken", code=1)
    mended.penstock("dead", "edit", f"broken-{RUN}", EDITOR="true")
    assert len(mended.raw(FREE)) == count

    mended.penstock("dead", "edit", f"broken-{RUN}", EDITOR="sed -i s/broken/true/", VISUAL="")
    (change,) = [change for change in mended.changes(FREE) if change["resource_id"] == "77"]
    assert json.loads(change["after"]) == {"id": 77, "title": True}


def test_dropped_letters_no_longer_wait(mended: Stack) -> None:
    """Their records stay, who gave them up and why is in an outcome, and one of them can still be retried."""
    shop = source("dropped")

    sent = mended.json("dead", "drop", "--source", shop, "--yes", "--because", "a test shop", "--by", "ann")

    assert [(one["outcome"], one["reason"], one["origin"]) for one in sent] == [("filtered", "dropped", "drop")] * 3
    assert sent[0]["detail"].startswith("a dead letter was given up: a test shop; dropped by ann at ")
    assert mended.json("dead", "list", "--source", shop) == []
    letters = mended.json("dead", "list", "--source", shop, "--all")
    assert [letter["standing"] for letter in letters] == ["dropped"] * 3
    (again,) = mended.json("dead", "retry", letters[0]["position"])
    assert again["outcome"] == "changed"
    assert_adds_up(mended, shop)


def test_selection_must_be_said(mended: Stack) -> None:
    """Neither command takes everything by mistake."""
    mended.penstock("dead", "retry", code=2)
    mended.penstock("dead", "drop", "--because", "x", code=2)
    mended.penstock("dead", "list", "--reason", "no_such_reason", code=2)
    count = len(mended.raw(source("kept")))

    mended.penstock("dead", "retry", "--source", source("kept"), given="n\n")

    assert len(mended.raw(source("kept"))) == count

"""`docker compose up` from a fresh clone: every service becomes healthy, and a posted delivery becomes a change."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.containers.books import assert_all_decided, kept, traffic
from tests.containers.commands import CommandFailed, run
from tests.containers.composed import SECRET, SETTLED_S, SHIPPED, SOURCE, Composed
from tests.containers.conftest import SERVICES
from tests.support.oracle.ledger import Ledger
from tests.support.waiting import until


def test_signed_delivery_becomes_a_change(stack: Composed, tmp_path: Path) -> None:
    """A delivery that `penstock send` posts, signed with the secret of .env, is one change on Kafka."""
    product = tmp_path / "product.json"
    product.write_text('{"id": 7, "title": "First", "updated_at": "2026-01-31T12:00:00Z"}')
    command = (sys.executable, "-m", "console.cli", "send", SOURCE, str(product), "--topic", "products/create")

    run((*command, "--config", str(SHIPPED), "--url", stack.url), {"ACME_SECRET": SECRET.decode()})

    until(lambda: bool(changes(stack)), SETTLED_S, "the change")
    (change,) = changes(stack)
    assert (change["op"], change["resource_id"]) == ("c", "7")


def test_spool_of_a_stopped_ingress_is_drained(stack: Composed, tmp_path: Path) -> None:
    """What was answered while Kafka was away reaches it by `docker compose run --rm ingress spool drain`, without an ingress."""
    product = tmp_path / "product.json"
    product.write_text('{"id": 7, "title": "First", "updated_at": "2026-01-31T12:00:00Z"}')
    config = stack.folder / "penstock.toml"
    command = (sys.executable, "-m", "console.cli", "send", "drained", str(product), "--topic", "products/create")
    try:
        stack.compose("stop", "kafka")
        run((*command, "--config", str(config), "--url", stack.url), {"ACME_SECRET": SECRET.decode()})
        stack.compose("stop", "ingress")
        stack.up("--no-deps", "kafka")

        drained = stack.compose("run", "--rm", "--no-deps", "ingress", "spool", "drain", "--json")
    finally:
        stack.up()

    assert '"published": 1' in drained
    assert len(kept(stack, "drained")) == 1


def changes(stack: Composed) -> list[dict[str, Any]]:
    """Return the changes of the shipped source."""
    return Ledger.read(stack.kafka, stack.registry, SOURCE).changes


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_runs_as_root(stack: Composed, service: str) -> None:
    """No process of a container belongs to root or has a capability, and none can get one."""
    states = stack.shell(service, "grep -hE '^(Uid|CapEff|NoNewPrivs):' /proc/[0-9]*/status").splitlines()

    assert {"0"}.isdisjoint(line.split()[1] for line in states if line.startswith("Uid:"))
    assert {line.split()[1] for line in states if line.startswith("CapEff:")} == {"0000000000000000"}
    assert {line.split()[1] for line in states if line.startswith("NoNewPrivs:")} == {"1"}


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_was_restarted(stack: Composed, service: str) -> None:
    """Everything comes up at the first try, with limits on memory and logs."""
    for container in stack.inspected(service):
        assert container["RestartCount"] == 0
        assert container["HostConfig"]["Memory"] > 0
        assert container["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}


def test_stopped_broker_is_unhealthy(stack: Composed) -> None:
    """Kafka's healthcheck requires an answer from the broker: a stopped process has an open port, and fails."""
    check = stack.inspected("kafka")[0]["Config"]["Healthcheck"]["Test"][-1]
    broker = "$(cat /proc/1/task/1/children)"
    stack.shell("kafka", check)

    stack.shell("kafka", f"kill -STOP {broker}")
    try:
        with pytest.raises(CommandFailed):
            stack.shell("kafka", check, timeout_s=3)
    finally:
        stack.shell("kafka", f"kill -CONT {broker}")
    until(lambda: stack.is_healthy("kafka"), SETTLED_S, "Kafka is healthy again")


@pytest.mark.parametrize("service", SERVICES)
def test_killed_process_comes_back_and_nothing_is_lost(stack: Composed, service: str) -> None:
    """SIGKILL under traffic: the container restarts, and every accepted delivery is decided once and correctly."""
    shop = traffic(stack, f"kill-{service}")

    with shop.flowing():
        until(lambda: shop.count > 50, SETTLED_S, "traffic")
        stack.kill(service)
        before = shop.count
        until(lambda: shop.count > before + 50, SETTLED_S, "traffic goes on")

    ledger = assert_all_decided(stack, f"kill-{service}", shop.ledger.accepted)
    assert ledger.changes


def test_down_and_up_keeps_everything(stack: Composed) -> None:
    """After `down` and `up` all records are there, and the worker has its state: a repeated delivery is a duplicate."""
    shop = traffic(stack, "down")
    with shop.flowing():
        until(lambda: shop.count > 100, SETTLED_S, "traffic")
    before = assert_all_decided(stack, "down", shop.ledger.accepted)

    stack.down()
    stack.up()

    again = traffic(stack, "down")  # the same seed: the same deliveries
    with again.flowing():
        until(lambda: again.count > 50, SETTLED_S, "the same traffic")

    after = assert_all_decided(stack, "down", shop.ledger.accepted | again.ledger.accepted)
    new = [outcome for outcome in after.outcomes if outcome not in before.outcomes]
    assert {outcome["outcome"] for outcome in new} <= {"duplicate", "stale", "unchanged"}

"""The printed ACLs and topics, without a Kafka; tests/kafka/test_acls.py shows that they are correct."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config import loading
from config.model import Configuration
from console.check.acls import Right, acl_commands, new_topics, rights, topic_command
from console.cli import app

TOML = """
[kafka]
bootstrap_servers = "kafka:9093"
partitions = 2
replication_factor = 3
min_insync_replicas = 2
[[sources]]
name = "acme"
provider = "generic"
secrets = ["env:ACME"]
options = { resource_types = ["thing"] }
[[routes]]
name = "all"
[[routes]]
name = "vip"
topic = "vip.things"
priority = "high"
[[routes]]
name = "copies"
mode = "raw"
topic = "copies"
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Configuration:
    """Give a configuration with a default route, a lane and a raw route."""
    (tmp_path / "penstock.toml").write_text(TOML)
    return loading.load(tmp_path / "penstock.toml", {})


def test_rights_of_the_processes(loaded: Configuration) -> None:
    """ACLs are by prefix where a newer Penstock may have more types, else literal."""
    worker = rights(loaded, "worker", has_topics=True)

    assert rights(loaded, "ingress", has_topics=True) == [Right("topic", "literal", "webhooks.raw", "Write")]
    assert {right for right in worker if right.kind != "topic"} == {
        Right("group", "literal", "penstock.capture", "Read"),
        Right("group", "literal", "penstock.capture-restore", "Describe"),
        Right("transactional-id", "prefixed", "penstock.capture.", "Write"),
    }
    assert {
        (right.pattern, right.name) for right in worker if right.operation == "Write" and right.kind == "topic"
    } == {
        ("prefixed", "changes.generic."),
        ("prefixed", "state.generic."),
        ("literal", "vip.things.high"),
        ("literal", "copies"),
        ("literal", "deliveries.outcomes"),
        ("literal", "deliveries.dead"),
        ("literal", "penstock.capture.seen-changelog"),
        ("literal", "penstock.capture.latest-changelog"),
    }


def test_rights_of_the_hydration(loaded: Configuration) -> None:
    """A worker needs them once a source has credentials; its transactional id begins like the worker's own."""
    token = {"name": "store", "provider": "bigcommerce", "verify": "none", "api_token": "env:TOKEN"}
    reading = Configuration.model_validate({"sources": [token]})
    silent = Configuration.model_validate({"sources": [{**token, "hydrate": "never"}]})
    more = set(rights(reading, "worker", has_topics=True)) - set(rights(silent, "worker", has_topics=True))
    lists = ["penstock.capture.reconcile", "penstock.capture.reconcile-progress", "penstock.capture.reconcile-ids"]
    fetches = ["penstock.capture.fetches", *(f"penstock.capture.fetches.{delay}" for delay in ("1m", "10m", "1h"))]

    assert more == {
        Right("group", "literal", "penstock.capture.hydration", "Read"),
        Right("topic", "literal", "webhooks.raw", "Write"),
        Right("topic", "literal", "deliveries.pending", "Write"),
        Right("topic", "literal", "penstock.capture.fetch-standings", "Write"),
        *(Right("topic", "literal", name, operation) for name in (*fetches, *lists) for operation in ("Read", "Write")),
        Right("topic", "literal", "penstock.capture.reconcile-reports", "Write"),
        Right("group", "literal", "penstock.capture.reconcile", "Read"),
        Right("group", "literal", "penstock.console", "Describe"),
    }
    assert {topic.name for topic in new_topics(reading)} - {topic.name for topic in new_topics(silent)} == {
        "deliveries.pending",
        "penstock.capture.fetch-standings",
        "penstock.capture.reconcile-reports",
        *fetches,
        *lists,
    }
    assert {right.name for right in rights(reading, "pending")} == {
        "deliveries.pending",
        "penstock.capture.fetch-standings",
        "penstock.capture.fetches",
        "webhooks.raw",
        "penstock.capture",
        "penstock.console",
    }


def test_rights_of_the_loader(loaded: Configuration) -> None:
    """It reads changes, lanes included, and outcomes, and commits to a group of its own; states only a rebuild reads."""
    assert rights(loaded, "load") == [
        Right("group", "literal", "penstock.capture.warehouse", "Read"),
        Right("topic", "literal", "deliveries.outcomes", "Read"),
        Right("topic", "literal", "vip.things.high", "Read"),
        Right("topic", "prefixed", "changes.generic.", "Read"),
    ]
    assert {right.name for right in set(rights(loaded, "rebuild")) - set(rights(loaded, "load"))} == {
        "penstock.capture.warehouse.rebuild",
        "penstock.console",
        "state.generic.",
    }


def test_topics_that_exist_need_no_right_to_make_or_change_them(loaded: Configuration) -> None:
    """The two variants differ in nothing else."""
    making = {"Create", "Alter", "AlterConfigs"}
    for process in ("ingress", "worker"):
        more = set(rights(loaded, process)) - set(rights(loaded, process, has_topics=True))
        assert {right.operation for right in more} <= making
        assert not making & {right.operation for right in rights(loaded, process, has_topics=True)}


def test_commands_can_be_pasted(loaded: Configuration) -> None:
    """One command for each resource with all its operations; topics with Penstock's settings."""
    (first, *_) = acl_commands(rights(loaded, "ingress"), "User:CN=me, O=Acme", "kafka:9093")
    topic = next(topic for topic in new_topics(loaded) if topic.name == "state.generic.thing")

    assert first == (
        "kafka-acls.sh --bootstrap-server kafka:9093 --command-config admin.properties --add --allow-principal "
        "'User:CN=me, O=Acme' --operation Create --operation Write --topic webhooks.raw --resource-pattern-type literal"
    )
    assert topic_command(topic, "kafka:9093").endswith(
        "--create --if-not-exists --topic state.generic.thing --partitions 2 --replication-factor 3 "
        "--config cleanup.policy=compact --config max.message.bytes=62914560 --config min.insync.replicas=2"
    )


def test_command_line(loaded: Configuration, tmp_path: Path) -> None:
    """JSON has a line for each ACL; without a process it covers ingress and worker; an unknown process is named."""
    config = ("--config", str(tmp_path / "penstock.toml"))

    lines = [json.loads(line) for line in CliRunner().invoke(app, ["acls", "--json", *config]).stdout.splitlines()]
    text = CliRunner().invoke(app, ["acls", "tail", "--principal", "User:me", "--topics-exist", *config]).stdout
    wrong = CliRunner().invoke(app, ["acls", "ingres", *config])

    assert {line["principal"] for line in lines} == {"User:penstock-ingress", "User:penstock-worker"}
    assert text.startswith("kafka-topics.sh ")
    assert "# tail\n" in text
    assert "--allow-principal User:me " in text
    assert "ingres" in str(wrong.exception)

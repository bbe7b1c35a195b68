"""The rights that each process needs on a Kafka that denies by default, and the topics to create for it.

The rights are exactly those that the code uses: `tests/kafka/test_acls.py` runs each process with these rights alone, then reads
in the authorizer's log that no operation was denied and what each right was used for.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal

from msgspec import Struct

from config.model import Configuration
from console.check.reachable_topics import reachable
from schemas.topics import (
    DEAD,
    DELAYS_S,
    OUTCOMES,
    PENDING,
    RAW,
    changelog_topic,
    delay_topic,
    described,
    fetches_topic,
    listed_ids_topic,
    progress_topic,
    reconciliation_topic,
    reports_topic,
    standings_topic,
)

CONSOLE_GROUP = "penstock.console"
_FLAGS = {"topic": "--topic", "group": "--group", "transactional-id": "--transactional-id"}

Kind = Literal["topic", "group", "transactional-id"]
Pattern = Literal["literal", "prefixed"]
Process = Literal[
    "ingress",
    "worker",
    "load",
    "rebuild",
    "tail",
    "explain",
    "state",
    "replay",
    "dead",
    "pending",
    "reconcile",
    "check",
]


class Right(Struct, frozen=True, order=True):
    """One operation on one resource, in the terms of kafka-acls.sh."""

    kind: Kind
    pattern: Pattern
    name: str
    operation: str


class NewTopic(Struct, frozen=True):
    """A topic to create beforehand, with the settings that Penstock would use."""

    name: str
    partitions: int
    replication_factor: int  # -1: the brokers' default
    settings: Mapping[str, str]


class Names(Struct, frozen=True):
    """The topic names that a configuration leads to; prefixes where a newer Penstock may add types for a provider."""

    group: str
    changes: tuple[tuple[Pattern, str], ...]
    state: tuple[tuple[Pattern, str], ...]
    copies: tuple[tuple[Pattern, str], ...]
    seen: str
    latest: str
    fetches: str
    delays: tuple[str, ...]
    standings: str
    inbox: str
    progress: str
    listed_ids: str
    reports: str
    reads: bool
    """Whether resources are read at providers."""


def rights(configuration: Configuration, process: Process, *, has_topics: bool = False) -> list[Right]:
    """Return the rights of a process; `has_topics` leaves out the rights to create and change topics."""
    return sorted(set(_OF_PROCESS[process](_names(configuration), not has_topics)))


def new_topics(configuration: Configuration) -> list[NewTopic]:
    """Return every topic that Penstock may write to, for a Kafka on which it may not create topics."""
    found, kafka = reachable(configuration), configuration.kafka
    seen_days, replication = configuration.worker.seen_days, kafka.replication
    return [
        NewTopic(
            name,
            kafka.partitions,
            replication.factor,
            {**described(name, seen_days, holds_copies=name in found.copies).settings, **replication.settings},
        )
        for name in sorted(found.topics)
    ]


def acl_commands(needed: Iterable[Right], principal: str, bootstrap_servers: str) -> Iterator[str]:
    """Yield one kafka-acls.sh command per resource."""
    for (kind, pattern, name), same in groupby(needed, lambda right: (right.kind, right.pattern, right.name)):
        operations = [part for right in same for part in ("--operation", right.operation)]
        resource = [_FLAGS[kind], name, "--resource-pattern-type", pattern]
        yield _command(
            "kafka-acls.sh", bootstrap_servers, ["--add", "--allow-principal", principal, *operations, *resource]
        )


def topic_command(topic: NewTopic, bootstrap_servers: str) -> str:
    """Return the kafka-topics.sh command that creates a topic."""
    copies = [] if topic.replication_factor < 0 else ["--replication-factor", str(topic.replication_factor)]
    settings = [part for key, value in topic.settings.items() for part in ("--config", f"{key}={value}")]
    rest = ["--topic", topic.name, "--partitions", str(topic.partitions), *copies, *settings]
    return _command("kafka-topics.sh", bootstrap_servers, ["--create", "--if-not-exists", *rest])


def _command(program: str, bootstrap_servers: str, arguments: Sequence[str]) -> str:
    return shlex.join(
        [program, "--bootstrap-server", bootstrap_servers, "--command-config", "admin.properties", *arguments]
    )


def _names(configuration: Configuration) -> Names:
    found, app = reachable(configuration), configuration.worker.app
    providers = sorted({source.provider for source in configuration.sources})
    own = tuple(f"{kind}.{provider}." for kind in ("changes", "state") for provider in providers)
    return Names(
        f"penstock.{app}",
        _patterns(found.changes, own),
        _patterns(found.state, own),
        _patterns(found.copies, own),
        changelog_topic(app, "seen"),
        changelog_topic(app, "latest"),
        fetches_topic(app),
        tuple(delay_topic(app, delay) for delay in DELAYS_S),
        standings_topic(app),
        reconciliation_topic(app),
        progress_topic(app),
        listed_ids_topic(app),
        reports_topic(app),
        any(source.reads for source in configuration.sources),
    )


def _patterns(topics: Iterable[str], prefixes: Sequence[str]) -> tuple[tuple[Pattern, str], ...]:
    found: set[tuple[Pattern, str]] = set()
    for topic in topics:
        prefix = next((prefix for prefix in prefixes if topic.startswith(prefix)), None)
        found.add(("literal", topic) if prefix is None else ("prefixed", prefix))
    return tuple(sorted(found))


def _on(kind: Kind, name: str, *operations: str) -> Iterator[Right]:
    yield from (Right(kind, "literal", name, operation) for operation in operations)


def _each(topics: Iterable[tuple[Pattern, str]], *operations: str) -> Iterator[Right]:
    yield from (Right("topic", pattern, name, operation) for pattern, name in topics for operation in operations)


def _ingress(_names: Names, creates: bool) -> Iterator[Right]:
    """Write implies Describe, and an idempotent producer needs no further right since Kafka 2.8 (KIP-679)."""
    yield from _on("topic", RAW, "Write", *_if(creates, "Create"))


def _worker(names: Names, creates: bool) -> Iterator[Right]:
    create = _if(creates, "Create")
    yield from _on("topic", RAW, "Read", *create)
    for topic in (OUTCOMES, DEAD):
        yield from _on("topic", topic, "Write", *create)
    yield from _each((*names.changes, *names.state, *names.copies), "Write", *create)
    for changelog in (names.seen, names.latest):
        # Each start compares its settings with the configuration and, if permitted, corrects them; AlterConfigs covers both.
        # Alter adds partitions when the raw topic has gained some.
        yield from _on("topic", changelog, "Read", "Write", *create)
        yield from _on("topic", changelog, *(("AlterConfigs", "Alter") if creates else ("DescribeConfigs",)))
    yield from _on("group", names.group, "Read")
    yield from _on("group", f"{names.group}-restore", "Describe")  # librdkafka looks up its coordinator in any case
    yield Right("transactional-id", "prefixed", f"{names.group}.", "Write")  # what follows is the worker's id
    if names.reads:
        yield from _hydration(names, create)


def _hydration(names: Names, create: Sequence[str]) -> Iterator[Right]:
    """Its transactional id begins like the worker's: `penstock.<app>.hydration.<worker id>`."""
    yield from _on("topic", RAW, "Write")  # what was read
    for topic in (PENDING, names.standings):
        yield from _on("topic", topic, "Write", *create)
    for topic in (names.fetches, *names.delays):
        yield from _on("topic", topic, "Read", "Write", *create)
    yield from _on("group", f"{names.group}.hydration", "Read")
    yield from _reconciliation(names, create)


def _reconciliation(names: Names, create: Sequence[str]) -> Iterator[Right]:
    """Its transactional id begins like the worker's; it reads the changelog of *latest* as the restore does."""
    for topic in (names.inbox, names.progress, names.listed_ids):
        yield from _on("topic", topic, "Read", "Write", *create)
    yield from _on("topic", names.reports, "Write", *create)
    yield from _on("group", f"{names.group}.reconcile", "Read")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _load(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", OUTCOMES, "Read")
    yield from _each(names.changes, "Read")
    # It commits its offsets to the group, for tools that show the lag.
    yield from _on("group", f"{names.group}.warehouse", "Read")


def _rebuild(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", OUTCOMES, "Read")
    yield from _each((*names.changes, *names.state), "Read")
    yield from _on("group", f"{names.group}.warehouse.rebuild", "Read")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _tail(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _each(names.changes, "Read")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _explain(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", RAW, "Read")
    yield from _on("topic", OUTCOMES, "Read")
    yield from _each(names.changes, "Read")
    yield from _on("group", names.group, "Describe")
    if names.reads:
        yield from _on("topic", PENDING, "Read")
        yield from _on("topic", names.standings, "Read")


def _state(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", RAW, "Describe")
    yield from _on("topic", names.latest, "Read")
    yield from _on("topic", names.seen, "Read")
    yield from _on("group", names.group, "Describe")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _replay(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", RAW, "Read", "Write")  # Write: the corrections; --dry-run does not need it
    yield from _on("topic", OUTCOMES, "Read")
    yield from _on("topic", names.latest, "Read")
    yield from _each((*names.changes, *names.state), "Read")
    yield from _on("group", names.group, "Describe")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _dead(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", RAW, "Read", "Write")  # Write: what is sent; `list` and `show` do not need it
    yield from _on("topic", OUTCOMES, "Read")
    yield from _on("topic", DEAD, "Read")
    yield from _on("group", names.group, "Describe")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _pending(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", PENDING, "Read")
    yield from _on("topic", names.standings, "Read", "Write")  # Write, as on the raw topic: `give-up` alone
    yield from _on("topic", names.fetches, "Write")  # `now` alone, which also reads the raw topic
    yield from _on("topic", RAW, "Read", "Write")
    yield from _on("group", names.group, "Describe")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _reconcile(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", names.inbox, "Write")  # `--last` does not need it
    yield from _on("topic", names.progress, "Read")
    yield from _on("topic", names.reports, "Read")
    yield from _on("group", names.group, "Describe")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _check(names: Names, _creates: bool) -> Iterator[Right]:
    yield from _on("topic", RAW, "Read")  # for the renderings seen
    yield from _on("topic", OUTCOMES, "Read")  # for times that cannot be read
    yield from _each(names.state, "Read")
    yield from _on("group", CONSOLE_GROUP, "Describe")


def _if(is_needed: bool, *operations: str) -> tuple[str, ...]:
    return operations if is_needed else ()


_OF_PROCESS: Mapping[Process, Callable[[Names, bool], Iterator[Right]]] = {
    "ingress": _ingress,
    "worker": _worker,
    "load": _load,
    "rebuild": _rebuild,
    "tail": _tail,
    "explain": _explain,
    "state": _state,
    "replay": _replay,
    "dead": _dead,
    "pending": _pending,
    "reconcile": _reconcile,
    "check": _check,
}
PROCESSES = tuple(_OF_PROCESS)

"""The ACLs that `penstock acls` prints are sufficient and minimal; the authorizer's own log proves both."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by its documentation
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from config import loading
from console.check.acls import CONSOLE_GROUP
from ingress.delivery.publisher import ensure_raw_topic
from ingress.settings import ingress_settings
from schemas.topics import RAW
from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.serving import serving
from tests.support.kafka.secure_kafka import Decision, Rule, SecureKafka
from tests.support.processes.ingress import IngressProcess
from tests.support.processes.secure_site import PLAIN, TIMEOUT_S, Site, as_user, post
from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]


@pytest.fixture
def site(secure: SecureKafka, registry: str, tmp_path: Path) -> Site:
    """Give a site on a broker without ACLs and topics."""
    secure.revoke_all()
    remove_topics(secure)
    return Site(secure, registry, tmp_path)


def remove_topics(secure: SecureKafka) -> None:
    """Remove every non-internal topic, including one created so recently that the broker does not list it yet."""

    def are_gone() -> bool:
        made = own_topics(secure)
        for future in secure.admin.delete_topics(made).values() if made else ():
            with contextlib.suppress(KafkaException):  # already being deleted; the next listing shows it
                future.result()
        return not made

    until(are_gone, TIMEOUT_S, "the topics are gone")


def own_topics(secure: SecureKafka) -> list[str]:
    """Return the topics that are not internal to Kafka."""
    return [name for name in secure.admin.list_topics(timeout=10).topics if not name.startswith("__")]


def judge(decisions: list[Decision], granted: list[Rule]) -> None:
    """Fail where an operation was denied, or where an ACL allowed nothing that no other ACL allows."""
    denied = {
        (each.principal, each.operation, each.kind, each.name, each.request)
        for each in decisions
        if each.verdict != "Allowed"
    }
    assert not denied

    used = {each.rule for each in decisions if each.rule is not None and each.rule.operation == each.operation}
    assert {rule for rule in granted if rule not in used and not is_used_by_chance(rule)} == set()


def is_used_by_chance(rule: Rule) -> bool:
    """Say whether a read-only consumer may end before librdkafka looks up its group's coordinator, which it does by default.

    Where the lookup happens and is denied, the consumer fails.
    """
    return rule.kind == "GROUP" and (rule.name == CONSOLE_GROUP or rule.name.endswith("-restore"))


def test_rights_with_topics_made_by_penstock(site: Site) -> None:
    """From an empty Kafka to changes; then with more partitions and foreign settings on the changelogs."""
    secure, granted = site.secure, site.rules("ingress", "worker")
    secure.grant(granted)
    since = secure.size()
    make_raw_as_ingress(site)
    remove_topics(secure)

    with site.worker() as workers:
        until(lambda: workers.is_ready(0), TIMEOUT_S, "the worker is ready")
        with site.ingress() as opened:
            opened.until_ready()
            assert post(opened, "one") == 200
            assert post(opened, "broken", b"no JSON") == 200
            site.until_changed("one")
        changelogs = [f"penstock.{site.app}.{table}-changelog" for table in ("seen", "latest")]
        workers.kill(0)
        widen(secure, changelogs)
        workers.start(0)
        until(lambda: partitions(secure, changelogs[0]) == 2, TIMEOUT_S, "the changelog has more partitions")
        until(lambda: workers.is_ready(0), TIMEOUT_S, "the worker is ready again")

    judge(secure.decisions(since), granted)


def test_rights_with_topics_made_beforehand(site: Site) -> None:
    """With the topics of `penstock acls --topics-exist` in place, no process creates or alters topics or needs ACLs for it."""
    secure, granted = site.secure, site.rules("ingress", "worker", topics_exist=True)
    assert not {rule for rule in granted if rule.operation in {"CREATE", "ALTER", "ALTER_CONFIGS"}}
    make_topics(site)
    secure.grant(granted)
    since, before = secure.size(), sorted(own_topics(secure))

    with site.worker() as workers, site.ingress() as opened:
        opened.until_ready()
        assert post(opened, "one") == 200
        assert post(opened, "broken", b"no JSON") == 200
        site.until_changed("one")
        workers.kill(0)
        with as_user("penstock-worker"):
            workers.start(1)  # with an empty disk: it restores from the changelogs
        until(lambda: workers.is_ready(1), TIMEOUT_S, "another worker is ready")

    judge(secure.decisions(since), granted)
    assert sorted(own_topics(secure)) == before


def test_rights_of_commands(site: Site) -> None:
    """Each command works with its own ACLs alone."""
    secure = site.secure
    secure.grant(site.rules("ingress", "worker"))
    with site.worker(), site.ingress() as opened:
        opened.until_ready()
        assert post(opened, "broken", b"no JSON") == 200
        assert post(opened, "one") == 200
        site.until_changed("one")
    commands: dict[str, list[tuple[str, ...]]] = {
        "tail": [("tail", "--from-beginning", "--max", "1")],
        "explain": [("explain", "delivery-one")],
        "state": [("state", "get", "one"), ("state", "count", "--seen")],
        "replay": [("replay", "--dry-run", "--since", "1h")],
        "dead": [
            ("dead", "show", "delivery-broken"),
            ("dead", "drop", "delivery-broken", "--because", "x", "--wait", "0"),
            ("dead", "list"),  # no worker runs, so it reads the undecided drop on the raw topic
        ],
        "check": [("check", "--online")],
    }
    for process, runs in commands.items():
        granted = site.rules(process, principal="User:penstock-console")
        secure.grant(granted)
        since = secure.size()

        for arguments in runs:
            done = site.run(*arguments)
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)

        seen = [each for each in secure.decisions(since) if each.principal == "User:penstock-console"]
        judge(
            seen, [rule for rule in granted if rule.operation != "WRITE" or process == "dead"]
        )  # else only corrections
        secure.revoke(granted)


def test_rights_of_reading(site: Site) -> None:
    """A worker that reads a store, and a person who sees, hastens and ends what waits, each with its own ACLs alone."""
    fake = FakeBigCommerce(Clock(datetime.now(UTC), speed=1.0))
    fake.add_store("s1", "token")
    without = set(site.rules("worker"))
    with serving(bigcommerce_app(fake), fake.faults) as server:
        site.more = STORE.format(url=server.url)
        secure, worker = site.secure, site.rules("worker")
        person = list(dict.fromkeys(site.rules("explain", "pending", "reconcile", principal="User:penstock-console")))
        secure.grant([*site.rules("ingress"), *worker, *person])
        since = secure.size()
        with site.worker() as workers, site.ingress() as opened:
            opened.until_ready()
            until(lambda: workers.is_ready(0), TIMEOUT_S, "the worker is ready")
            call(opened, fake, 7)
            until(lambda: any("products" in seen.path for seen in fake.seen), TIMEOUT_S, "it is read")
            until(lambda: waiting(site) == [], TIMEOUT_S, "nothing waits")
            reconcile(site, fake)
            fake.faults.outage()
            call(opened, fake, 8)
            until(lambda: any(one["tries"] for one in waiting(site)), TIMEOUT_S, "a read has failed")
            assert site.run("pending", "now", "call-8", "--wait", "0").returncode == 0
            assert site.run("explain", "call-8").returncode == 0
            done = site.run("pending", "give-up", "call-8", "--because", "x", "--wait", "60")
            assert done.returncode == 0, done.stderr

    # Only a third failure is written to a delay topic, and only a worker that goes on with another's lists reads their progress.
    kept = (".reconcile-progress", ".reconcile-ids")
    rare = [rule for rule in worker if rule.operation == "WRITE" and ".fetches." in rule.name]
    rare += [rule for rule in worker if rule.operation == "READ" and rule.name.endswith(kept)]
    reading = [rule for rule in worker if rule not in without and rule not in rare]
    judge(
        secure.decisions(since),
        [*reading, *(rule for rule in person if "fetch" in rule.name or "reconcile" in rule.name)],
    )


STORE = """
[[sources]]
name = "store"
provider = "bigcommerce"
verify = "none"
api_token = "text:token"
api_url = "{url}"
"""


def call(opened: IngressProcess, fake: FakeBigCommerce, number: int) -> None:
    """Post the callback about a product that the store has now."""
    notice = fake.put("s1", "product", product(number, fake.clock.now()))[0]
    headers = {"webhook-id": f"call-{number}", "content-type": "application/json"}
    assert opened.post("/v1/store", notice.body, headers).status_code == 200


def reconcile(site: Site, fake: FakeBigCommerce) -> None:
    """Compare the store, which has a product that no callback told of, and show the report."""
    fake.put("s1", "product", product(9, fake.clock.now()))
    for arguments in (("--source", "store", "--resource", "product", "--wait", "90"), ("--last",)):
        done = site.run("reconcile", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def waiting(site: Site) -> list[dict[str, Any]]:
    """Return what `penstock pending list` shows."""
    done = site.run("pending", "list", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_rights_of_the_loader(site: Site, tmp_path: Path) -> None:
    """The loader and a rebuild work with their own ACLs alone, as one user, and commit the offsets that show the lag."""
    secure = site.secure
    secure.grant(site.rules("ingress", "worker"))
    with site.worker(), site.ingress() as opened:
        opened.until_ready()
        assert post(opened, "one") == 200
        site.until_changed("one")
    granted = site.rules("load", principal="User:penstock-console")
    secure.grant(granted)
    since = secure.size()

    with site.loader(tmp_path / "data") as loading:
        until(lambda: loading.shows("one"), TIMEOUT_S, "a row")
    judge([each for each in secure.decisions(since) if each.principal == "User:penstock-console"], granted)
    secure.revoke(granted)

    granted = site.rules("rebuild", principal="User:penstock-console")
    secure.grant(granted)
    since = secure.size()
    done = site.run("warehouse", "rebuild", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    judge([each for each in secure.decisions(since) if each.principal == "User:penstock-console"], granted)


@pytest.mark.parametrize(
    ("kind", "operation", "said"),
    [
        ("TRANSACTIONAL_ID", "WRITE", "Transactional Id authorization failed"),
        ("GROUP", "READ", "Group authorization failed"),
    ],
)
def test_worker_without_one_right_says_which(site: Site, kind: str, operation: str, said: str) -> None:
    """The log names a missing ACL; once granted, it takes effect without a restart."""
    secure, granted = site.secure, site.rules("worker")
    secure.grant(granted)
    taken = [rule for rule in granted if (rule.kind, rule.operation) == (kind, operation)]
    secure.revoke(taken)

    with site.worker() as workers:
        until(lambda: said.lower() in workers.log(0).read_text().lower(), TIMEOUT_S, f"{said} is logged")
        assert not workers.is_ready(0)


def make_raw_as_ingress(site: Site) -> None:
    """Create the raw topic with the ingress's ACLs, then with the worker's: the process that starts first creates it."""
    folder = site.folder("penstock-ingress")
    (folder / "penstock.toml").write_text(site.configuration(PLAIN, "sasl"))
    loaded = loading.load(folder / "penstock.toml", {})
    assert ensure_raw_topic(ingress_settings(loaded, {"KAFKA_USERNAME": "penstock-ingress"}))
    until(lambda: RAW in own_topics(site.secure), TIMEOUT_S, "the broker lists the topic, so that it can be removed")


def make_topics(site: Site) -> None:
    """Create the printed topics, as an administrator does."""
    made = [line["topic"] for line in site.needs("ingress", topics_exist=True) if "topic" in line]
    new = [
        NewTopic(each["name"], each["partitions"], each["replication_factor"], config=each["settings"]) for each in made
    ]
    for future in site.secure.admin.create_topics(new).values():
        future.result()


def widen(secure: SecureKafka, changelogs: list[str]) -> None:
    """Give the raw topic a second partition, and the changelogs a limit that Penstock did not set."""
    secure.admin.create_partitions([NewPartitions(RAW, 2)])[RAW].result()
    for name in changelogs:
        resource = ConfigResource(ResourceType.TOPIC, name)
        entry = ConfigEntry("max.message.bytes", "1000000", incremental_operation=AlterConfigOpType.SET)
        resource.add_incremental_config(entry)
        secure.admin.incremental_alter_configs([resource])[resource].result()


def partitions(secure: SecureKafka, topic: str) -> int:
    """Return the number of a topic's partitions, 0 while it does not exist."""
    with contextlib.suppress(KafkaException):
        return len(secure.admin.list_topics(topic, timeout=10).topics[topic].partitions)
    return 0

"""An ingress, a worker and commands on a Kafka with users and ACLs; one source, three routes."""

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer

from broker.schema_registry import Registry
from config.loading import load
from local.guard import spawn
from providers.base import Sample
from providers.registry import provider
from sinks.warehouse.errors import WarehouseError
from sinks.warehouse.query import result
from sinks.warehouse.settings import warehouse_settings
from tests.support.kafka.secure_kafka import USERS, Rule, SecureKafka
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.workers import Workers, running
from tests.support.waiting import until

TIMEOUT_S = 120.0  # a loaded machine takes 40 s for 3 s of work on a quiet one
COMMAND_TIMEOUT_S = 120
SECRET = b"made-up"
REGISTRY_USER, REGISTRY_PASSWORD = "penstock-schemas", "schema-secret"
PLAIN = """
[kafka]
bootstrap_servers = "kafka.example.com:9093"
[kafka.options]
security.protocol = "SASL_SSL"
ssl.ca.location = "ca.pem"
sasl.mechanism = "PLAIN"
sasl.username = "env:KAFKA_USERNAME"
sasl.password = "file:password"
"""
_REST = """
[worker]
app = "{app}"
[ingress]
spool = false
[[sources]]
name = "acme"
provider = "generic"
secrets = ["text:made-up"]
options = {{ resource_types = ["thing"] }}
[[routes]]
name = "all"
[[routes]]
name = "vip"
topic = "{app}.vip"
priority = "high"
[[routes]]
name = "copies"
mode = "raw"
topic = "{app}.copies"
"""


class Site:
    """Processes of one application; each has a directory with its configuration and its own credentials."""

    def __init__(self, secure: SecureKafka, registry: str, directory: Path) -> None:
        self.secure = secure
        self.registry = registry
        self.registry_text = f'[registry]\nurl = "{registry}"\n'  # for ingress and worker
        self.app = f"app-{uuid.uuid4().hex[:8]}"
        self.more = ""  # of every process's configuration
        self._directory = directory

    def configuration(self, login: str, listener: str) -> str:
        """Return a penstock.toml that logs in with the given text, which contains the addresses of an example."""
        token_url = f"https://127.0.0.1:{self.secure.tokens.server_port}/token"
        login = login.replace("kafka.example.com:9093", self.secure.address(listener))
        login = login.replace("https://login.example.com/oauth2/token", token_url)
        login = login.replace("[kafka]\n", "[kafka]\npartitions = 1\n")
        return login + self.registry_text + _REST.format(app=self.app) + self.more

    def folder(self, user: str) -> Path:
        """Return a user's directory, with the files needed to log in."""
        folder = self._directory / user
        if not folder.exists():
            folder.mkdir()
            self.secure.authority.write(folder / "ca.pem")
            certificate, key = self.secure.authority.issue(folder, user, b"seal")
            certificate.rename(folder / "client.pem")
            key.rename(folder / "client.key")
            (folder / "password").write_text(f"{USERS[user]}\n")
            (folder / "key-password").write_text("seal\n")
            (folder / "registry-password").write_text(f"{REGISTRY_PASSWORD}\n")
        return folder

    @contextlib.contextmanager
    def ingress(self, login: str = PLAIN, listener: str = "sasl") -> Iterator[IngressProcess]:
        """Give a running ingress."""
        with (
            as_user("penstock-ingress"),
            running_ingress(self.folder("penstock-ingress"), self.configuration(login, listener)) as opened,
        ):
            yield opened

    @contextlib.contextmanager
    def worker(self, login: str = PLAIN, listener: str = "sasl") -> Iterator[Workers]:
        """Give a running worker, ready or not."""
        with (
            as_user("penstock-worker"),
            running(self.folder("penstock-worker"), self.configuration(login, listener)) as workers,
        ):
            workers.start(0)
            yield workers

    @contextlib.contextmanager
    def loader(self, data_dir: Path, user: str = "penstock-console") -> Iterator["SecureLoader"]:
        """Give a running loader whose warehouse is in a directory."""
        folder = self.folder(user)
        configuration = folder / "loader.toml"
        configuration.write_text(
            self.configuration(PLAIN, "sasl") + "[warehouse]\nbatch_s = 0.1\noperations_port = 0\n"
        )
        command = [str(Path(sys.executable).parent / "penstock"), "load", "--config", str(configuration)]
        with as_user(user):
            child = spawn([*command, "--data-dir", str(data_dir)], log=folder / "loader.log")
        try:
            yield SecureLoader(configuration, data_dir, folder / "loader.log")
            assert child.stop(60) == 0, (folder / "loader.log").read_text()[-3_000:]
        finally:
            child.kill()

    def run(self, *arguments: str, user: str = "penstock-console") -> subprocess.CompletedProcess[str]:
        """Return the result of a command, run by a user in a directory other than the configuration's."""
        path = self.folder(user) / "penstock.toml"
        path.write_text(self.configuration(PLAIN, "sasl"))
        command = [str(Path(sys.executable).parent / "penstock"), *arguments, "--config", str(path)]
        with as_user(user):
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S)

    def rules(self, *processes: str, principal: str | None = None, topics_exist: bool = False) -> list[Rule]:
        """Return the ACLs that `penstock acls` prints."""
        return [
            _rule(line)
            for line in self.needs(*processes, principal=principal, topics_exist=topics_exist)
            if "kind" in line
        ]

    def needs(self, *processes: str, principal: str | None = None, topics_exist: bool = False) -> list[dict[str, Any]]:
        """Return the output of `penstock acls --json`."""
        options = ["--json", *(["--topics-exist"] if topics_exist else [])]
        options += [] if principal is None else ["--principal", principal]
        done = self.run("acls", *processes, *options)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def changes(self) -> list[str]:
        """Return the ids of the things that this application has published changes of, as the administrator reads them."""
        settings = {"bootstrap.servers": self.secure.address("plain"), "group.id": "secure-site", "log_level": 0}
        consumer = Consumer({**settings, "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
        found, topic = [], f"{self.app}.vip.high"
        with contextlib.closing(consumer), contextlib.closing(Registry(self.registry)) as registry:
            if topic not in consumer.list_topics(timeout=10).topics:
                return []
            consumer.subscribe([topic])
            found = [registry.decode(message.value() or b"") for message in _all(consumer)]
        return [str(change["resource_id"]) for change in found]

    def until_changed(self, thing: str) -> None:
        """Wait for a thing's change."""
        until(lambda: thing in self.changes(), TIMEOUT_S, f"the change of {thing}")


class SecureLoader:
    """What a loader of a site has written."""

    def __init__(self, configuration: Path, data_dir: Path, log: Path) -> None:
        self._settings = warehouse_settings(load(configuration, {}), data_dir)
        self._log = log

    def shows(self, thing: str) -> bool:
        """Say whether a thing has a row and its delivery an outcome."""
        try:
            things = result(self._settings, f"FROM acme.thing WHERE id = '{thing}'").num_rows  # a name of the tests
            return bool(things and result(self._settings, "FROM _penstock_outcomes").num_rows)
        except WarehouseError:  # no table yet
            return False


def post(opened: IngressProcess, thing: str, body: bytes | None = None) -> int:
    """Return the status of a delivery about a thing."""
    content = b'{"id":"%b","updated_at":"2026-11-21T10:00:00Z"}' % thing.encode() if body is None else body
    sample = Sample(content, "thing.updated", f"delivery-{thing}", datetime.now(UTC))
    return opened.post("/v1/acme", content, provider("generic").sign(sample, SECRET)).status_code


@contextlib.contextmanager
def as_user(user: str) -> Iterator[None]:
    """Let processes that are started in the block log in as a user."""
    mine: Mapping[str, str] = {
        "KAFKA_USERNAME": user,
        "KAFKA_CLIENT_SECRET": USERS[user],
        "REGISTRY_USERNAME": REGISTRY_USER,
    }
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _all(consumer: Consumer) -> Iterator[Any]:
    while (message := consumer.poll(3.0)) is not None:
        if message.error() is None:
            yield message


def _rule(line: dict[str, Any]) -> Rule:
    operation = "".join(f"_{letter}" if letter.isupper() else letter for letter in line["operation"]).strip("_").upper()
    kind = line["kind"].upper().replace("-", "_")
    return Rule(line["principal"], operation, kind, line["pattern"].upper(), line["name"])

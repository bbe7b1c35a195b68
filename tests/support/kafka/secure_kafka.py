"""A Kafka as companies run it: TLS by a private authority, a listener for each way to log in, access only by ACL.

The plain listener is the administrator's, and the broker's own; there is no other super user. The authorizer's decisions are
written to `authorizer.log`, allowed and denied, with the ACL that allowed it.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by its documentation
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from msgspec import Struct

from local import kafka, ports
from tests.support.kafka.certificates import Authority
from tests.support.kafka.token_server import AUDIENCE, ISSUER, TokenServer, token_server

USERS = {"penstock-ingress": "ingress-secret", "penstock-worker": "pipe-secret", "penstock-console": "look-secret"}
"""Made-up users that every way to log in knows, with their passwords."""

_DECISION = re.compile(
    r"Principal = (?P<principal>\S+) is (?P<verdict>Allowed|Denied) operation = (?P<operation>\w+) .*?"
    r"on resource = (?P<kind>\w+):(?P<pattern>\w+):(?P<name>\S+) for request = (?P<request>\w+).*?based on rule (?P<rule>.*)"
)
_RULE = re.compile(
    r"resourceType=(?P<kind>\w+), resourceName=(?P<name>[^,]+), patternType=(?P<pattern>\w+), "
    r"principal=(?P<principal>[^,]+), host=\*, operation=(?P<operation>\w+)"
)
_LOGGING = """
status = WARN
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
appender.decisions.type = File
appender.decisions.name = decisions
appender.decisions.fileName = {file}
appender.decisions.layout.type = PatternLayout
appender.decisions.layout.pattern = %m%n
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
logger.authorizer.name = kafka.authorizer.logger
logger.authorizer.level = DEBUG
logger.authorizer.additivity = false
logger.authorizer.appenderRef.decisions.ref = decisions
"""


class Rule(Struct, frozen=True):
    """One operation that one principal may do, in Kafka's terms."""

    principal: str
    operation: str
    kind: str
    pattern: str
    name: str


class Decision(Struct, frozen=True):
    """The authorizer's decision about a request, and the ACL behind it."""

    principal: str
    verdict: str
    operation: str
    kind: str
    name: str
    request: str
    rule: Rule | None


class SecureKafka:
    """A broker with listeners `plain` (administrator), `sasl` (PLAIN, SCRAM-SHA-512), `oauth` and `mtls`."""

    def __init__(self, directory: Path, authority: Authority, tokens: TokenServer) -> None:
        self.directory = directory
        self.authority = authority
        self.tokens = tokens
        self.ports = {name: ports.free_port() for name in ("plain", "sasl", "oauth", "mtls")}
        self.admin: AdminClient

    @property
    def decisions_file(self) -> Path:
        """Return the file of the authorizer's log."""
        return self.directory / "authorizer.log"

    def address(self, listener: str) -> str:
        """Return the address of a listener."""
        return f"{ports.HOST}:{self.ports[listener]}"

    def properties(self) -> dict[str, str]:
        """Return the broker's settings."""
        listeners = {name.upper(): self.address(name) for name in ("sasl", "oauth", "mtls")}
        plain, controller = self.address("plain"), f"{ports.HOST}:{ports.free_port()}"
        advertised = ",".join([f"PLAINTEXT://{plain}", *(f"{name}://{place}" for name, place in listeners.items())])
        return {
            "listeners": f"{advertised},CONTROLLER://{controller}",
            "advertised.listeners": advertised,
            "controller.quorum.voters": f"{kafka.NODE_ID}@{controller}",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,OAUTH:SASL_SSL,MTLS:SSL",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:ANONYMOUS",  # clients of the plain listener
            **self._tls(),
            **self._sasl(),
        }

    def _tls(self) -> dict[str, str]:
        certificate, key = self.authority.issue(self.directory, "broker")
        (self.directory / "broker-both.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
        self.authority.write(self.directory / "ca.pem")
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.directory / "broker-both.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.directory / "ca.pem"),
            "listener.name.mtls.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=(.*?)$/$1/",
        }

    def _sasl(self) -> dict[str, str]:
        users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
        modules = "org.apache.kafka.common.security"
        keys = self.directory / "jwks.json"
        self.tokens.write_keys(keys)
        oauth = "listener.name.oauth.oauthbearer"
        return {
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required {users};",
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;",
            "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
            f"{oauth}.sasl.jaas.config": f"{modules}.oauthbearer.OAuthBearerLoginModule required;",
            f"{oauth}.sasl.server.callback.handler.class": f"{modules}.oauthbearer.OAuthBearerValidatorCallbackHandler",
            f"{oauth}.sasl.oauthbearer.jwks.endpoint.url": keys.as_uri(),
            f"{oauth}.sasl.oauthbearer.expected.audience": AUDIENCE,
            f"{oauth}.sasl.oauthbearer.expected.issuer": ISSUER,
        }

    def java_options(self) -> tuple[str, ...]:
        """Return Java's options: where decisions are logged, and which key set may be read."""
        logging = self.directory / "log4j2.properties"
        logging.write_text(_LOGGING.format(file=self.decisions_file))
        allowed = (self.directory / "jwks.json").as_uri()
        return (
            f"-Dlog4j2.configurationFile={logging}",
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={allowed}",
        )

    def add_scram_users(self) -> None:
        """Let the users log in with SCRAM-SHA-512 too."""
        how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, how, word.encode()) for user, word in USERS.items()
        ]
        for future in self.admin.alter_user_scram_credentials(wanted).values():
            future.result()

    def grant(self, rules: list[Rule]) -> None:
        """Grant ACLs, on top of existing ones."""
        for future in self.admin.create_acls([_binding(rule) for rule in rules]).values():
            future.result()

    def revoke(self, rules: list[Rule]) -> None:
        """Revoke ACLs."""
        filters = [_filter(rule) for rule in rules]
        for future in self.admin.delete_acls(filters).values():
            future.result()

    def revoke_all(self) -> None:
        """Revoke every ACL."""
        name = principal = host = cast(str, None)  # any; confluent-kafka's annotations do not say so
        everything = AclBindingFilter(
            ResourceType.ANY, name, ResourcePatternType.ANY, principal, host, AclOperation.ANY, AclPermissionType.ANY
        )
        for future in self.admin.delete_acls([everything]).values():
            future.result()

    def size(self) -> int:
        """Return the authorizer log's length, to read on from there."""
        return self.decisions_file.stat().st_size

    def decisions(self, since: int = 0) -> list[Decision]:
        """Return the authorizer's decisions about all principals except the administrator."""
        with self.decisions_file.open() as file:
            file.seek(since)
            found = [_decision(line) for line in file]
        return [decision for decision in found if decision.principal != "User:ANONYMOUS"]


@contextlib.contextmanager
def secure_kafka(directory: Path) -> Iterator[SecureKafka]:
    """Give a broker that is ready, and ends with the block."""
    authority = Authority()
    with token_server(USERS, *authority.issue(directory, "tokens")) as tokens:
        secure = SecureKafka(directory, authority, tokens)
        options = kafka.KafkaOptions(properties=secure.properties(), java=secure.java_options())
        running = kafka.start_kafka(directory / "kafka", secure.ports["plain"], options)
        try:
            secure.admin = AdminClient({"bootstrap.servers": running.bootstrap_servers, "log_level": 0})
            secure.add_scram_users()
            yield secure
        finally:
            running.stop()


def _binding(rule: Rule) -> AclBinding:
    return AclBinding(*_parts(rule), AclPermissionType.ALLOW)


def _filter(rule: Rule) -> AclBindingFilter:
    return AclBindingFilter(*_parts(rule), AclPermissionType.ALLOW)


def _parts(rule: Rule) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation]:
    kind = {"CLUSTER": "BROKER"}.get(rule.kind, rule.kind)  # librdkafka's word
    return (
        ResourceType[kind],
        rule.name,
        ResourcePatternType[rule.pattern],
        rule.principal,
        "*",
        AclOperation[rule.operation],
    )


def _decision(line: str) -> Decision:
    found = _DECISION.search(line)
    assert found, f"a line of the authorizer that this test cannot read: {line}"
    rule = _RULE.search(found["rule"])
    by = (
        None
        if rule is None
        else Rule(rule["principal"], rule["operation"], rule["kind"], rule["pattern"], rule["name"])
    )
    return Decision(
        found["principal"], found["verdict"], found["operation"], found["kind"], found["name"], found["request"], by
    )

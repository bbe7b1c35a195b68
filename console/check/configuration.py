"""The findings of `penstock check`: in the configuration alone, and in the Kafka and the registry that it names."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from confluent_kafka import KafkaException

from broker import clients
from broker.errors import RegistryError
from broker.kafka_options import option_problems, plain_secrets
from broker.registry_http import registry_access
from broker.schema_registry import Registry
from config.model import Configuration, Route, Source, file_of, shown_reference
from config.mounted_files import ADVICE, frozen, mount_points
from config.names import PUBLISHED
from config.problems import ConfigurationError, key_text
from config.secrets import kafka_options, resolve_secret
from config.toml_lines import Location, key_lines, line_of
from console.abridged import listed
from console.check.secret_files import open_secret_files, secret_files
from console.check.warehouse import warehouse_problems
from ingress.admission.networks import allowlist, published
from ingress.server.tls import tls_files
from providers.registry import provider_of
from providers.secret_forms import secret_fault
from schemas.topics import OUTCOMES, RAW
from streams.worker.settings import filter_problems

ONLINE_TIMEOUT_S = 5.0
NETWORKS_AGE = timedelta(days=90)  # GitHub and Stripe both added some in 2026
EXPIRES_SOON = timedelta(days=14)  # long enough for a holiday
DEMO_SECRET = "text:"  # noqa: S105 - how a reference begins, not a secret
NEEDED_TOPICS = (RAW, OUTCOMES)


Level = Literal["problem", "warning", "fine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, with its position in the file."""

    level: Level
    text: str


OF_MANY_TENANTS = {"shopify": "shops", "bigcommerce": "stores"}
"""Providers whose apps post for many accounts to one address, and what their tenants are."""


@dataclass(frozen=True, slots=True)
class Locations:
    """The positions of keys in the configuration file."""

    path: Path
    lines: Mapping[Location, int]

    def of(self, *location: str | int) -> str:
        """Return the position of a key as `penstock.toml:12: sources[1].secrets[0]`."""
        return f"{self.path}:{line_of(location, self.lines)}: {key_text(location)}"


def offline_findings(
    configuration: Configuration, path: Path, environ: Mapping[str, str], today: date, data_dir: Path = Path()
) -> list[Finding]:
    """Return the errors and doubts about a configuration that loads, secrets first."""
    locations = Locations(path, key_lines(path.read_text(encoding="utf-8")))
    findings = (
        [] if configuration.sources else [Finding("warning", f"{path}: no [[sources]], every post is answered 404")]
    )
    for index, source in enumerate(configuration.sources):
        findings += _source_findings(index, source, locations, today)
        findings += _secret_findings(index, source, locations, environ)
        findings += _allowlist_findings(index, source, locations, today)
    findings += _secret_file_findings(configuration, locations)
    findings += _frozen_findings(configuration, locations)
    findings += _proxy_findings(configuration, locations)
    findings += _lane_findings(configuration, locations)
    findings += _certificate_findings(configuration, locations)
    findings += [Finding("problem", str(problem)) for problem in filter_problems(configuration, path)]
    findings += _option_findings(configuration, environ)
    for key, text in warehouse_problems(configuration, data_dir):
        findings.append(Finding("warning", f"{locations.of('warehouse', key)}: {text}"))
    return findings


def online_findings(configuration: Configuration, environ: Mapping[str, str]) -> list[Finding]:
    """Return findings about Kafka and the registry: unreachable services and missing topics."""
    return [*_kafka_findings(configuration, environ), _registry_finding(configuration, environ)]


def _source_findings(index: int, source: Source, locations: Locations, today: date) -> Iterator[Finding]:
    if source.verify == "none":
        yield Finding(
            "warning", f"{locations.of('sources', index, 'verify')}: {source.name} accepts every post, signed or not"
        )
    if source.paused:
        where, what = locations.of("sources", index, "paused"), listed([str(pause) for pause in source.paused])
        yield Finding("warning", f"{where}: {what} of {source.name} paused: deliveries end as filtered (paused)")
    if source.provider in OF_MANY_TENANTS and not source.tenants:
        where, tenants = locations.of("sources", index, "name"), OF_MANY_TENANTS[source.provider]
        detail = f"any of the {tenants} that have this app may post to {source.name}; list yours in tenants"
        yield Finding("warning", f"{where}: {detail}")
    if (
        (options := source.options) is not None
        and not source.tenants
        and (options.tenant_header or options.tenant_path)
    ):
        where = locations.of("sources", index, "options", "tenant_header" if options.tenant_header else "tenant_path")
        detail = f"any sender with a secret of {source.name} may post for any tenant; list yours in tenants"
        yield Finding("warning", f"{where}: {detail}")
    expiries = [secret.until for secret in source.secrets]
    if not source.secrets or None in expiries:
        return
    last = max(until for until in expiries if until is not None)
    where = locations.of("sources", index, "secrets")
    if last < today:
        yield Finding("problem", f"{where}: the last secret of {source.name} expired on {last}; every post is refused")
    elif last - today <= EXPIRES_SOON:
        yield Finding("warning", f"{where}: the last secret of {source.name} expires on {last}")


def _secret_findings(index: int, source: Source, locations: Locations, environ: Mapping[str, str]) -> Iterator[Finding]:
    scheme = provider_of(source).scheme
    for number, secret in enumerate(source.secrets):
        where = locations.of("sources", index, "secrets", number)
        try:
            fault = secret_fault(scheme, resolve_secret(secret, environ))
        except ConfigurationError as error:
            yield Finding("problem", f"{where}: {error}")
            fault = None
        if fault is not None:
            meaning = "can never match" if fault.is_certain else "may never match"
            name = shown_reference(secret.ref)
            yield Finding("problem" if fault.is_certain else "warning", f"{where}: {name} {meaning}: {fault.text}")
        if secret.ref.startswith(DEMO_SECRET):
            yield Finding("warning", f"{where}: a secret in the file itself; text: is for tests and demos")
    if source.echoes is not None and source.echoes.token is not None:
        try:
            resolve_secret(source.echoes.token, environ)
        except ConfigurationError as error:
            yield Finding("problem", f"{locations.of('sources', index, 'echoes', 'token')}: {error}")


def _secret_file_findings(configuration: Configuration, locations: Locations) -> Iterator[Finding]:
    for location, path in open_secret_files(configuration):
        yield Finding(
            "warning",
            f"{locations.of(*location)}: every user here can open {path}: chmod 600, or 640 with the group of the process",
        )


def _frozen_findings(configuration: Configuration, locations: Locations) -> Iterator[Finding]:
    named = {path: locations.of(*location) for location, path in secret_files(configuration)}
    for index, source in enumerate(configuration.sources):
        lists = (file for entry in source.allow if (file := file_of(entry)) is not None)
        named |= dict.fromkeys(lists, locations.of("sources", index, "allow"))
    mounted = mount_points()
    for path, where in {locations.path: str(locations.path), **named}.items():
        match frozen(path, mounted):
            case "replaced":
                text = (
                    f"{where}: {path} has been replaced where it was mounted from, and this is its old text; {ADVICE}"
                )
                yield Finding("problem", text)
            case "mounted_alone":
                text = f"{where}: {path} is mounted by itself, so a file that replaces it is not seen here; {ADVICE}"
                yield Finding("warning", text)


def _allowlist_findings(index: int, source: Source, locations: Locations, today: date) -> Iterator[Finding]:
    where = locations.of("sources", index, "allow")
    try:
        allowlist(source.allow, source.provider)
    except ConfigurationError as error:
        yield Finding("problem", f"{where}: {error}")
    if PUBLISHED not in source.allow:
        return
    as_of = published(source.provider).as_of
    if today - as_of > NETWORKS_AGE:
        yield Finding(
            "warning",
            f"{where}: what {source.provider} publishes is known as of {as_of}; deliveries from networks added since are "
            "refused: fetch the list and give it as file:PATH (docs/operations.md)",
        )


def _proxy_findings(configuration: Configuration, locations: Locations) -> Iterator[Finding]:
    every_address = {"0.0.0.0/0", "::/0"}.intersection(configuration.ingress.trusted_proxies)
    if every_address:
        where = locations.of("ingress", "trusted_proxies")
        yield Finding(
            "warning", f"{where}: {min(every_address)} trusts every address; any client can claim any address"
        )


def _certificate_findings(configuration: Configuration, locations: Locations) -> Iterator[Finding]:
    tls = tls_files(configuration, None, None)
    if tls is None:
        return
    try:
        tls.context()
    except ConfigurationError as error:
        yield Finding("problem", f"{locations.of('ingress', 'tls_certificate')}: {error}")


def _option_findings(configuration: Configuration, environ: Mapping[str, str]) -> Iterator[Finding]:
    yield from (Finding("warning", str(problem)) for problem in plain_secrets(configuration))
    try:
        problems = option_problems(configuration, kafka_options(configuration, environ))
    except ConfigurationError as error:
        problems = list(error.problems)
    try:
        registry_access(configuration, environ)
    except ConfigurationError as error:
        problems += error.problems
    yield from (Finding("problem", str(problem)) for problem in problems)


def _lane_findings(configuration: Configuration, locations: Locations) -> Iterator[Finding]:
    changes = [(index, route) for index, route in enumerate(configuration.routes) if route.mode == "changes"]
    for number, (index, route) in enumerate(changes):
        for _, other in changes[:number]:
            if _may_split(route, other):
                where = locations.of("routes", index, "priority")
                yield Finding(
                    "warning",
                    f"{where}: with {other.name} the changes of one resource may take two lanes, "
                    "and order holds only within a lane (docs/routes.md)",
                )


def _may_split(route: Route, other: Route) -> bool:
    """Say whether two routes can send changes of one resource to different lanes of one topic."""
    if route.topic != other.topic or route.priority == other.priority:
        return False
    pairs = [(getattr(route, key), getattr(other, key)) for key in ("source", "provider", "resource")]
    meet = all(first is None or second is None or first == second for first, second in pairs)
    return meet and any(_SOME_CHANGES & side.model_fields_set for side in (route, other))


_SOME_CHANGES = frozenset({"filter", "include_fields", "operations", "event_type"})  # not every change of a resource


def _kafka_findings(configuration: Configuration, environ: Mapping[str, str]) -> Iterator[Finding]:
    servers = configuration.kafka.bootstrap_servers
    try:
        admin = clients.admin(kafka_options(configuration, environ))
        metadata = admin.list_topics(timeout=ONLINE_TIMEOUT_S)
    except ConfigurationError:
        return  # reported already
    except KafkaException as error:
        yield Finding("problem", f"Kafka at {servers}: {error.args[0].str()}")
        return
    yield Finding("fine", f"Kafka at {servers}: {len(metadata.brokers)} brokers")
    for name in NEEDED_TOPICS:
        if name in metadata.topics:
            yield _topic_finding(metadata.topics[name], len(metadata.brokers))
        else:
            yield Finding("warning", f"topic {name}: not there yet; ingress and worker create it when they start")


def _topic_finding(topic: Any, brokers: int) -> Finding:
    partitions = topic.partitions.values()
    copies = min((len(partition.replicas) for partition in partitions), default=0)
    if brokers > 1 and copies < 2:
        return Finding(
            "warning",
            f"topic {topic.topic}: on one of {brokers} brokers only, and lost with it; set [kafka] replication_factor before "
            "topics are created, and add replicas to this one with kafka-reassign-partitions",
        )
    return Finding("fine", f"topic {topic.topic}: {len(partitions)} partitions, {copies} replicas")


def _registry_finding(configuration: Configuration, environ: Mapping[str, str]) -> Finding:
    url = configuration.registry.url
    try:
        with closing(Registry(registry_access(configuration, environ))) as registry:
            registry.answers()
    except ConfigurationError as error:
        return Finding("problem", str(error))
    except RegistryError as error:
        return Finding("problem", f"schema registry at {url}: {error}")
    return Finding("fine", f"schema registry at {url}: answers")

"""Types for names, topics, resource types, networks and URLs; their validation errors say what was expected."""

import ipaddress
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from schemas.topics import OTHER, RAW

PUBLISHED = "published"  # in an allowlist: the networks that the source's provider publishes
OWN_TOPICS = (RAW, "deliveries.", "state.", "penstock.", "__")
_RESOURCE_TYPE = re.compile(r"(?=.{1,80}\Z)[a-z0-9]+(_[a-z0-9]+)*")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PASSWORD = re.compile(r"password\s*=|://[^/@]*:[^/@]*@", re.IGNORECASE)  # in libpq's two forms of a connection string
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}(/(?!\.\.?\Z)[A-Za-z0-9._-]{1,100})?")
MAX_TENANT_CHARS = 255
LANES = (".high", ".low")  # suffixes of the lanes of `priority`
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,244}")  # Kafka allows 249; a lane's suffix needs 5


def expected(words: str) -> Any:
    """Return an annotation that states in the JSON Schema, and so in docs/configuration.md, what a validator accepts."""
    return Field(json_schema_extra={"x-expected": words})


def _legal_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"expected lower-case letters, digits and hyphens, 63 at most, not starting with '-', got {name!r}"
        )
    return name


def _legal_topic(topic: str) -> str:
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        raise ValueError(f"expected a Kafka topic name: letters, digits, '.', '_', '-', 244 at most, got {topic!r}")
    if topic.startswith(OWN_TOPICS):
        raise ValueError(f"{topic!r} belongs to Penstock itself; choose another topic")
    if topic.endswith(LANES):
        base, _, priority = topic.rpartition(".")
        raise ValueError(f"{topic!r} is a lane: write topic = {base!r} and priority = {priority!r}")
    return topic


def _legal_resource_type(resource_type: str) -> str:
    if not _RESOURCE_TYPE.fullmatch(resource_type):
        raise ValueError(
            "expected a resource type as changes name it: lower-case letters, digits and single underscores between them, "
            "80 characters at most, such as price_list"
        )
    if resource_type == OTHER:
        raise ValueError(f"{OTHER!r} is the topic of all types that are not listed; leave it out")
    if f".{resource_type}" in LANES:
        raise ValueError(f"{resource_type!r} ends a topic as a lane does (docs/routes.md); leave it out")
    return resource_type


def _legal_field_path(path: str) -> str:
    parts = path.split(".")
    if not all(parts) or "/" in path or any(part.isdigit() for part in parts):
        raise ValueError(
            "expected names of fields joined by dots, without indexes of arrays, such as seen_at or variants.updated_at"
        )
    return path


def _legal_network(network: str) -> str:
    try:
        ipaddress.ip_network(network)
    except ValueError as error:
        raise ValueError(f"expected a network such as 203.0.113.0/24 or 2001:db8::/32: {error}") from error
    return network


def _legal_sender(sender: str) -> str:
    if sender == PUBLISHED or sender.startswith("file:"):
        return sender
    try:
        return _legal_network(sender)
    except ValueError as error:
        raise ValueError(f"{error}; or {PUBLISHED!r}, or file:PATH") from error


def _legal_url(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc:  # not shown: it probably contains a password
        raise ValueError(
            "expected a URL without user and password, which messages would show; write them as keys of their own"
        )
    if "," in parts.netloc:
        raise ValueError(f"expected one URL, got {url!r}; several registries need a load balancer in front")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"expected an http:// or https:// URL, got {url!r}")
    return url.rstrip("/")


def _legal_tenant(tenant: str) -> str:
    if "|" in tenant or len(tenant) > MAX_TENANT_CHARS:
        raise ValueError(f"expected at most {MAX_TENANT_CHARS} characters, no |, got {tenant[:80]!r}")
    return _not_blank(tenant)


def _any_tenant(tenant: str) -> str:
    return _legal_tenant(tenant) if tenant else tenant


def _legal_dsn(dsn: str) -> str:
    if _PASSWORD.search(dsn):  # not shown
        raise ValueError(
            "expected a connection string without password, which messages would show; write it as password"
        )
    return _not_blank(dsn)


def _legal_bucket_url(url: str) -> str:
    if not _BUCKET.fullmatch(url):
        raise ValueError(f"expected a bucket, or a part of one, as s3://bucket/prefix, got {url!r}")
    return url


def _legal_repository(name: str) -> str:
    if not _REPOSITORY.fullmatch(name):
        raise ValueError(
            f"expected a repository such as octo/hello, or an organisation such as octo, got {name[:80]!r}"
        )
    return name


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("expected some text; leave the key out instead of writing an empty one")
    return text


Name = Annotated[
    str, AfterValidator(_legal_name), expected("lower-case letters, digits and hyphens, no hyphen first, 63 at most")
]
TopicName = Annotated[
    str,
    AfterValidator(_legal_topic),
    expected(
        "letters, digits, `.`, `_` and `-`, 244 at most; no topic of Penstock's own, no `.high` or `.low` at its end"
    ),
]
ResourceType = Annotated[
    str,
    AfterValidator(_legal_resource_type),
    expected(
        "lower-case letters and digits, single underscores between them, 80 at most; not `other`, `high` or `low`"
    ),
]
FieldPath = Annotated[
    str, AfterValidator(_legal_field_path), expected("names of fields joined by dots, without indexes")
]
Repository = Annotated[str, AfterValidator(_legal_repository), expected("`owner/repository` or `organisation`")]
Network = Annotated[str, AfterValidator(_legal_network), expected("IPv4 and IPv6 networks and addresses")]
Sender = Annotated[
    str, AfterValidator(_legal_sender), expected("IPv4 and IPv6 networks and addresses, `published`, `file:PATH`")
]
Url = Annotated[str, AfterValidator(_legal_url), expected("one `http://` or `https://` URL")]
BucketUrl = Annotated[str, AfterValidator(_legal_bucket_url), expected("`s3://bucket/prefix`")]
Dsn = Annotated[str, AfterValidator(_legal_dsn), expected("libpq's connection string or URL, without password")]
Text = Annotated[str, AfterValidator(_not_blank), expected("not empty")]
AnyTenant = Annotated[
    str,
    AfterValidator(_any_tenant),
    expected("a provider's name or number of an account; empty for deliveries without one"),
]
Tenant = Annotated[str, AfterValidator(_legal_tenant), expected("a provider's name or number of an account, not empty")]

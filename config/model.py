"""The tables and keys of `penstock.toml`, their defaults and their limits."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from msgspec import Struct
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from config.names import (
    PUBLISHED,
    AnyTenant,
    BucketUrl,
    Dsn,
    FieldPath,
    Name,
    Network,
    Repository,
    ResourceType,
    Sender,
    Tenant,
    Text,
    TopicName,
    Url,
    expected,
)
from config.problems import Problem, fault, key_text
from config.toml_lines import Location, line_of

ProviderName = Literal["bigcommerce", "generic", "github", "shopery", "shopify", "standard", "stripe"]
BODY_LIMIT_BYTES = 25 * 1024 * 1024  # GitHub's largest delivery is 25 MB; no other provider sends more.
BODIES_LIMIT_BYTES = 256 * 1024 * 1024  # Ten of the largest, or 2 s of 20,000 usual ones a second before spooling.
TLS_CONNECTIONS = 1000  # 0.8 GB in the worst case; a load balancer in front needs a few dozen.
MAX_CONCURRENT = 10_000  # 5,000/s for the 2 s that Kafka may be silent before deliveries are spooled.
READABLE = ("bigcommerce", "github", "shopify", "stripe")  # providers with a client of their API
PUBLISHING = ("github", "stripe")  # providers that publish their networks: files in providers/networks
MAX_RESOURCE_TYPES = 200  # per source; two topics each, and Shopify has fewer
SPOOL_BYTES = 1 << 30  # 1 GiB: half a million usual deliveries, an hour at 140/s.
KEPT_BY_PENSTOCK = frozenset({
    "acks", "bootstrap.servers", "enable.auto.commit", "enable.auto.offset.store", "enable.idempotence", "group.id",
    "group.instance.id", "isolation.level", "partition.assignment.strategy", "transactional.id",
})  # fmt: skip
"""librdkafka options that exactly-once depends on; the configuration may not set them."""
FILES_BY_NAME = frozenset({
    "sasl.kerberos.keytab", "sasl.oauthbearer.assertion.jwt.template.file", "sasl.oauthbearer.assertion.private.key.file",
})  # fmt: skip
"""librdkafka options that are paths, besides those whose names end with `.location`."""
REFERENCES = ("env:", "file:")  # prefixes of values that refer to the real one
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_path(option: str) -> bool:
    """Return whether the value of a librdkafka option is a path."""
    return option.endswith(".location") or option in FILES_BY_NAME


def file_of(reference: str) -> Path | None:
    """Return the file of a `file:` reference, None for any other text."""
    return Path(reference.removeprefix("file:")) if reference.startswith("file:") else None


def shown_reference(reference: str) -> str:
    """Return a reference as shown in messages: a secret written instead of one is hidden."""
    return reference if reference.startswith(REFERENCES) else "text:***"


def _spelled_out(reference: object) -> object:
    return {"ref": reference} if isinstance(reference, str) else reference


def _legal_reference(ref: str, info: ValidationInfo) -> str:
    """Return a reference to a secret, with its file relative to the configuration."""
    kind, _, name = ref.partition(":")
    if kind not in {"env", "file", "text"} or not name:
        raise ValueError("expected env:NAME, file:PATH or, for tests and demos, text:SECRET")
    if kind == "env" and not _VARIABLE.fullmatch(name):
        raise ValueError(f"expected the name of an environment variable after env:, got {name!r}")
    if kind == "file" and info.context:
        return f"file:{info.context['directory'] / name}"
    return ref


def _legal_time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError('expected a time of day in UTC such as "03:00"')
    return text


def _legal_repository(text: str) -> str:
    if not _REPOSITORY.fullmatch(text):
        raise ValueError(f"expected a repository such as octo/hello, got {text[:80]!r}")
    return text


RepositoryName = Annotated[str, AfterValidator(_legal_repository), expected("`owner/name`")]
Operation = Literal["c", "u", "d", "r"]
ChangeOrigin = Literal["webhook", "retry", "edited", "replay", "fetch", "reconcile", "backfill", "self"]
GHOST = 10_137
"""The id of the account `ghost`, which stands on GitHub for all users that are unknown or gone."""
AccountId = Annotated[StrictInt, Field(ge=1, le=(1 << 63) - 1)]
Reference = Annotated[
    str, AfterValidator(_legal_reference), expected("`env:NAME`, `file:PATH` or, for tests and demos, `text:SECRET`")
]


class _Table(BaseModel):
    """A table of `penstock.toml`: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Replicas = Annotated[StrictInt, Field(ge=1, le=1_000)]


class Replication(Struct, frozen=True):
    """The replication of topics that Penstock creates; by default the brokers' own."""

    factor: int = -1
    min_insync: int | None = None

    @property
    def settings(self) -> dict[str, str]:
        """Return the topic settings that it requires."""
        return {} if self.min_insync is None else {"min.insync.replicas": str(self.min_insync)}


class Kafka(_Table):
    """`[kafka]`: the brokers, the creation of topics, and librdkafka's options (security, tuning)."""

    bootstrap_servers: Text = "127.0.0.1:9092"
    """The brokers to connect to first, `host:port`, separated by commas."""
    partitions: Annotated[StrictInt, Field(ge=1, le=10_000)] = 4
    """Partitions of each topic that Penstock creates. More workers than partitions have nothing to do."""
    replication_factor: Replicas | None = None
    """Replicas of each topic that Penstock creates. Not set: the brokers' `default.replication.factor`."""
    min_insync_replicas: Replicas | None = None
    """Replicas that must have a record before it is acknowledged; at most `replication_factor`. Not set: the brokers'
    `min.insync.replicas`.
    """
    options: dict[str, str] = Field(default={}, repr=False)  # may hold sasl.password
    """librdkafka options by name. A value may be `env:NAME` or `file:PATH`; paths are relative to `penstock.toml`.
    Options that exactly-once depends on are refused.
    """

    @property
    def replication(self) -> Replication:
        """Return the replication of topics."""
        return Replication(self.replication_factor or -1, self.min_insync_replicas)

    @field_validator("min_insync_replicas")
    @classmethod
    def _writable(cls, min_insync_replicas: int | None, info: ValidationInfo) -> int | None:
        factor = info.data.get("replication_factor")
        if factor is not None and min_insync_replicas is not None and min_insync_replicas > factor:
            raise ValueError(f"expected at most replication_factor = {factor}, or nothing could ever be written")
        return min_insync_replicas

    @field_validator("options", mode="before")
    @classmethod
    def _flat(cls, options: object) -> object:
        """Accept `sasl.mechanism = "PLAIN"` without quotes around the key, and numbers and booleans as values."""
        return dict(_flattened("", options)) if isinstance(options, dict) else options

    @field_validator("options")
    @classmethod
    def _from_here(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        """Return the options with their files relative to the configuration."""
        if not info.context:
            return options
        return {name: _located(name, value, info.context["directory"]) for name, value in options.items()}

    @field_validator("options")
    @classmethod
    def _leave_promise_alone(cls, options: dict[str, str]) -> dict[str, str]:
        kept = sorted(KEPT_BY_PENSTOCK.intersection(options))
        if kept:
            raise ValueError(f"{', '.join(kept)}: set by Penstock itself, because exactly-once rests on it")
        return options

    @field_validator("options")
    @classmethod
    def _token_over_tls(cls, options: dict[str, str]) -> dict[str, str]:
        """Refuse to send a client's secret unencrypted: librdkafka would send it to any proxy named in the environment."""
        url = options.get("sasl.oauthbearer.token.endpoint.url", "")
        if url.lower().startswith("http:") and "sasl.oauthbearer.client.secret" in options:
            raise ValueError(
                "sasl.oauthbearer.token.endpoint.url: expected https://, or the secret would be sent in clear"
            )
        return options


class Registry(_Table):
    """`[registry]`: a Confluent-compatible schema registry, and the credentials for it."""

    url: Url = "http://127.0.0.1:8081/apis/ccompat/v7"
    """The registry's address, without user and password."""
    username: Text | None = None
    """The user for basic authentication, itself or as `env:NAME` or `file:PATH`. Needs `password`."""
    password: Reference | None = Field(default=None, repr=False)
    """The password for basic authentication. Needs `username`."""
    bearer_token: Reference | None = Field(default=None, repr=False)
    """A token instead of `username` and `password`. It is read anew for each request, so it may be renewed."""
    headers: dict[str, str] = Field(default={}, repr=False)
    """Headers to send with each request, such as one that names a logical cluster. `Authorization` is refused."""
    tls_ca: Text | None = None
    """The authorities to trust: a PEM file, or a folder of them. Not set: the public ones."""
    tls_certificate: Text | None = None
    """The client's certificate: a PEM file with its chain."""
    tls_key: Text | None = None
    """The certificate's key: a PEM file. Not set: it is in the certificate's file. Needs `tls_certificate`."""
    tls_key_password: Reference | None = Field(default=None, repr=False)
    """The key's password. Needs `tls_certificate`."""

    @field_validator("tls_ca", "tls_certificate", "tls_key")
    @classmethod
    def _from_here(cls, name: str | None, info: ValidationInfo) -> str | None:
        """Return a path relative to the configuration."""
        return str(info.context["directory"] / name) if name is not None and info.context else name

    @field_validator("username")
    @classmethod
    def _reference_from_here(cls, username: str | None, info: ValidationInfo) -> str | None:
        is_reference = username is not None and username.startswith(REFERENCES)
        return _legal_reference(username, info) if username is not None and is_reference else username

    @field_validator("headers")
    @classmethod
    def _without_credentials(cls, headers: dict[str, str]) -> dict[str, str]:
        if any(name.lower() == "authorization" for name in headers):
            raise ValueError("Authorization is made from username and password, or bearer_token; write these")
        return headers

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.username is None) != (self.password is None):
            missing, given = ("password", "username") if self.password is None else ("username", "password")
            raise fault(given, f"expected {missing} beside it")
        if self.bearer_token is not None and self.username is not None:
            raise fault("bearer_token", "expected either a token or username and password, got both")
        for key in ("tls_key", "tls_key_password"):
            if getattr(self, key) is not None and self.tls_certificate is None:
                raise fault(key, "expected tls_certificate beside it, the certificate that the key is for")
        return self


class SecretReference(_Table):
    """Where a secret is: `env:NAME`, `file:PATH` (relative to the configuration), or `text:SECRET` for tests."""

    ref: Reference
    """The reference itself."""
    until: date | None = None
    """The last day, UTC, on which the secret is accepted. Not set: it does not expire."""

    def is_current(self, today: date) -> bool:
        """Return whether the secret is accepted on this day (UTC)."""
        return self.until is None or today <= self.until

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "ref", shown_reference(self.ref)
        yield "until", self.until


class GenericOptions(_Table):
    """`options` of a source whose provider is `generic`: how its sender signs and where its ids are.

    A source of provider `standard` has `resource_types`, `volatile` and `key_encoding` alone. Header names may be in any case.
    Paths lead into the JSON body, their names joined by dots.
    """

    signature_header: Text = "x-webhook-signature"
    """The header that holds the signature, an HMAC of the body."""
    prefix: str = "sha256="
    """The text in front of the signature; empty if the sender writes none."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written."""
    algorithm: Literal["sha256", "sha512"] = "sha256"
    """The hash of the HMAC."""
    id_header: Text = "x-webhook-delivery"
    """The header that holds the delivery id. A delivery without it is identified by a digest of its body."""
    event_header: Text = "x-webhook-event"
    """The header that holds the event type."""
    id_path: str = "id"
    """The path to the resource's id."""
    type_path: str = ""
    """The path to the resource type; empty: the type is taken from the event type."""
    tenant_header: str = ""
    """The header that names the tenant: the account at the sender within which ids are unique. Empty: none."""
    tenant_path: str = ""
    """The path to the tenant, if no header names it. Empty: ids are unique without it."""
    time_path: str | tuple[Text, ...] = "updated_at"
    """The path to the resource's update time, or several in the order in which they are tried. A path through an array
    means the newest time there. [Which notations are read](semantics.md#times).
    """
    volatile: tuple[FieldPath, ...] = ()
    """Fields of the document whose change alone is no change, such as counters of views. The update time always is one."""
    resource_types: tuple[ResourceType, ...] = ()
    """The resource types with topics of their own, 200 at most. All others share `changes.<provider>.other`."""
    key_encoding: Literal["base64", "text"] = "base64"
    """For `standard` only: how the secret is written. `text`: it is not decoded, but is itself the key, as with
    Polar's `polar_whs_…`.
    """

    @field_validator("time_path", mode="before")
    @classmethod
    def _path_or_paths(cls, time_path: object) -> object:
        """Refuse anything else with one message; a union would give one for each of its types."""
        paths = time_path if isinstance(time_path, list | tuple) else [time_path]
        if not paths or not all(isinstance(path, str) and (path or time_path == "") for path in paths):
            raise ValueError('expected a path such as "updated_at", or an array of paths')
        return time_path

    @field_validator("volatile")
    @classmethod
    def _each_once(cls, volatile: tuple[str, ...]) -> tuple[str, ...]:
        for index, path in enumerate(volatile):
            if path in volatile[:index]:
                raise fault(index, "is listed twice; leave one of them out")
        return volatile

    @field_validator("resource_types")
    @classmethod
    def _few_and_unique(cls, resource_types: tuple[str, ...]) -> tuple[str, ...]:
        if len(resource_types) > MAX_RESOURCE_TYPES:
            raise ValueError(
                f"expected at most {MAX_RESOURCE_TYPES}, for each makes topics of its own, got {len(resource_types)}; "
                "list those that are read on their own, the others share a topic"
            )
        for index, resource_type in enumerate(resource_types):
            if resource_type in resource_types[:index]:
                raise fault(index, "is listed twice; leave one of them out")
        return resource_types


class Pause(_Table):
    """What is paused of a source: a resource type, a tenant, or a resource type of one tenant."""

    resource: Text | None = None
    """The resource type. Not set: every type of the tenant."""
    tenant: Tenant | None = None
    """The tenant. Not set: every tenant."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.resource is None and self.tenant is None:
            raise fault("resource", "expected a resource type, a tenant, or both; to pause a source, list its tenants")
        return self

    def __str__(self) -> str:
        return " of ".join(part for part in (self.resource, self.tenant) if part)


def _as_pause(value: Any) -> Any:
    return {"resource": value} if isinstance(value, str) else value


class Echoes(_Table):
    """`echoes` of a source: how changes are recognised that your own program caused; they carry `origin` `self`."""

    token: Reference | None = Field(default=None, repr=False)
    """A reference to the token with which your program declares its writes, `POST /v1/{name}/writes`. Not set: it cannot.
    """
    sender_ids: tuple[AccountId, ...] = ()
    """For GitHub: the ids of the accounts that your program acts as, such as its app's bot (`sender.id`)."""
    installation_ids: tuple[AccountId, ...] = ()
    """For GitHub: the installations of your app in which `sender_ids` are your program. Empty: everywhere."""
    idempotency_key_prefixes: tuple[Text, ...] = ()
    """For Stripe: how the idempotency keys of your program's requests begin."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.token is None and not self.sender_ids and not self.idempotency_key_prefixes:
            raise fault("token", "expected a token, sender_ids (GitHub) or idempotency_key_prefixes (Stripe)")
        if GHOST in self.sender_ids:
            raise fault(
                "sender_ids", f"{GHOST} is ghost, which stands for all users that GitHub does not know; leave it out"
            )
        return self

    @field_validator("installation_ids")
    @classmethod
    def _of_senders(cls, installation_ids: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if installation_ids and not info.data.get("sender_ids"):
            raise ValueError(
                "expected sender_ids beside them: an installation gets the deliveries of all accounts, no matter who acted"
            )
        return installation_ids


class Source(_Table):
    """`[[sources]]`: configured accounts at providers, one table each."""

    name: Name
    """The source's name. The provider posts to `/v1/{name}`."""
    provider: ProviderName
    """The provider, whose rules say how deliveries are signed and read."""
    secrets: tuple[
        Annotated[SecretReference, BeforeValidator(_spelled_out, json_schema_input_type=str | SecretReference)], ...
    ] = ()
    """The secrets that deliveries may be signed with: references, or tables `{ ref, until }`. Required unless `verify
    = "none"`.
    """
    verify: Literal["signature", "none"] = "signature"
    """`none` accepts every post, signed or not."""
    allow: tuple[Sender, ...] = ()
    """The networks that may post. Empty: all. `published` stands for the networks that the provider publishes (GitHub, Stripe),
    a file has one network a line.
    """
    rate_limit: Annotated[StrictInt | StrictFloat, Field(ge=0.01, le=1_000_000)] | None = None
    """How many deliveries one process accepts each second. Not set: no limit."""
    burst: Annotated[StrictInt, Field(ge=1, le=10_000_000)] | None = None
    """How many deliveries are accepted at once under `rate_limit`, which it needs. Not set: those of one second.
    """
    tenants: tuple[AnyTenant, ...] = ()
    """The tenants that may post: accounts at the provider, such as the shop `shop-a.myshopify.com`, BigCommerce's store `abc123`,
    Stripe's `acct_1`, `acct_1:test` and, for the endpoint's own account, `""` and `test`. Others get 403 `unknown_tenant`.
    Empty: any.
    """
    paused: tuple[Annotated[Pause, BeforeValidator(_as_pause, json_schema_input_type=str | Pause)], ...] = ()
    """What is filtered and not stored until it is removed from this list: resource types, of all tenants, or tables
    `{ tenant, resource }`, of which one may be left out.
    """
    api_version: Text | None = None
    """The provider's API version whose documents are whole, such as `2026-07` or `2024-06-20`. Documents of another version
    keep the stored fields that they lack. Not set: those of every version do, once two have shown a resource.
    """
    api_token: Reference | None = Field(default=None, repr=False)
    """A reference to the token with which resources are read at the provider: those that deliveries only name, or show in part.
    Not set, and no `api_tokens`: nothing is read.
    """
    api_tokens: dict[Tenant, Reference] = Field(default={}, repr=False)
    """References to tokens by tenant, where each has its own, such as BigCommerce's stores."""
    api_client_id: Text | None = None
    """The client id of a Shopify app whose secret `api_token` is: access tokens are asked for with both. Not set: `api_token` is
    an access token.
    """
    api_url: Url | None = None
    """Where the provider's API is. Not set: its public address."""
    hydrate: Literal["auto", "never"] | tuple[ResourceType, ...] = "auto"
    """The resource types that are read. `auto`: all that need it and can be read; `never`: none."""
    repositories: tuple[RepositoryName, ...] = ()
    """GitHub's repositories whose lists are compared, such as `octo/hello`: it has none for all of them."""
    reconcile: Literal["auto", "never"] | tuple[ResourceType, ...] = "auto"
    """The resource types that are compared with the provider's lists. `auto`: those of which something is stored; `never`: none.
    """
    subscribe: Literal["auto", "never"] | tuple[Text, ...] = "auto"
    """What `penstock subscribe` registers at the provider: its own names, such as `store/order/*`, `orders/updated`, `push` or
    `invoice.paid`. `auto`: those of the resources that routes select, or else the provider's usual ones; `never`: nothing.
    """
    subscribe_at: tuple[Repository, ...] = ()
    """The repositories (`octo/hello`) and organisations (`octo`) that get a hook; for GitHub only."""
    echoes: Echoes | None = None
    """How changes are recognised that your own program caused."""
    options: GenericOptions | None = None
    """How the sender signs and names things; for the providers `generic` and `standard` only."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_api()
        if self.subscribe_at and self.provider != "github":
            raise fault("subscribe_at", f"only GitHub's hooks belong to repositories, {self.provider}'s to an account")
        self._check_echoes()
        if not self.secrets and self.verify != "none":
            raise fault("secrets", f'{self.name} has none; add one, or verify = "none" to accept every post unsigned')
        if self.options is not None:
            self._check_options(self.options)
        named = (*self.tenants, *(pause.tenant or "" for pause in self.paused))
        if self.provider == "shopify" and any(tenant != tenant.lower() for tenant in named):
            raise fault("tenants", "expected shop domains in lower case, such as shop-a.myshopify.com")
        if self.provider == "bigcommerce" and any("/" in tenant for tenant in named):
            raise fault("tenants", "expected the hashes of stores alone, such as abc123 for stores/abc123")
        if PUBLISHED in self.allow and self.provider not in PUBLISHING:
            raise fault(
                "allow", f"{self.provider} publishes no networks (known: {', '.join(PUBLISHING)}); name them here"
            )
        if self.burst is not None and self.rate_limit is None:
            raise fault("burst", "expected rate_limit beside it, how many deliveries a second are let in")
        return self

    def _check_api(self) -> None:
        if self.reads and self.provider not in READABLE:
            raise fault("api_token", f"{self.provider} has no API that Penstock reads (it reads {', '.join(READABLE)})")
        if self.repositories and self.provider != "github":
            raise fault("repositories", f"only GitHub's sources have repositories, {self.provider} has none")
        if self.api_client_id is not None and self.provider != "shopify":
            raise fault("api_client_id", f"only Shopify's apps have one, {self.provider} has a token alone")

    def _check_echoes(self) -> None:
        for key, provider in (("sender_ids", "github"), ("idempotency_key_prefixes", "stripe")):
            if self.echoes is not None and getattr(self.echoes, key) and self.provider != provider:
                text = f"{key} are for {provider}; {self.provider} does not say who caused a change, so declare writes (token)"
                raise fault("echoes", text)

    def _check_options(self, options: GenericOptions) -> None:
        if self.provider not in {"generic", "standard"}:
            raise fault("options", f"only 'generic' and 'standard' have options, {self.provider} has fixed rules")
        foreign = options.model_fields_set - {"resource_types", "volatile", "key_encoding"}
        if self.provider == "standard" and foreign:
            text = (
                f"'standard' has the options resource_types, volatile and key_encoding, {min(foreign)} is for 'generic'"
            )
            raise fault("options", text)
        if self.provider == "generic" and "key_encoding" in options.model_fields_set:
            raise fault("options", "key_encoding is for 'standard'; a 'generic' sender signs with the secret's text")

    @field_validator("allow")
    @classmethod
    def _from_here(cls, allow: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Return the entries with their files relative to the configuration."""
        if not info.context:
            return allow
        directory = info.context["directory"]
        return tuple(f"file:{directory / entry[5:]}" if entry.startswith("file:") else entry for entry in allow)

    @property
    def reads(self) -> bool:
        """Say whether resources are read at the provider."""
        return self.hydrate not in {"never", ()} and (self.api_token is not None or bool(self.api_tokens))

    @property
    def burst_at_once(self) -> int:
        """Return how many deliveries `rate_limit` accepts at once: `burst`, or as many as it allows in a second."""
        return self.burst or max(1, ceil(self.rate_limit or 0))


class Route(_Table):
    """`[[routes]]`: the topics of changes, one table each. Every selector is optional; without a route all changes
    go to the default topics.
    """

    name: Name
    """The route's name, for messages."""
    source: Name | None = None
    """Selector: changes of this source."""
    provider: ProviderName | None = None
    """Selector: changes of this provider."""
    tenant: Tenant | None = None
    """Selector: changes of this tenant, the account at the provider within a source."""
    resource: Text | None = None
    """Selector: changes of this resource type."""
    event_type: Text | None = None
    """Selector: deliveries of this event type. A star at its end selects every type that starts with the text
    before it.
    """
    filter: Text | None = None
    """Selector: changes whose document matches this [filter](filters.md), before or after."""
    include_fields: tuple[Text, ...] = ()
    """The fields that the change keeps; a change of none of them is not sent. Empty: all fields."""
    operations: tuple[Operation, ...] = get_args(Operation)
    """Selector: changes of these operations: created, updated, deleted, read."""
    topic: TopicName | None = None
    """The topic for the changes. Not set: `changes.<provider>.<resource>`. A raw route needs one."""
    priority: Literal["high", "default", "low"] = "default"
    """The lane: `high` and `low` send the changes to `<topic>.high` and `<topic>.low`."""
    mode: Literal["changes", "raw"] = "changes"
    """`raw` publishes every verified delivery as received. Only `source`, `provider`, `tenant` and `event_type` select then."""
    reconcile: StrictBool = True
    """Selector: whether changes are sent, too, that no delivery told of, and a reconciliation found. Not for a raw route."""
    origins: tuple[ChangeOrigin, ...] = ()
    """Selector: changes that came so: `webhook`, by a read (`fetch`, `reconcile`, `backfill`), by a person (`retry`, `edited`,
    `replay`), or caused by your own program (`self`). Empty: all.
    """
    exclude_origins: tuple[ChangeOrigin, ...] = ()
    """Selector: all changes but those that came so; `["self"]` keeps a program from reacting to itself."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.operations:
            raise fault("operations", "expected at least one of c, u, d, r")
        if self.origins and self.exclude_origins:
            raise fault("exclude_origins", "expected either origins or exclude_origins, got both")
        if self.mode == "raw":
            self._check_raw()
        return self

    def _check_raw(self) -> None:
        for key in ("resource", "filter", "include_fields", "operations", "origins", "exclude_origins"):
            if key in self.model_fields_set:
                raise fault(
                    key,
                    "a raw route takes every delivery, undiffed; only source, provider, tenant and event_type select",
                )
        if "reconcile" in self.model_fields_set and self.reconcile:
            text = "a raw route has deliveries as received, and what a reconciliation finds was never delivered; leave it out"
            raise fault("reconcile", text)
        if self.priority != "default":
            raise fault("priority", "a raw route has no lanes; give it a topic of its own instead")
        if self.topic is None or self.topic.startswith("changes."):
            raise fault("topic", "a raw route needs a topic of its own, not one of changes.*, which hold change events")


class Worker(_Table):
    """`[worker]`: the process that turns deliveries into changes."""

    app: Name = "capture"
    """The name in the worker's consumer group, transactional ids and changelog topics. A new name starts with empty
    tables.
    """
    children: StrictBool = True
    """Whether the elements of lists (variants, line items, labels) become resources of their own."""
    seen_days: Annotated[StrictInt, Field(ge=1, le=365)] = 7  # longer than any provider retries
    """How long a repeated delivery is recognised; also the retention of the changelog of *seen*."""
    # Catching up after a restart takes seconds, and alerts wait minutes.
    undecided_limit_s: Annotated[StrictInt, Field(ge=1, le=2_592_000)] = 300
    """How long a delivery may wait undecided before `/readyz` says `deliveries_wait`."""
    operations_host: Text = "127.0.0.1"
    """The address of `/healthz` and `/readyz`. Probes from elsewhere, such as those of Kubernetes, need `0.0.0.0`."""
    operations_port: Annotated[StrictInt, Field(ge=0, le=65_535)] = 9465
    """The port of `/healthz` and `/readyz`; 0 takes any free one. The ingress's is 9464."""


class Hydration(_Table):
    """`[hydration]`: reads of resources at the providers."""

    max_attempts: Annotated[StrictInt, Field(ge=1, le=1_000)] = 10
    """After how many failed reads of a resource the deliveries that wait for it become dead letters."""
    max_age_h: Annotated[StrictInt, Field(ge=1, le=720)] = 48
    """After how many hours they do, if a read fails then."""


class Reconcile(_Table):
    """`[reconcile]`: the daily comparison of what is stored with the providers' lists, of sources with an `api_token`."""

    enabled: StrictBool = True
    """Whether it runs every day. `penstock reconcile` works in any case."""
    daily_at: Annotated[str, AfterValidator(_legal_time), expected("a time of day in UTC such as `03:00`")] = "03:00"
    """When, in UTC."""
    complete_every_days: Annotated[StrictInt, Field(ge=1, le=365)] = 7
    """How often everything is listed, which alone shows what was deleted unnoticed; on other days only what has changed."""

    @property
    def time(self) -> time:
        """Return the time of day."""
        return time.fromisoformat(self.daily_at)


class ObjectStore(_Table):
    """`[warehouse.s3]`: the object store of `data`, S3 or one that is compatible, and a key for it."""

    access_key: Reference = Field(repr=False)
    """The id of the access key."""
    secret_key: Reference = Field(repr=False)
    """Its secret."""
    region: Text = "us-east-1"
    """The region of the bucket."""
    endpoint: Url = "https://s3.amazonaws.com"
    """The address of the object store."""
    url_style: Literal["vhost", "path"] = "vhost"
    """Where requests name the bucket: in the host or in the path. Most stores that are not Amazon's need `path`."""


class Warehouse(_Table):
    """`[warehouse]`: the tables for analysts, and `penstock load`, the process that writes them."""

    engine: Literal["ducklake", "duckdb", "postgres", "dlt"] = "ducklake"
    """Where rows are kept. `ducklake`: Parquet files and a SQLite catalogue, which any number of processes read while the
    loader writes. `duckdb`: one file, which others read between two batches. `postgres`: a PostgreSQL database.
    `dlt`: a destination of dlt.
    """
    path: Text | None = None
    """The warehouse's folder. Not set: `warehouse` in the data directory."""
    data: BucketUrl | None = None
    """With `ducklake`: where the Parquet files are in an object store, for this warehouse alone. Needs `[warehouse.s3]`. Not set:
    `data` in the warehouse's folder.
    """
    s3: ObjectStore | None = None
    """The object store of `data`."""
    dsn: Dsn | None = None
    """A PostgreSQL database for this warehouse alone: libpq's connection string or URL, without password. With `postgres` it
    keeps the rows, with `ducklake` the catalogue, which is a SQLite file otherwise.
    """
    password: Reference | None = Field(default=None, repr=False)
    """The password for `dsn`. It is read anew for each connection, so it may be renewed. Not set: libpq's own sources,
    such as `~/.pgpass`.
    """
    destination: Text | None = None
    """With `dlt`: the name of its destination, such as `snowflake`, `bigquery`, `redshift`, `duckdb` or `postgres`."""
    credentials: Reference | None = Field(default=None, repr=False)
    """With `dlt`: what its destination takes as credentials in one text, such as a URL. Not set: dlt's own sources, such as
    `DESTINATION__<NAME>__CREDENTIALS`; for `duckdb`, `warehouse.duckdb` in the warehouse's folder.
    """
    download: StrictBool = False
    """Whether DuckDB may download its extensions where their wheels are not installed."""
    batch_rows: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None
    """The most records in one transaction. Larger ones take more memory. Not set: 5,000, and 100,000 with `dlt`."""
    batch_s: Annotated[StrictInt | StrictFloat, Field(ge=0, le=300)] | None = None
    """The longest that a record waits for others before a transaction. Not set: 2, and 60 with `dlt`."""
    compact_every: Annotated[StrictInt, Field(ge=0, le=100_000)] = 20
    """After how many transactions small files are merged; 0: only by `penstock warehouse compact`."""
    operations_host: Text = "127.0.0.1"
    """The address of `/metrics`, `/healthz` and `/readyz`."""
    operations_port: Annotated[StrictInt, Field(ge=0, le=65_535)] = 9466
    """Their port; 0 takes any free one."""

    @field_validator("path")
    @classmethod
    def _from_here(cls, path: str | None, info: ValidationInfo) -> str | None:
        """Return a path relative to the configuration."""
        return str(info.context["directory"] / path) if path is not None and info.context else path

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.engine == "postgres" and self.dsn is None:
            raise fault("dsn", 'expected the database, such as "host=127.0.0.1 dbname=analytics user=penstock"')
        if self.engine == "dlt" and self.destination is None:
            raise fault("destination", 'expected the name of a destination of dlt, such as "snowflake"')
        if self.password is not None and self.dsn is None:
            raise fault("password", "expected dsn beside it, the database that the password is for")
        if (self.data is None) != (self.s3 is None):
            raise fault("data", "expected data and [warehouse.s3] together: where the files are, and the key for it")
        return self

    @model_validator(mode="after")
    def _of_its_engine(self) -> Self:
        engines = {
            "dsn": ("postgres", "ducklake"),
            "data": ("ducklake",),
            "destination": ("dlt",),
            "credentials": ("dlt",),
        }
        for key, takers in engines.items():
            if getattr(self, key) is not None and self.engine not in takers:
                wanted = " or ".join(f'"{engine}"' for engine in takers)
                raise fault(key, f"expected engine = {wanted} beside it")
        return self


class Ingress(_Table):
    """`[ingress]`: the process that providers post to. Limits hold for each process."""

    body_limit_bytes: Annotated[StrictInt, Field(ge=1, le=1 << 30)] = BODY_LIMIT_BYTES
    """The largest body. A larger one is answered 413 `body_too_large`."""
    bodies_limit_bytes: Annotated[StrictInt, Field(ge=1, le=1 << 36)] | None = None
    """Bytes of all requests in flight; beyond, 503 `too_many_bytes`. At least `body_limit_bytes`. Not set: 256 MiB,
    or `body_limit_bytes` if that is more.
    """
    max_concurrent: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = MAX_CONCURRENT
    """Deliveries in flight; one more is answered 503 `too_busy`."""
    max_connections: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    """Open connections, silent ones and TLS handshakes included. Not set: twice `max_concurrent`, but at most 1,000
    with TLS.
    """
    public_url: Url | None = None
    """Where providers reach the ingress: `/v1/{source}` is below it. `penstock subscribe` registers that address. Not set: it
    registers nothing.
    """
    trusted_proxies: tuple[Network, ...] = ()
    """The networks of the proxies in front, whose `X-Forwarded-For` is trusted."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe level that is logged. `debug` adds a line for each accepted delivery."""
    tls_certificate: Text | None = None
    """The certificate for HTTPS: a PEM file with its chain. A renewed file is used without a restart. Not set: plain
    HTTP.
    """
    tls_key: Text | None = None
    """The certificate's key: a PEM file without password. Not set: it is in the certificate's file. Needs
    `tls_certificate`.
    """
    spool: StrictBool | Literal["on", "off"] = True
    """Whether deliveries are kept on disk and answered 200 while Kafka is away. Otherwise they are answered 503."""
    spool_bytes: Annotated[StrictInt, Field(ge=1 << 10, le=1 << 40)] = SPOOL_BYTES
    """The most bytes in the spool; beyond, 503 `spool_full`."""
    lame_duck_s: Annotated[StrictInt | StrictFloat, Field(ge=0, le=300)] = (
        0  # without a balancer it only delays each stop
    )
    """How long to keep serving after SIGTERM while `/readyz` says `leaving`, so that a balancer notices."""

    @field_validator("tls_certificate", "tls_key")
    @classmethod
    def _from_here(cls, name: str | None, info: ValidationInfo) -> str | None:
        """Return a path relative to the configuration."""
        return str(info.context["directory"] / name) if name is not None and info.context else name

    @field_validator("public_url")
    @classmethod
    def _without_query(cls, url: str | None) -> str | None:
        if url is not None and ("?" in url or "#" in url):
            raise ValueError("expected a URL without query and fragment, such as https://hooks.example.com")
        return url

    @model_validator(mode="after")
    def _key_has_certificate(self) -> Self:
        if self.tls_key is not None and self.tls_certificate is None:
            raise fault("tls_key", "expected tls_certificate beside it, the certificate that the key is for")
        return self

    @model_validator(mode="after")
    def _largest_body_fits(self) -> Self:
        if self.bodies_limit_bytes is not None and self.bodies_limit_bytes < self.body_limit_bytes:
            raise fault("bodies_limit_bytes", f"expected at least body_limit_bytes, {self.body_limit_bytes}, got less")
        return self

    def connections_at_once(self, *, has_tls: bool) -> int:
        """Return how many connections may be open at once: twice the deliveries, because most are idle between two.

        With TLS each may take 0.8 MB, so there are fewer unless `max_connections` is set higher.
        """
        wanted = 2 * self.max_concurrent
        return self.max_connections or (min(wanted, TLS_CONNECTIONS) if has_tls else wanted)

    @property
    def bodies_at_once_bytes(self) -> int:
        """Return how many bytes of bodies may be in flight at once: at least one of the largest."""
        return self.bodies_limit_bytes or max(BODIES_LIMIT_BYTES, self.body_limit_bytes)

    @property
    def has_spool(self) -> bool:
        """Return whether deliveries are spooled on disk while Kafka is unavailable."""
        return self.spool in {True, "on"}


class Configuration(_Table):
    """`penstock.toml` as a whole; every table is optional."""

    kafka: Kafka = Kafka()
    registry: Registry = Registry()
    sources: tuple[Source, ...] = ()
    routes: tuple[Route, ...] = ()
    worker: Worker = Worker()
    hydration: Hydration = Hydration()
    reconcile: Reconcile = Reconcile()
    ingress: Ingress = Ingress()
    warehouse: Warehouse = Warehouse()

    _path: Path | None = PrivateAttr(None)  # the file that it was read from
    _lines: Mapping[Location, int] = PrivateAttr({})

    def problem(self, location: Location, message: str) -> Problem:
        """Return the problem with a key, with its line if the configuration was read from a file.

        librdkafka's names contain dots, so one part of a location may be several keys in the file.
        """
        written = {".".join(map(str, found)): found for found in self._lines}
        found = written.get(".".join(map(str, location)), location)
        line = "" if self._path is None else f"{self._path}:{line_of(found, self._lines)}"
        return Problem(line, key_text(location), message)

    def source(self, name: str) -> Source | None:
        """Return the source with that name."""
        return next((source for source in self.sources if source.name == name), None)


def _flattened(prefix: str, options: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flattened(f"{prefix}{name}.", value)
        elif isinstance(value, bool | int | float):
            yield prefix + name, json.dumps(value)
        else:
            yield prefix + name, value


def _located(name: str, value: str, directory: Path) -> str:
    """Return the value of a librdkafka option, with a path in it resolved against a directory."""
    if value.startswith("file:"):
        return f"file:{directory / value.removeprefix('file:')}"
    return str(directory / value) if is_path(name) and value != "probe" and not value.startswith("env:") else value

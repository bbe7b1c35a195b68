"""The configured sources as the ingress uses them: with the provider's rules and the resolved secrets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from config import model as configured
from config.model import Configuration
from config.problems import ConfigurationError, Problem, key_text
from config.secrets import credential, resolve_secret
from config.toml_lines import Location
from ingress.admission.networks import Networks, allowlist
from ingress.admission.rate_limits import Rate
from providers.base import Provider
from providers.registry import provider_of

SHOWN_KINDS = ("env:", "file:")  # of references that only name a secret; `text:` contains it


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a source: `until` is the last day, UTC, on which it is accepted, `index` its position in the list.

    `ref` is its name in metrics and logs: its origin, never its value.
    """

    value: bytes = field(repr=False)
    until: date | None = None
    index: int = 0
    ref: str = ""

    def is_current(self, today: date) -> bool:
        """Return whether the secret is accepted on this day (UTC)."""
        return self.until is None or today <= self.until

    def expires_at(self) -> datetime | None:
        """Return the first instant at which the secret is refused, None if it does not expire."""
        return None if self.until is None else datetime.combine(self.until + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """One account at a provider, served as `/v1/{name}`; `is_verified` is False only for `verify = "none"`."""

    name: str
    provider: Provider
    secrets: tuple[Secret, ...]
    is_verified: bool = True
    allow: Networks | None = None  # None: any address
    rate: Rate | None = None  # None: unlimited
    tenants: frozenset[str] = frozenset()  # empty: any
    write_token: bytes | None = field(default=None, repr=False)  # None: no writes can be declared

    def current_secrets(self, today: date) -> Sequence[Secret]:
        """Return the secrets that are accepted on this day, UTC."""
        return [secret for secret in self.secrets if secret.is_current(today)]

    def expired_secrets(self, today: date) -> Sequence[Secret]:
        """Return the secrets whose last day is before this day, UTC."""
        return [secret for secret in self.secrets if not secret.is_current(today)]


Where = Callable[[Location], str]
"""Returns the file and line of a key, such as `penstock.toml:12`."""


def nowhere(_location: Location) -> str:
    """Return an empty location: the configuration was not read from a file."""
    return ""


def sources(configuration: Configuration, environ: Mapping[str, str], where: Where = nowhere) -> dict[str, Source]:
    """Return every configured source by name; raise `ConfigurationError` with each secret or allowlist that cannot be read."""
    found: dict[str, Source] = {}
    problems: list[Problem] = []
    for index, source in enumerate(configuration.sources):
        secrets = list(_secrets(index, source, environ, problems, where))
        token = _write_token(index, source, environ, problems, where)
        try:
            allow = allowlist(source.allow, source.provider)
        except ConfigurationError as error:
            location: Location = ("sources", index, "allow")
            problems.append(Problem(where(location), key_text(location), str(error)))
        else:
            found[source.name] = _source(source, tuple(secrets), allow, token)
    if problems:
        raise ConfigurationError(problems)
    return found


def _secrets(
    index: int, source: configured.Source, environ: Mapping[str, str], problems: list[Problem], where: Where
) -> Iterator[Secret]:
    """Yield the secrets that can be read; add the others to the problems."""
    for number, reference in enumerate(source.secrets):
        try:
            value = resolve_secret(reference, environ)
        except ConfigurationError as error:
            location: Location = ("sources", index, "secrets", number)
            problems.append(Problem(where(location), key_text(location), str(error)))
        else:
            yield Secret(value, reference.until, number, _shown(reference.ref, number))


def _write_token(
    index: int, source: configured.Source, environ: Mapping[str, str], problems: list[Problem], where: Where
) -> bytes | None:
    """Return the token of declared writes; None if none is configured, and if it is a problem."""
    if source.echoes is None or source.echoes.token is None:
        return None
    try:
        return credential(source.echoes.token, environ).encode()
    except ConfigurationError as error:
        location: Location = ("sources", index, "echoes", "token")
        problems.append(Problem(where(location), key_text(location), str(error)))
        return None


def _source(
    source: configured.Source, secrets: tuple[Secret, ...], allow: Networks | None, write_token: bytes | None
) -> Source:
    rate = None if source.rate_limit is None else Rate(source.rate_limit, source.burst_at_once)
    return Source(
        source.name,
        provider_of(source),
        secrets,
        source.verify == "signature",
        allow,
        rate,
        frozenset(source.tenants),
        write_token,
    )


def _shown(ref: str, index: int) -> str:
    return ref if ref.startswith(SHOWN_KINDS) else f"text:***[{index}]"

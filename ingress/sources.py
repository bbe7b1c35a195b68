"""The configured sources as the door needs them: the provider's rules and the secrets themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from providers.base import Provider
from providers.generic import GenericOptions
from providers.registry import provider
from schemas import configuration as configured
from schemas.configuration import Configuration, resolve_secret


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a source: `until` is the last day, UTC, on which it is accepted, `place` its place in the list."""

    value: bytes = field(repr=False)
    until: date | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One account at a provider, posted to as `/v1/{name}`; `is_verified` is False only under `verify = "none"`."""

    name: str
    provider: Provider
    secrets: tuple[Secret, ...]
    is_verified: bool = True

    def current_secrets(self, today: date) -> Sequence[Secret]:
        """Return the secrets that are accepted on this day, UTC."""
        return [secret for secret in self.secrets if secret.until is None or today <= secret.until]


def sources(configuration: Configuration, environ: Mapping[str, str]) -> dict[str, Source]:
    """Return every configured source by name; raise `ConfigurationError` where a secret cannot be read."""
    return {source.name: _source(source, environ) for source in configuration.sources}


def _source(source: configured.Source, environ: Mapping[str, str]) -> Source:
    secrets = tuple(
        Secret(resolve_secret(reference, environ), reference.until, place)
        for place, reference in enumerate(source.secrets)
    )
    return Source(source.name, provider(source.provider, _options(source)), secrets, source.verify == "signature")


def _options(source: configured.Source) -> GenericOptions | None:
    if source.options is None:
        return None
    return msgspec.convert(source.options.model_dump(exclude_unset=True, exclude_none=True), GenericOptions)

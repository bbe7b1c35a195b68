"""The provider rules and secrets for checking a captured request, as named on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from config.model import Configuration, Source
from config.problems import suggestion
from config.secrets import current_secrets, resolve_secret
from console.abridged import listed
from console.errors import Misused
from providers.base import Provider
from providers.registry import PROVIDERS, provider, provider_of

KINDS = ("env:", "file:", "text:")


@dataclass(frozen=True, slots=True)
class Choice:
    """The command-line options: a provider with references to its secrets, or a source of the configuration."""

    provider: str | None
    source: str | None
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """The rules of one account at a provider, and its possible signing secrets."""

    provider: Provider
    secrets: tuple[bytes, ...] = field(repr=False)


def chosen_account(
    choice: Choice, configuration: Configuration | None, environ: Mapping[str, str], today: date
) -> Account:
    """Return the chosen account; secrets given explicitly replace those of a source.

    Raises `Misused`, and `ConfigurationError` for a secret that cannot be read; no message shows a secret.
    """
    if (choice.provider is None) == (choice.source is None):
        raise Misused("say --provider with --secret, or --source, and not both")
    explicit = tuple(_resolved(reference, environ) for reference in choice.secrets)
    if configuration is None or choice.source is None:
        return Account(_provider(choice.provider or ""), explicit or _none("pass --secret env:NAME, file:… or text:…"))
    source = _source(choice.source, configuration)
    secrets = explicit or current_secrets(source, environ, today)
    return Account(provider_of(source), secrets or _none(f"{source.name} has none on {today}; pass --secret"))


def _provider(name: str) -> Provider:
    if name not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise Misused(f"no provider is called {name!r}; known are {known}{suggestion(name, PROVIDERS)}")
    return provider(name)


def _source(name: str, configuration: Configuration) -> Source:
    source = configuration.source(name)
    if source is None:
        known = [each.name for each in configuration.sources]
        raise Misused(f"no source is called {name!r}; known are {listed(known) or 'none'}{suggestion(name, known)}")
    return source


def _resolved(reference: str, environ: Mapping[str, str]) -> bytes:
    if not reference.startswith(KINDS):  # not shown: it may be the secret itself
        raise Misused("--secret: expected env:NAME, file:PATH or text:SECRET")
    return resolve_secret(reference, environ)


def _none(detail: str) -> tuple[bytes, ...]:
    raise Misused(f"no secret to check with: {detail}")

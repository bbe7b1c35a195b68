"""The sender of a post: a configured source, its provider's rules and the signing secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from config.model import Configuration, Source
from config.problems import suggestion
from config.secrets import current_secrets, resolve_secret
from providers.base import Provider
from providers.registry import PROVIDERS, provider, provider_of
from simulator.errors import SimulatorError

NO_SECRET = b"unverified"  # signs for a source that verifies nothing and has no secret; any value would do


@dataclass(frozen=True, slots=True)
class Sender:
    """One account at a provider, from the provider's side."""

    source: str
    provider: Provider
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """The sender named on the command line: a source or provider, and a secret's reference that overrides."""

    name: str
    secret: str | None = None


def sender(source: Source, environ: Mapping[str, str], today: date) -> Sender:
    """Return a source's sender, signing with its first current secret; `SimulatorError` when all have expired."""
    secrets = current_secrets(source, environ, today)
    if not secrets and source.secrets:
        raise SimulatorError(f"every secret of {source.name} has expired; pass --secret to sign all the same")
    return Sender(source.name, provider_of(source), secrets[0] if secrets else NO_SECRET)


def wished_sender(wish: Wish, configuration: Configuration | None, environ: Mapping[str, str], today: date) -> Sender:
    """Return the sender that is named; without a configuration, a provider's name and a secret are enough."""
    source = None if configuration is None else _source(wish.name, configuration)
    if source is None:
        if wish.name not in PROVIDERS or wish.secret is None:
            raise SimulatorError(_unknown(wish.name, configuration))
        return Sender(wish.name, provider(wish.name), resolve_secret(wish.secret, environ))
    if wish.secret is not None:
        return Sender(source.name, provider_of(source), resolve_secret(wish.secret, environ))
    return sender(source, environ, today)


def _source(name: str, configuration: Configuration) -> Source | None:
    """Return the source of that name, or the only one of that provider."""
    named = configuration.source(name)
    if named is not None:
        return named
    of_provider = [source for source in configuration.sources if source.provider == name]
    if len(of_provider) > 1:
        names = ", ".join(source.name for source in of_provider)
        raise SimulatorError(f"{len(of_provider)} sources are of provider {name}: {names}; say which")
    return of_provider[0] if of_provider else None


def _unknown(name: str, configuration: Configuration | None) -> str:
    if configuration is None:
        return "no configuration: pass --config, or a provider's name with --secret (text:…, env:…, file:…)"
    known = [source.name for source in configuration.sources]
    return f"no source is called {name!r}; known are {', '.join(known) or 'none'}{suggestion(name, known)}"

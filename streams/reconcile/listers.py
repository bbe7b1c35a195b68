"""The listers of one session's accounts, and which lists of a source are gone through, as the configuration says."""

from collections.abc import Collection, Mapping
from typing import Final

from config.model import Configuration, Source
from config.secrets import credential
from providers.clients import Account
from providers.http import Connections
from providers.listers import lister_of
from providers.listing import Lister, Listing
from schemas.reconciliation import Asked

OWN_ACCOUNT: Final = frozenset({"github", "stripe"})  # whose token is of one account, which has no tenant's name


class Listers:
    """Makes listers that share connections."""

    def __init__(self, loaded: Configuration, environ: Mapping[str, str]) -> None:
        self._loaded = loaded
        self._environ = environ
        self._shared = Connections()

    def source(self, name: str) -> Source | None:
        """Return a source of the configuration."""
        return self._loaded.source(name)

    def of(self, provider: str, name: str, tenant: str) -> Lister | None:
        """Return the lister of an account, None where this configuration has no credentials for it or its provider no lists."""
        source = self._loaded.source(name)
        if source is None or source.provider != provider or not source.reads:
            return None
        reference = source.api_tokens.get(tenant, source.api_token)
        if reference is None:
            return None
        environ, shared = self._environ, self._shared
        account = Account(
            tenant,
            lambda: credential(reference, environ),
            source.api_url,
            source.api_client_id,
            shared,
            source.repositories,
        )
        return lister_of(provider, account)

    async def close(self) -> None:
        """Close the connections."""
        await self._shared.close()


def tenants_of(source: Source, stored: Collection[str]) -> list[str]:
    """Return the tenants of a source that can be listed: those with a token, or all that are configured or stored."""
    found = set(source.api_tokens)
    if source.api_token is not None:
        found |= {*source.tenants, *stored}
        if not found and source.provider in OWN_ACCOUNT:
            found.add("")
    return sorted(found)


def chosen(listing: Listing, asked: Asked, source: Source, tenant: str, stored: Collection[str]) -> bool:
    """Say whether a run goes through a list: not where its resources are paused, not read, or nothing is stored of them.

    A backfill brings what is not stored yet, and a person may name resources; a list of several types is always of use.
    """
    kind = listing.resource_type
    if kind is None:
        return not asked.resources
    if _is_paused(source, tenant, kind) or not _is_read(source, kind):
        return False
    if asked.resources:
        return kind in asked.resources
    if source.reconcile != "auto":
        return kind in source.reconcile
    return asked.kind == "backfill" or kind in stored


def _is_paused(source: Source, tenant: str, kind: str) -> bool:
    return any(pause.tenant in {None, tenant} and pause.resource in {None, kind} for pause in source.paused)


def _is_read(source: Source, kind: str) -> bool:
    return isinstance(source.hydrate, str) or kind in source.hydrate

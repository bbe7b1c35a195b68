"""The clients of the accounts of one session, as the configuration says."""

from collections.abc import Mapping, Sequence
from typing import Final

from config.model import Configuration, Source
from config.secrets import credential
from providers.api import Api, Failure, Reply, Unavailable, Wanted
from providers.clients import Account, client_of
from providers.http import Connections

NO_CREDENTIALS: Final = (
    "expected credentials to read it with, found none: [[sources]] api_token or hydrate was changed since"
)


class Clients:
    """Makes clients that share connections: a source may have thousands of stores, each with idle connections else."""

    def __init__(self, loaded: Configuration, environ: Mapping[str, str]) -> None:
        self._loaded = loaded
        self._environ = environ
        self._shared = Connections()

    def of(self, provider: str, name: str, tenant: str) -> Api:
        """Return the client of an account; where this configuration has none, one whose reads fail."""
        source = self._loaded.source(name)
        if source is None or source.provider != provider or not source.reads:
            return WithoutCredentials()
        return source_client(source, tenant, self._environ, self._shared) or WithoutCredentials()

    async def close(self) -> None:
        """Close the connections."""
        await self._shared.close()


class WithoutCredentials:
    """The client of an account for which there are no credentials (any more): what waits is tried again, as in an outage.

    During a rollout another worker may have them; where they were removed, what waits is dead after the last try.
    """

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return all of them."""
        return waiting

    def cost_of(self, wanted: Sequence[Wanted]) -> float:  # noqa: ARG002 - as every client
        """Return nothing: nothing is asked."""
        return 0.0

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Return the same failure for each."""
        return Reply(dict.fromkeys(wanted, Unavailable(NO_CREDENTIALS)), 0, 0.0)

    async def check(self) -> Failure:
        """Return it, too."""
        return Unavailable(NO_CREDENTIALS)

    async def close(self) -> None:
        """Close nothing."""


def source_client(
    source: Source, tenant: str, environ: Mapping[str, str], shared: Connections | None = None
) -> Api | None:
    """Return the client of a tenant, None if there are no credentials for it. The token is resolved for every request."""
    reference = source.api_tokens.get(tenant, source.api_token)
    if reference is None:
        return None
    account = Account(tenant, lambda: credential(reference, environ), source.api_url, source.api_client_id, shared)
    return client_of(source.provider, account)

"""The clients of the accounts of one session, as the configuration says."""

from collections.abc import Mapping

from config.model import Configuration, Source
from config.secrets import credential
from providers.api import Api
from providers.clients import Account, client_of
from providers.http import Connections


class Clients:
    """Makes clients that share connections: a source may have thousands of stores, each with idle connections else."""

    def __init__(self, loaded: Configuration, environ: Mapping[str, str]) -> None:
        self._loaded = loaded
        self._environ = environ
        self._shared = Connections()

    def of(self, provider: str, name: str, tenant: str) -> Api | None:
        """Return the client of an account, None where nothing is to be read."""
        source = self._loaded.source(name)
        if source is None or source.provider != provider or not source.reads:
            return None
        return source_client(source, tenant, self._environ, self._shared)

    async def close(self) -> None:
        """Close the connections."""
        await self._shared.close()


def source_client(
    source: Source, tenant: str, environ: Mapping[str, str], shared: Connections | None = None
) -> Api | None:
    """Return the client of a tenant, None if there are no credentials for it. The token is resolved for every request."""
    reference = source.api_tokens.get(tenant, source.api_token)
    if reference is None:
        return None
    account = Account(tenant, lambda: credential(reference, environ), source.api_url, source.api_client_id, shared)
    return client_of(source.provider, account)

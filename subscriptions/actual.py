"""What is registered now, as the providers tell: the hooks of every place of every account, or why they are not known."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from config.model import Configuration, Source
from config.secrets import credential
from providers.clients import Account
from providers.hook_clients import hook_client_of
from providers.hooks import HookApi
from providers.http import Connections
from subscriptions.desired import Desired
from subscriptions.plan import Found

AT_ONCE: Final = 4  # accounts that are looked at together; the places of one come one after the other, as GitHub asks


class Accounts:
    """The clients of the accounts, made when they are needed and closed together."""

    def __init__(self, configuration: Configuration, environ: Mapping[str, str]) -> None:
        self._configuration, self._environ = configuration, environ
        self._shared = Connections()
        self._clients: dict[tuple[str, str], HookApi] = {}

    def client(self, desired: Desired) -> HookApi | None:
        """Return the client of an account, None if Penstock registers nothing there."""
        key = desired.source, desired.tenant
        if key not in self._clients:
            source = self._configuration.source(desired.source)
            made = None if source is None or desired.absence is not None else self._made(source, desired.tenant)
            if made is None:
                return None
            self._clients[key] = made
        return self._clients[key]

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        await self._shared.close()

    def _made(self, source: Source, tenant: str) -> HookApi | None:
        reference = source.api_tokens.get(tenant, source.api_token or "")
        account = Account(
            tenant, lambda: credential(reference, self._environ), source.api_url, source.api_client_id, self._shared
        )
        return hook_client_of(source.provider, account)


async def actual(wanted: Sequence[Desired], accounts: Accounts) -> dict[int, Found]:
    """Return what is there, by position in `wanted`."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(one: Desired) -> Found:
        client = accounts.client(one)
        if client is None:
            return Found({})
        async with slots:
            return Found({place: await client.hooks(place) for place in one.places})

    return dict(enumerate(await asyncio.gather(*(look(one) for one in wanted))))
